"""A traced tree: whose threads are asked about, and what an event becomes."""

from struct import pack

import pytest

from gwtop import clock
from gwtop.nouns.records import Forked, Missed, Record
from gwtop.nouns.times import SECOND_NS, Nanos
from gwtop.taps import proc, traced_tree
from gwtop.taps.traced_tree import Handler, TracedTree
from gwtop.taps.tracefs import NoTracefsError
from gwtop.taps.tracepages import Format
from tests.taps._trace import RecordedInstance

EVENT = "group/event"
FORMAT = "ID: 9\n\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"


class Instance(RecordedInstance):
    def __init__(self) -> None:
        super().__init__()
        self.recorded.formats = {EVENT: FORMAT}
        self.refuses = ""

    def control(self, file: str, value: str) -> None:
        if self.refuses and self.refuses in value:
            raise OSError(22, "no such thread")
        self.written.append((file, value))

    def keep(self, file: str) -> None:
        self.kept = file

    def option(self, name: str) -> bool:
        return True


@pytest.fixture
def instance(monkeypatch: pytest.MonkeyPatch) -> Instance:
    made = Instance()
    monkeypatch.setattr(traced_tree, "Instance", lambda purpose, buffer_kb: made)
    monkeypatch.setattr(clock, "monotonic_offset_ns", lambda: SECOND_NS)
    monkeypatch.setattr(clock, "monotonic_ns", lambda: 1 << 60)
    monkeypatch.setattr(proc, "threads", lambda pid: [pid, pid + 1])
    monkeypatch.setattr(
        proc, "stat", lambda pid: None if pid < 10 else proc.Stat(b"x", "S", pid - 2, 0)
    )
    return made


def reading(form: Format) -> Handler:
    unpack = form.reader("common_pid").unpack_from

    def read(at: Nanos, data: bytes) -> Record | None:
        (thread,) = unpack(data)
        return Forked(at, thread, 1) if thread else None

    return read


def event(at: int, thread: int, kind: int = 9) -> bytes:
    body = pack("<HxxI", kind, thread)
    return pack("<QQI", at, 4 + len(body), len(body) // 4) + body


def test_events_become_what_their_reader_makes_of_them(instance: Instance) -> None:
    tree = TracedTree("x", 1, {EVENT: ("0", reading)})
    instance.put(event(5, 77))
    instance.put(event(6, 0))
    instance.put(event(7, 78, kind=3))
    assert tree.read(0) == [Forked(SECOND_NS + 5, 77, 1)]
    instance.put(pack("<QQ", 0, 1 << 31))
    assert tree.read(7) == [Missed(7, "x", "process_events", None)]
    tree.close()


def test_all_threads_are_named_at_once_for_each_write_takes_long(instance: Instance) -> None:
    tree = TracedTree("x", 1, {EVENT: ("0", reading)})
    assert instance.written == [(EVENT, "0"), (EVENT, "off")]
    tree.name_threads([300, 100])
    assert [value for file, value in instance.written[2:]] == ["100 101 300 301 "]
    tree.switch_on()
    assert instance.written[-1] == (EVENT, "on")
    tree.close()


def test_where_one_has_gone_the_others_are_named_one_by_one(instance: Instance) -> None:
    tree = TracedTree("x", 1, {EVENT: ("0", reading)})
    instance.refuses = "101 "
    tree.name_threads([100, 300])
    assert [value for file, value in instance.written[2:]] == ["100 ", "300 ", "301 "]
    tree.close()


def test_a_child_of_one_that_was_named_follows_by_itself(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ns = [5 * SECOND_NS]
    monkeypatch.setattr(clock, "monotonic_ns", lambda: now_ns[0])
    tree = TracedTree("x", 1, {EVENT: ("0", reading)})
    tree.name_threads([100])
    tree.name_threads([102])  # its parent was named just now: it may have been born before
    now_ns[0] += 2 * SECOND_NS
    tree.name_threads([104, 900, 7])
    assert [value for file, value in instance.written[2:]] == ["100 101 ", "102 103 ", "900 901 "]
    assert tree.threads.pid_of(104) == 104
    tree.close()


def test_a_number_that_was_a_thread_and_is_a_process_now_is_its_own(instance: Instance) -> None:
    tree = TracedTree("x", 1, {EVENT: ("0", reading)})
    tree.name_threads([100])
    assert tree.threads.pid_of(101) == 100
    tree.name_threads([101])
    assert (tree.threads.pid_of(101), tree.threads.pid_of(102)) == (101, 101)
    tree.close()


def test_a_kernel_without_one_of_the_events_is_refused_whole(instance: Instance) -> None:
    with pytest.raises(NoTracefsError, match="this kernel has no group:other"):
        TracedTree("x", 1, {EVENT: ("0", reading), "group/other": ("0", reading)})
    assert instance.open_pipes() == [], "closed"


def test_what_is_written_later_is_open_before_rights_are_dropped(instance: Instance) -> None:
    tree = TracedTree("x", 1, {EVENT: ("0", reading)})
    assert instance.kept == "set_event_pid", "else every thread of the machine would be asked about"
    tree.close()
