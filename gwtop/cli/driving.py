"""A demo on the screen: demo, load and screen in this process, the engine its child.

In: a demo that runs. Out: an exit status, and what is to come next. It refuses to know keys: the
screen is given a `Driver`, and what it wishes happens here.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from gwtop.cli.options import Telling
from gwtop.nouns.driving import State
from gwtop.nouns.offers import Choice, DemoOffer, RunDemo

if TYPE_CHECKING:
    from gwtop.cli.screen import Engine
    from gwtop.demos import RunningDemo
    from gwtop.load import RunningLoad, Wish


class OnScreen:
    """The `Driver` of the demo that runs."""

    def __init__(
        self,
        running: RunDemo,
        demo: "RunningDemo",
        load: "RunningLoad | None",
        engine: "Engine",
    ) -> None:
        self.running = running
        self.has_load = load is not None
        self.next: Choice | None = None
        self._demo = demo
        self._load = load
        self._engine = engine
        self._stopped = False

    @property
    def has_stopped(self) -> bool:
        return self._stopped or self._demo.poll() is not None

    def state(self) -> State | None:
        return None if self._load is None else self._load.state()

    def wish(
        self,
        *,
        rate: float | None = None,
        concurrency: int | None = None,
        pause: bool | None = None,
        send: str | None = None,
    ) -> None:
        wish: Wish = {}
        if rate is not None:
            wish["rate"] = rate
        if concurrency is not None:
            wish["concurrency"] = concurrency
        if pause is not None:
            wish["pause"] = pause
        if send is not None:
            wish["send"] = send
        if wish and self._load is not None:
            self._load.send(wish)

    def stop(self) -> None:
        """By the ends of their pipes: under sudo we have no right to send them signals."""
        self._stopped = True
        if self._load is not None:
            self._load.let_go()
        self._demo.let_go()

    def offers(self) -> Sequence[DemoOffer]:
        from gwtop.cli.start import demo_offers

        return demo_offers()

    def leave_for(self, choice: Choice) -> None:
        self.next = choice

    def trouble(self) -> str | None:
        """What has gone wrong beside the screen, asked by it several times a second.

        A load without its demo ends, and both without the engine: nothing goes on that nobody
        watches, while the screen stays and shows what was seen.
        """
        demo_ended = self._demo.trouble(waits_s=0)
        if self._load is not None and (demo_ended is not None or self._engine.has_ended()):
            self._load.let_go()
        if self._engine.has_ended():
            self._demo.let_go()
            return None  # the screen says that by itself
        if self._stopped:
            return None
        return demo_ended or (None if self._load is None else self._load.trouble())


def run_screen(demo: "RunningDemo", running: RunDemo, argv: list[str], telling: Telling) -> int:
    """`argv`: the engine's."""
    from gwtop.cli import screen
    from gwtop.cli.session import Stage

    with screen.spawn_engine(argv, telling) as engine:
        engine.wait_for_hello()
        screen.become_user()  # before the load, which is none of root's business
        load = _start_load(demo.ready["url"], running)
        driver = OnScreen(running, demo, load, engine)
        try:
            status = screen.show(engine, demo, driver.trouble, driver)
        finally:
            if load is not None:
                load.stop()
    stage = click.get_current_context().find_object(Stage)
    if stage is not None:
        stage.words.next = driver.next
    return status


def _start_load(url: str, running: RunDemo) -> "RunningLoad | None":
    """None: without an HTTP client there is none to drive; without load (`--keep`) none is needed
    before somebody wants it."""
    from gwtop.errors import GwtopError
    from gwtop.load import need_client, start_load

    if running.paused:
        try:
            need_client()
        except GwtopError:
            return None
    return start_load(
        url,
        rate=running.rate,
        n_requests=running.n_requests,
        concurrency=running.concurrency,
        path=running.path,
        paused=running.paused,
        driven=True,
    )
