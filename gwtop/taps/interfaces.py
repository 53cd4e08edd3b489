"""An interface that goes down or away under a capture: what is told of it.

In: which tap, which interface, whether it is still there. Out: a note, and a loss of which nobody
can say how many frames it is: what passes between its return and ours is not counted anywhere.
It refuses to know how the tap found out.
"""

from gwtop.nouns.records import Missed, Observed, Record
from gwtop.nouns.times import SECOND_NS, Nanos

RETRY_NS = SECOND_NS
"""How often one that has gone is looked for."""


def went_down(at: Nanos, tap: str, interface: str, why: str = "it is down") -> list[Record]:
    """It is still there: who captures goes on when it is up again."""
    text = f"no frame of {interface} is seen until it is up again: {why}"
    return [Observed(at, "interface-down", "warn", text), Missed(at, tap, "frames", None)]


def went_away(at: Nanos, tap: str, interface: str, until: str) -> list[Record]:
    text = f"no frame of {interface} is seen until {until}: there is no such interface any more"
    return [Observed(at, "interface-down", "error", text), Missed(at, tap, "frames", None)]


def came_back(at: Nanos, interface: str) -> Observed:
    return Observed(at, "interface-back", "info", f"{interface} is there again, and watched")
