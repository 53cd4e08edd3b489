"""The tap of calls as far as it needs no kernel: whether it is asked for, and what it missed."""

from collections.abc import Iterator

import pytest

from gwtop.nouns.plan import Plan, Relayed
from gwtop.nouns.records import Missed, Observed
from gwtop.taps import calls, ebpf
from gwtop.taps.acceptors import Acceptors
from gwtop.taps.callprog import Call
from gwtop.taps.calls import Calls
from gwtop.taps.descriptors import Descriptors
from gwtop.taps.elf import X86_64
from gwtop.taps.libcs import Libc
from gwtop.taps.planted import Planted
from gwtop.taps.shut import Shut
from gwtop.taps.sites import Found, Kind


def call(n_refused: int) -> Call:
    return Call(1, 1, 1, n_refused, 0, Kind.READ, 1, 3, 0, 0, 0, b"")


class Refusals:
    """The kernel's side, as far as it counts."""

    def __init__(self, n: int, is_behind: bool = False) -> None:
        self._n = n
        self.ring = self
        self.is_behind = is_behind

    def n_refused(self) -> int:
        return self._n


def bare(kernel: Refusals | None = None) -> Calls:
    """Without its kernel's side."""
    tap = object.__new__(Calls)
    tap._n_missed = 0
    tap._descriptors = Descriptors(1, lambda pid, fd: None)
    if kernel is not None:
        tap._kernel = kernel  # type: ignore[assignment]
    return tap


def test_what_was_refused_is_counted_where_it_is_missing() -> None:
    tap = bare()
    seen = [call(0), call(0), call(2), call(2), call(3)]
    assert [(len(whole), n) for whole, n in tap._unbroken(seen)] == [(2, 0), (2, 2), (1, 1)]
    assert [(len(whole), n) for whole, n in tap._unbroken([call(3), call(4)])] == [(1, 0), (1, 1)]


def test_a_record_that_was_overtaken_by_one_that_tells_more_counts_nothing_twice() -> None:
    assert [n for _, n in bare()._unbroken([call(2), call(1), call(2)])] == [2]


def test_what_was_missed_before_the_first_is_missed_too() -> None:
    assert [n for _, n in bare()._unbroken([call(2)])] == [2]


def test_what_was_refused_last_is_told_though_nothing_follows() -> None:
    tap = bare(Refusals(3))
    assert tap._missed_since(7) == [Missed(7, "calls", "frames", 3)]
    assert tap._missed_since(8) == []
    assert bare(Refusals(3, is_behind=True))._missed_since(7) == []


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(Plan(ports=(9000,)), id="a port"),
        pytest.param(
            Plan(ports=(9000,), capture="calls", relay=Relayed(("::1", 9), ("::1", 9000))),
            id="a port through a relay",
        ),
        pytest.param(Plan(socket="/x", relay=Relayed("/x", None)), id="through a relay"),
    ],
)
def test_it_is_for_unix_sockets_or_when_asked_for_and_never_beside_a_relay(plan: Plan) -> None:
    assert calls.open_tap(plan, 0) is None


def test_where_the_kernel_takes_no_program_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise ebpf.NoBpfError("no programs here", refused=False)

    monkeypatch.setattr(ebpf, "make_map", refuse)
    monkeypatch.setattr(calls, "Definitions", NoDefinitions)
    tap = calls.open_tap(Plan(socket="/x"), 0)
    assert isinstance(tap, Shut)
    assert (tap.state.state, tap.state.needs) == ("absent", "no programs here")
    assert str(calls.unavailable()) == "no programs here"


class NoDefinitions:
    def close(self) -> None:
        """Nothing was defined."""


class Refused(Calls):
    """The kernel takes no probe of any library."""

    def __init__(self, is_open: bool) -> None:
        self._where = Acceptors("/x", ())
        self._planted, self._told, self.words = {}, set(), []
        self._is_open = is_open
        self.n_defined = 0

    def _define(self, libc: Libc) -> Iterator[Planted]:
        self.n_defined += 1
        raise PermissionError


LIBC = Libc(7, "/lib/libc.so.6", X86_64, Found((), ()))


def test_a_library_that_is_refused_later_is_told_once_and_ends_nothing() -> None:
    tap = Refused(is_open=True)
    tap._plant(LIBC, 100)
    tap._plant(LIBC, 101)
    assert tap.n_defined == 1
    words = [one for one in tap.words if isinstance(one, Observed)]
    assert [(one.code, one.pid) for one in words] == [("calls-refused", 100)]
    assert words[0].text.startswith("/lib/libc.so.6 may not be probed")


def test_a_library_that_is_refused_at_once_shuts_the_tap() -> None:
    with pytest.raises(PermissionError):
        Refused(is_open=False)._plant(LIBC, 100)
