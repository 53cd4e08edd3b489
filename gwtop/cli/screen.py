"""The screen's process: spawns an engine, becomes the user, and shows what the engine tells.

In: the engine's command line. Out: an exit status. It refuses to know what is on the screen.

The process the user started is the screen; the engine is its child, told by two pipes: facts here,
wishes there. The end of either pipe is the end of the other process, so no kill of one leaves the
other behind. Under sudo only the engine stays root: the screen becomes the invoking user after
the engine has been spawned and before textual, a hundred thousand lines, is even imported.
"""

import os
import pwd
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, BinaryIO, NoReturn, cast

from gwtop.cli import options
from gwtop.cli.config import checked
from gwtop.cli.options import Telling
from gwtop.cli.signals import ENDING, EXIT_OF_SIGNAL
from gwtop.config import DUMB_TERMINALS
from gwtop.errors import GwtopError

if TYPE_CHECKING:
    from gwtop.demos import RunningDemo
    from gwtop.nouns.driving import Driver

MAX_SAID_BYTES = 64 * 1024  # a few hundred lines; a traceback is thirty
HELLO_DEADLINE_S = 10.0  # taps open in 20 ms; asking the proc connector in vain takes 400
STOP_DEADLINE_S = 3.0  # an engine gives its last words 2 s at most
STDIN, STDOUT = 0, 1


class Engine:
    """A child that tells facts on its stdout until its stdin ends."""

    def __init__(
        self,
        argv: list[str],
        reads_our_stdin: bool,
        in_our_session: bool,
        reads_files: bool = False,
    ) -> None:
        """`reads_files`: it takes no wishes but one, to end (by a pipe: it may be root's), and
        what was handed to us, as <(...) of a shell is, is for it."""
        self._alive: int | None = None
        life: int | None = None
        if reads_files:
            life, self._alive = os.pipe()
            os.set_inheritable(life, True)
            place = argv.index("--")
            argv = [*argv[:place], "--life", str(life), *argv[place:]]
        given = subprocess.DEVNULL if reads_files else subprocess.PIPE
        self._stderr = TemporaryFile()  # noqa: SIM115  # closed with the engine; a few lines
        self._process = subprocess.Popen(
            argv,
            stdin=None if reads_our_stdin else given,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=_environ(),
            start_new_session=not in_our_session,  # Ctrl-C is for the screen
            close_fds=not reads_files,
        )
        if life is not None:
            os.close(life)
        assert self._process.stdout is not None
        # Popen types its pipes as IO[bytes]; they are BinaryIO.
        self.facts = cast(BinaryIO, self._process.stdout)
        self.wishes = cast(BinaryIO | None, self._process.stdin)

    def __enter__(self) -> "Engine":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def wait_for_hello(self) -> None:
        """Returns when every tap is open: what happens from now on is seen."""
        select.select([self.facts], [], [], HELLO_DEADLINE_S)

    def said(self) -> list[str]:
        """What it wrote to stderr; the end of it, if that is much."""
        n_bytes = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, n_bytes - MAX_SAID_BYTES))
        lines = self._stderr.read().decode("utf-8", "replace").splitlines()
        return lines if n_bytes <= MAX_SAID_BYTES else lines[1:]  # the first of them is cut

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def why_it_ended(self) -> str | None:
        """Waits for its end. None: it ended as it should."""
        status = self._process.wait()
        if status == 0:
            return None
        said = self.said()
        return said[-1].removeprefix("gwtop: ") if said else f"exit status {status}"

    def stop(self) -> int:
        """Ends it by ending its pipes (it may be another user's); its exit status."""
        if self._process.returncode is None:
            if self._alive is not None:
                os.close(self._alive)
                self._alive = None
            elif self.wishes is not None:
                _close_quietly(self.wishes)
            else:
                self.facts.close()
            try:
                self._process.wait(STOP_DEADLINE_S)
            except subprocess.TimeoutExpired:
                self.facts.close()
                self._kill()
                self._process.wait()
            if self._process.returncode == -signal.SIGTERM:  # as was wished
                return 0
        return self._process.returncode

    def _kill(self) -> None:
        try:
            self._process.kill()
        except PermissionError:  # it is root's and we no more; without a reader it ends by itself
            return


def _close_quietly(pipe: BinaryIO) -> None:
    try:
        pipe.close()
    except BrokenPipeError:  # it ended before it read our last wish
        return


