"""A delayed tap: the same records, later, and nothing lost at the end."""

from collections.abc import Collection
from inspect import getattr_static

from gwtop import clock
from gwtop.nouns.records import Record, TapState, Tick
from gwtop.nouns.run import TakesCopy
from gwtop.nouns.times import Nanos
from gwtop.taps.delayed import LAG_NS, Delayed


class Told:
    """A tap that tells what it is given, once."""

    name = "told"

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.state = TapState(0, "told", "open", None)
        self.behind_at: Nanos | None = None
        self.due: Nanos | None = None
        self.followed: list[int] = []
        self.closed = False

    def fileno(self) -> int:
        return 7

    def due_at(self) -> Nanos | None:
        return self.due

    def read(self, now: Nanos) -> list[Record]:
        told, self.records = self.records, []
        return told

    def follow(self, pids: Collection[int]) -> None:
        self.followed = sorted(pids)

    def set_copy(self, n_bytes: int) -> list[Record]:
        return [Tick(n_bytes)]

    def close(self) -> None:
        self.closed = True


def test_records_come_once_their_time_has_passed_and_keep_their_instant() -> None:
    inner = Told()
    tap = Delayed(inner)
    inner.records = [Tick(5)]
    assert tap.read(10) == []
    assert tap.due_at() == 10 + LAG_NS
    assert tap.read(9 + LAG_NS) == []
    assert tap.read(10 + LAG_NS) == []
    assert tap.due_at() == 10 + LAG_NS
    assert tap.read(11 + LAG_NS) == [Tick(5)]
    assert tap.due_at() is None


def test_the_slower_tap_is_read_before_they_come_however_late_the_loop_is() -> None:
    inner = Told()
    tap = Delayed(inner)
    inner.records = [Tick(5)]
    assert tap.read(10) == []
    assert tap.read(10 + 9 * LAG_NS) == []
    assert tap.read(11 + 9 * LAG_NS) == [Tick(5)]


def test_nothing_is_settled_beyond_what_was_handed_on() -> None:
    inner = Told()
    tap = Delayed(inner)
    inner.records = [Tick(6), Tick(5)]
    tap.read(10)
    assert tap.behind_at == 5
    inner.records = [Tick(11)]
    tap.read(12)
    assert tap.behind_at == 5
    tap.read(10 + LAG_NS)
    tap.read(12 + LAG_NS)
    assert tap.behind_at == 11
    tap.read(13 + LAG_NS)
    assert tap.behind_at is None
    inner.behind_at = 3
    assert tap.behind_at == 3


def test_the_earlier_of_both_is_due() -> None:
    inner = Told()
    tap = Delayed(inner)
    inner.records, inner.due = [Tick(5)], 20
    tap.read(10)
    assert tap.due_at() == 20
    inner.due = 11 + LAG_NS
    assert tap.due_at() == 10 + LAG_NS


def test_at_the_end_everything_comes() -> None:
    inner = Told()
    tap = Delayed(inner)
    inner.records = [Tick(5)]
    tap.read(10)
    inner.records = [Tick(6)]
    assert tap.retire(11) == [Tick(5), Tick(6)]
    assert tap.read(11 + LAG_NS) == []


def test_everything_else_is_the_taps_own() -> None:
    inner = Told()
    tap = Delayed(inner)
    assert (tap.name, tap.state, tap.fileno()) == ("told", inner.state, 7)
    tap.follow({2, 1})
    assert inner.followed == [1, 2]
    tap.close()
    assert inner.closed


def test_it_can_be_told_to_copy_and_what_that_ends_comes_behind_what_waits() -> None:
    inner = Told()
    tap = Delayed(inner)
    assert isinstance(tap, TakesCopy)
    # Python 3.12 looks for the method like this, past any `__getattr__`.
    assert getattr_static(tap, "set_copy", None) is not None
    inner.records = [Tick(5)]
    tap.read(clock.now())
    assert tap.set_copy(9) == []
    assert tap.read(clock.now() + 2 * LAG_NS) == []
    assert tap.read(clock.now() + 2 * LAG_NS) == [Tick(5), Tick(9)]
