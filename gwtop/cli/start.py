"""`gwtop` alone: what listens here, the demos, the files shown before; one of them is started.

In: nothing but the machine. Out: a `Choice`; without a terminal, the same as text. It refuses to
know what is done with the choice.

Three processes: the one that was started keeps its rights and waits; one looks at the machine with
just the rights that takes, and writes what it hears; one paints, without any.
"""

import os
import select
import sys

import msgspec

from gwtop import clock
from gwtop.nouns.offers import Choice, DemoOffer, WithSudo

LOOK_MS = 1000
STDOUT = 1


def show_start(sudo: bool) -> int:
    """The command."""
    from gwtop.cli import screen, session

    if not os.isatty(STDOUT):
        print_offer()
        return 0
    screen.need_terminal()
    screen.take_terminal()
    return session.run(WithSudo() if sudo and os.geteuid() != 0 else None)


def print_offer() -> None:
    from gwtop import recent
    from gwtop.listening import heard
    from gwtop.panels._start import Offer, plain

    offer = Offer(heard(), demo_offers(), recent.recent(), clock.now(), has_rights())
    sys.stdout.write("\n".join([*plain(offer), ""]))


def ask(notice: str, at: str) -> tuple[Choice | None, str]:
    """Shows the start screen, on the row `at`; None: the user quits. `notice`: how what was chosen
    before has ended."""
    from gwtop.cli import session

    lookout, heard = _look_out()
    rights = has_rights()

    def perform(stage: session.Stage) -> int:
        from gwtop.cli import screen

        screen.become_user()
        screen.end_by_unwinding()
        stage.words.next, stage.words.at = _chosen(heard, rights, notice, at)
        return 0

    try:
        outcome = session.play(perform)
    finally:
        if heard is not None:
            os.close(heard)  # ends the lookout
        if lookout is not None:
            os.waitpid(lookout, 0)
    if outcome.status:
        raise SystemExit(outcome.status)
    return outcome.next, outcome.at


def _chosen(heard: int | None, rights: bool, notice: str, at: str) -> tuple[Choice | None, str]:
    from gwtop import recent
    from gwtop.panels._start import Offer
    from gwtop.tui import run_start

    offer = Offer(None, demo_offers(), recent.recent(), clock.now(), rights)
    return run_start(offer, heard, notice, at)


def demo_offers() -> list[DemoOffer]:
    from gwtop.demos import catalogue

    return [
        DemoOffer(d.name, d.protocol, d.process_model, d.summary, d.install, list(d.missing))
        for d in catalogue()
    ]


def has_rights() -> bool:
    from gwtop.taps import privilege

    return privilege.sees_other_users()


def _look_out() -> tuple[int | None, int | None]:
    """A process that tells what it hears, once a second, until nobody reads: its pid, its words."""
    if sys.platform != "linux":
        return None, None
    heard, telling = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(heard)
        try:
            _tell(telling)
        finally:
            os._exit(0)
    os.close(telling)
    return pid, heard


def _tell(telling: int) -> None:
    from gwtop.listening import Ears
    from gwtop.taps import privilege
    from gwtop.taps.privilege import Capability

    privilege.drop((Capability.SYS_PTRACE, Capability.DAC_READ_SEARCH))
    ears, reader = Ears(), select.poll()
    reader.register(telling, 0)  # nothing but its end
    while True:
        line = msgspec.json.encode(ears.look()) + b"\n"
        try:
            os.write(telling, line)
        except BrokenPipeError:
            return
        if reader.poll(LOOK_MS):
            return


def begin_with_sudo() -> str:
    """The whole session again as root, in place of this one; why not, where that cannot be."""
    from gwtop.cli import screen
    from gwtop.errors import GwtopError

    try:
        screen.ask_password()
    except GwtopError as why:
        return str(why)
    os.execvp("sudo", ["sudo", "--", *screen.program()])
