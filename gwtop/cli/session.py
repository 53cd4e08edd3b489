"""A session at the terminal: start screen, watches and demos, one after the other.

In: what to begin with. Out: an exit status. It refuses to know what is on any screen.

Each screen is a process of its own, forked here. This one stays what it was started as, for a
screen gives its rights up for good and the next one's engine needs them; it reads nothing but its
children's last words, which are a `Choice` made of checked fields and never a command line. So
"another demo" is: this one ends, all of it, and the next begins on the same terminal, also under
sudo.

Whichever of the two is killed, the other one ends: the screen because the end of a pipe is turned
into SIGTERM by the kernel, this process because it waits for the screen, and then it gives the
terminal back.
"""

import fcntl
import os
import signal
import sys
import termios
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import TypeVar

import msgspec

from gwtop.cli.signals import ENDING, EXIT_OF_SIGNAL
from gwtop.errors import GwtopError
from gwtop.nouns.offers import Attach, Choice, RunDemo, ShowFile, WithSudo

MAX_WORDS_BYTES = 64 * 1024  # a choice is under 5,000, even with the longest path
STDIN, STDOUT = 0, 1
AS_IT_WAS = (
    b"\x1b[?1049l"  # the first screen again (xterm: rmcup)
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l"  # no mouse
    b"\x1b[?2004l\x1b[?25h\x1b[0m"  # no bracketed paste; the cursor; no colour
    b"\x1b[<u"  # the keyboard protocol that textual asks for (kitty)
)

T = TypeVar("T")


class Words(msgspec.Struct):
    """What a screen says at its end, to the process that started it."""

    next: Choice | None = None
    notice: str = ""
    at: str = ""
    """Where the start screen stood."""


@dataclass(slots=True)
class Stage:
    """What a command is given when it runs within a session: where to leave its last words."""

    words: Words


@dataclass(frozen=True, slots=True)
class Outcome:
    status: int
    next: Choice | None
    notice: str
    at: str = ""


def run(first: Choice | None, options: tuple[str, ...] = ()) -> int:
    """Until the user quits; the last exit status. `first` None: the start screen, and back to it
    after each watch. `options` are words for the commands that watch."""
    from gwtop.cli import start

    choice, notice, at = first, "", ""
    while True:
        if choice is None:
            choice, at = start.ask(notice, at)
            if choice is None:
                return 0
        if isinstance(choice, WithSudo):
            notice, choice = start.begin_with_sudo(), None
            continue
        outcome = play(_performance(choice, options))
        choice, notice = outcome.next, outcome.notice
        if choice is None and first is not None:
            if notice:
                raise GwtopError(notice)
            return outcome.status
        if choice is None and outcome.status > EXIT_OF_SIGNAL and not notice:
            return outcome.status  # who ended the screen wanted us to end


def argv_of(choice: Choice) -> list[str]:
    """The command that does it."""
    match choice:
        case Attach(port=port, socket=socket):
            return ["attach", "--port", str(port)] if port else ["attach", f"--socket={socket}"]
        case RunDemo():
            words = ["demo", f"--rate={choice.rate:g}", f"--concurrency={choice.concurrency}"]
            words += [f"--workers={choice.workers}"]
            words += [f"--requests={choice.n_requests}"] if choice.n_requests else []
            words += [f"--front={choice.front}"] if choice.front else []
            words += [f"--path={choice.path}"] if choice.path else []
            words += ["--unix"] if choice.unix else []
            words += ["--keep"] if choice.paused else []
            return [*words, "--", choice.name]
        case ShowFile(command=command, path=path):
            return ["view" if command == "view" else "read", "--", path]
        case WithSudo():
            return ["--sudo"]


def _performance(choice: Choice, options: tuple[str, ...]) -> Callable[[Stage], int]:
    def perform(stage: Stage) -> int:
        from gwtop.cli import main, screen

        if isinstance(choice, ShowFile):
            screen.become_user()  # a file is read with the rights of whoever chose it
        words = argv_of(choice)
        if isinstance(choice, RunDemo):
            words[1:1] = options
        return main(words, stage)

    return perform


def play(perform: Callable[[Stage], int]) -> Outcome:
    """Runs it in a process of its own, which is over when this returns, and was told to be when
    this process is told to end."""
    said, saying = os.pipe()
    life, alive = os.pipe()
    before = _terminal_state()
    sys.stdout.flush()
    sys.stderr.flush()
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    pid = os.fork()
    if pid == 0:
        os.close(said)
        os.close(alive)
        _perform(perform, saying, life, blocked)
    os.close(saying)
    os.close(life)
    try:
        status = _await(pid, blocked)
        words = _words(said)
    finally:
        os.close(said)
        os.close(alive)
    if status < 0:
        _give_terminal_back(before)
        notice = words.notice or f"the screen was killed (signal {-status})"
        return Outcome(EXIT_OF_SIGNAL - status, None, notice)
    return Outcome(status, words.next, words.notice, words.at)


def _perform(
    perform: Callable[[Stage], int], saying: int, life: int, blocked: set[int | signal.Signals]
) -> None:
    """The child's life; does not return."""
    stage, status = Stage(Words()), 1
    try:
        for number in ENDING:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        end_with(life)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        status = perform(stage)
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    except KeyboardInterrupt:
        status = EXIT_OF_SIGNAL + signal.SIGINT
    finally:
        if sys.exc_info()[0] is not None:
            traceback.print_exc()
        os.write(saying, msgspec.json.encode(stage.words))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def end_with(life: int) -> None:
    """SIGTERM when the other end of this pipe is closed. By the kernel: it needs no thread, which
    would keep rights, and no loop, which is not always there. Elsewhere than on Linux an orphan
    ends by its terminal's end alone."""
    if not hasattr(fcntl, "F_SETSIG"):
        return
    fcntl.fcntl(life, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(life, fcntl.F_SETSIG, signal.SIGTERM)
    fcntl.fcntl(life, fcntl.F_SETFL, fcntl.fcntl(life, fcntl.F_GETFL) | os.O_ASYNC)


def _await(pid: int, blocked: set[int | signal.Signals]) -> int:
    """Its exit status, or minus the signal that killed it; signals for us are passed on."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        try:
            os.kill(pid, number)
        except ProcessLookupError:  # it has ended, and we are about to
            return

    before = {number: signal.signal(number, pass_on) for number in ENDING}
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    try:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _words(said: int) -> Words:
    data = b""
    while len(data) <= MAX_WORDS_BYTES and (piece := os.read(said, MAX_WORDS_BYTES)):
        data += piece
    try:
        return msgspec.json.decode(data, type=Words) if data else Words()
    except msgspec.MsgspecError as wrong:
        return Words(notice=f"the screen's last words were none: {wrong}")


def _terminal_state() -> list[object] | None:
    try:
        return termios.tcgetattr(STDIN)
    except termios.error:  # keys come from elsewhere
        return None


def _give_terminal_back(before: list[object] | None) -> None:
    """What a screen that was killed could not do any more."""
    os.write(STDOUT, AS_IT_WAS)
    if before is not None:
        termios.tcsetattr(STDIN, termios.TCSANOW, before)  # type: ignore[arg-type]  # as it came