def _environ() -> dict[str, str]:
    """Ours, and the way to this very package, for the child does not look where it stands."""
    paths = [str(Path(__file__).parent.parent.parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def program() -> list[str]:
    """Without -P the working directory could lend a root process its modules."""
    return [sys.executable, "-P", "-m", "gwtop"]


def need_terminal() -> None:
    """Raises where there is none; said before anything is started."""
    if not os.isatty(STDOUT):
        raise GwtopError("the screen needs a terminal", "ask for --json or --table NAME")
    if os.environ.get("TERM", "") in DUMB_TERMINALS:
        raise GwtopError(
            f"TERM={os.environ['TERM']} cannot be painted on", "ask for --json or --table NAME"
        )
    checked()  # a config that cannot be meant is said before anything is started


def spawn_engine(argv: list[str], telling: Telling, sudo: bool = False) -> Engine:
    """An engine with this command line; keys come from the terminal even if stdin is a pipe."""
    need_terminal()
    reads_our_stdin = argv[:2] == ["read", "-"]
    told = [word for word in options.argv_of(telling) if word != "--wishes" or not reads_our_stdin]
    prefix = ["sudo", "--"] if sudo else []
    engine = Engine([*prefix, *program(), *argv, *told], reads_our_stdin, in_our_session=sudo)
    take_terminal()
    return engine


def spawn_reader(argv: list[str], reads_our_stdin: bool) -> Engine:
    """A process that tells facts it reads elsewhere."""
    reader = Engine([*program(), *argv], reads_our_stdin, in_our_session=False, reads_files=True)
    take_terminal()
    return reader


def take_terminal() -> None:
    """Keys are read from descriptor 0: makes that the terminal."""
    if os.isatty(STDIN):
        return
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError:
        raise GwtopError("there is no terminal to take keys from", "ask for --json") from None
    os.dup2(terminal, STDIN)
    os.close(terminal)


def show(
    engine: Engine,
    running: "RunningDemo | None" = None,
    trouble: Callable[[], str | None] = lambda: None,
    driver: "Driver | None" = None,
    *,
    title: str = "",
    waits: bool = False,
) -> int:
    """The screen on this engine's facts; what the engine said on stderr is said afterwards.

    `trouble` is asked again and again, and what it says is shown. `waits`: nothing is lost where
    the screen is slow, for whoever tells can wait.
    """
    become_user()
    from gwtop.tui import run_screen

    explain = ""
    if running is not None:
        ready = running.ready
        title, explain = f"{ready['name']}  {ready['url']}", first_words(ready["explain"])
    end_by_unwinding()
    shown = run_screen(
        engine.facts,
        engine.wishes,
        title=title,
        explain=explain,
        on_end=engine.why_it_ended,
        trouble=trouble,
        driver=driver,
        waits=waits,
    )
    if running is not None:
        running.let_go()  # takes the longest, so it begins while the others end
    status = engine.stop()
    for line in engine.said():
        print(line, file=sys.stderr)
    return shown or (1 if status < 0 else status)  # killed: nothing it could say


def end_by_unwinding() -> None:
    """Signals that end us leave through every `finally`: the terminal is given back, and what
    the demo and the load need to end is done."""
    # asyncio, which would take SIGINT for a wish to stop and end with 0, leaves it to us then.
    for number in ENDING:
        signal.signal(number, _unwind)


def _unwind(number: int, frame: FrameType | None) -> NoReturn:
    for other in ENDING:  # a terminal's end and a parent's come together: once is enough
        signal.signal(other, _already)  # not SIG_IGN: Python complains of one that is on its way
    raise SystemExit(EXIT_OF_SIGNAL + number)


def _already(number: int, frame: FrameType | None) -> None:
    """We are ending."""


def first_words(word: str) -> str:
    """What `gwtop explain` says first about a word; nothing where it has no page."""
    from gwtop.explain import page

    text = page(word) or ""
    return " ".join(text.split("\n\n")[1].split()) if "\n\n" in text else ""


def become_user() -> None:
    """From here on the invoking user under sudo; nobody else keeps a capability."""
    from gwtop.taps import privilege

    if os.path.expanduser("~") == "~":  # no HOME, and a user whom no passwd knows: a container's
        os.environ["HOME"] = "/"
    if os.geteuid() != 0:
        if privilege.held():  # setpriv gave them, for the engine
            privilege.drop()
        return
    uid, gid = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    if uid is None or gid is None or int(uid) == 0:
        privilege.drop()
        return
    user = pwd.getpwuid(int(uid))
    os.initgroups(user.pw_name, int(gid))
    os.setgid(int(gid))
    os.setuid(int(uid))
    os.environ.update(HOME=user.pw_dir, USER=user.pw_name, LOGNAME=user.pw_name)


def ask_password() -> None:
    """Before there is a screen to disturb."""
    try:
        done = subprocess.run(["sudo", "-v"], check=False)
    except (FileNotFoundError, PermissionError):  # the latter: a folder of PATH is shut to us
        raise GwtopError("there is no sudo here", "run gwtop as root, without --sudo") from None
    if done.returncode != 0:
        raise GwtopError("sudo refused", "run without --sudo to see what can be seen without")


def run_as_root(argv: list[str], telling: Telling) -> int:
    """The same command under sudo, in place of this process."""
    told = [word for word in options.argv_of(telling) if word != "--wishes"]
    if telling["table"] is not None:
        told = [word for word in told if word != "--json"] + ["--table", telling["table"]]
    if not telling["details"]:
        told.remove("--details")
    os.execvp("sudo", ["sudo", "--", *program(), *argv, *told])
