"""libpcap's tap: when it opens, what it asks the kernel for, and how it is refused."""

import ctypes
import sys
from typing import Any

import pytest

from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Missed, Observed
from gwtop.nouns.times import SECOND_NS
from gwtop.taps import libpcap
from gwtop.taps.shut import Shut


@pytest.mark.parametrize(
    ("ports", "host", "words"),
    [
        ((3031,), None, "tcp and (port 3031)"),
        ((1, 2), None, "tcp and (port 1 or port 2)"),
        ((80,), "::1", "tcp and (port 80) and host ::1"),
    ],
)
def test_the_filter_names_ports_and_host(
    ports: tuple[int, ...], host: str | None, words: str
) -> None:
    assert libpcap.expression(ports, host) == words


def test_it_opens_only_where_it_was_asked_for() -> None:
    assert libpcap.open_tap(Plan(capture="libpcap"), 0) is None
    assert libpcap.open_tap(Plan(ports=(1,), capture="relay"), 0) is None
    if sys.platform == "linux":
        assert libpcap.open_tap(Plan(ports=(1,)), 0) is None


def test_an_interface_that_is_not_there_is_a_tap_that_says_so() -> None:
    plan = Plan(ports=(1,), capture="libpcap", interface="none0")
    tap = libpcap.open_tap(plan, 0)
    assert isinstance(tap, Shut)
    assert tap.state.state in ("absent", "refused") and tap.state.needs


class Handle:
    """What libpcap answers, read by read: nothing (None), or an error's text."""

    def __init__(self, *answers: str | None) -> None:
        self._answers = list(answers)
        self._error = b""
        winpcapy = pytest.importorskip("scapy.libs.winpcapy", reason="no libpcap here")
        for name in ("pcap_pkthdr", "pcap_stat", "bpf_program"):
            setattr(self, name, getattr(winpcapy, name))
        self.POINTER, self.c_ubyte = ctypes.POINTER, ctypes.c_ubyte

    def __getattr__(self, name: str) -> Any:
        return lambda *_: 0  # every other call succeeds

    def pcap_create(self, interface: bytes, error: object) -> int:
        return 1

    def pcap_datalink(self, handle: int) -> int:
        return 1

    def pcap_get_selectable_fd(self, handle: int) -> int:
        return 9

    def pcap_geterr(self, handle: int) -> bytes:
        return self._error

    def pcap_next_ex(self, handle: int, header: Any, data: Any) -> int:
        answer = self._answers.pop(0) if self._answers else None
        if answer is None:
            return 0
        self._error = answer.encode()
        return -1


def opened(handle: Handle, interface: str, monkeypatch: pytest.MonkeyPatch) -> libpcap.Libpcap:
    monkeypatch.setattr(libpcap, "_library", lambda: handle)
    return libpcap.Libpcap(Plan(ports=(1,), capture="libpcap", interface=interface), 0)


def test_an_interface_that_was_removed_shuts_the_tap_with_a_note_and_a_loss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tap = opened(Handle("The interface disappeared"), "none0", monkeypatch)
    assert tap.state.state == "open" and tap.fileno() == 9
    note, loss = tap.read(7)
    assert isinstance(note, Observed) and (note.code, note.severity) == ("interface-down", "error")
    assert loss == Missed(7, "libpcap", "frames", None)
    assert tap.state.state == "absent" and "disappeared" in (tap.state.needs or "")
    assert tap.fileno() == -1 and tap.due_at() is None
    tap.close()


def test_an_interface_that_is_down_is_told_once_and_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    down = "The interface went down"
    monkeypatch.setattr(libpcap, "_is_there", lambda interface: True)
    tap = opened(Handle(down, down, None, down), "lo", monkeypatch)
    note, loss = tap.read(0)
    assert isinstance(note, Observed) and (note.code, note.severity) == ("interface-down", "warn")
    assert down in note.text and isinstance(loss, Missed) and loss.n is None
    assert tap.fileno() == -1 and tap.due_at() == SECOND_NS
    assert tap.read(SECOND_NS) == [] and tap.due_at() == 2 * SECOND_NS
    assert tap.read(2 * SECOND_NS) == [] and tap.fileno() == 9 and tap.due_at() is None
    assert len(tap.read(3 * SECOND_NS)) == 2  # down once more
    tap.close()


def test_the_pseudo_interface_any_is_there() -> None:
    assert libpcap._is_there("any") and not libpcap._is_there("none0")
