"""What a screen that drives a demo is given: how the load goes, and what can be asked of it. Types.

The demo and its load are other processes, started by whoever started the screen; the screen holds
this and no process.
"""

from collections.abc import Sequence
from typing import Protocol, TypedDict

from gwtop.nouns.offers import Choice, DemoOffer, RunDemo


class State(TypedDict):
    """How a load goes."""

    rate: float
    """Requests per second it means to send; 0: as fast as it goes."""
    concurrency: int
    path: str | None
    """None: the mix."""
    paused: bool
    sent: int
    answered: int
    failed: int
    """Without an answer."""
    in_flight: int
    bad_wishes: int


class Driver(Protocol):
    """A demo that runs, and its load."""

    @property
    def running(self) -> RunDemo:
        """What was asked for when it was started."""

    @property
    def has_stopped(self) -> bool:
        """The demo: by our wish or by itself."""

    @property
    def has_load(self) -> bool:
        """False: there is no HTTP client to send one with."""

    def state(self) -> State | None:
        """The newest; None before the first."""

    def wish(
        self,
        *,
        rate: float | None = None,
        concurrency: int | None = None,
        pause: bool | None = None,
        send: str | None = None,
    ) -> None:
        """None: as it is."""

    def stop(self) -> None:
        """Ends the demo and its load; the screen stays."""

    def offers(self) -> Sequence[DemoOffer]:
        """Every demo there is."""

    def leave_for(self, choice: Choice) -> None:
        """What is to come after this screen."""
