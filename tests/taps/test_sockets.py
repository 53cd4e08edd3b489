"""Sockets: who read what, from pages that a real kernel gave."""

from struct import pack

import pytest

from gwtop import clock
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import ExecRefused, Missed, Named, TapState, Touched
from gwtop.nouns.times import SECOND_NS
from gwtop.taps import sockets
from gwtop.taps.shut import Shut
from gwtop.taps.sockets import EXEC, NEWTASK, READ, REFUSED, Sockets
from gwtop.taps.tracefs import NoTracefsError
from gwtop.taps.tracering import PAUSE_NS
from tests.taps._trace import RecordedInstance


@pytest.fixture
def instance(monkeypatch: pytest.MonkeyPatch) -> RecordedInstance:
    made = RecordedInstance()
    monkeypatch.setattr(sockets, "Instance", lambda purpose, buffer_kb: made)
    monkeypatch.setattr(clock, "monotonic_offset_ns", lambda: SECOND_NS)
    monkeypatch.setattr(clock, "monotonic_ns", lambda: 1 << 60)
    return made


def tap_on(*ports: int) -> Sockets:
    return Sockets(Plan(ports=ports), 0)


def test_every_read_has_its_thread_and_both_addresses(instance: RecordedInstance) -> None:
    recorded = instance.recorded
    tap = tap_on(recorded.port, recorded.port6)
    instance.put(recorded.pages[0])
    told = tap.read(0)
    reads = [record for record in told if isinstance(record, Touched)]
    assert len(reads) == 28 and {read.verb for read in reads} == {"read"}
    assert {read.local for read in reads} == {
        f"127.0.0.1:{recorded.port}",
        f"[::1]:{recorded.port6}",
    }
    assert len({read.thread for read in reads}) == 3
    assert reads[0].at == 5457545788970 + SECOND_NS
    tap.close()


def test_threads_that_have_gone_belong_to_whoever_made_them(instance: RecordedInstance) -> None:
    tap = tap_on(instance.recorded.port)
    tap._threads.born(instance.recorded.pid, 0, 0)
    instance.put(instance.recorded.pages[0])
    reads = [record for record in tap.read(0) if isinstance(record, Touched)]
    assert {read.pid for read in reads} == {instance.recorded.pid}
    assert instance.recorded.pid not in {read.thread for read in reads}
    tap.close()


def test_an_exec_is_named_by_its_file(instance: RecordedInstance) -> None:
    tap = tap_on(instance.recorded.port)
    instance.put(instance.recorded.pages[0])
    (named,) = (record for record in tap.read(0) if isinstance(record, Named))
    assert named.name == b"/bin/true"
    tap.close()


EXIT_EXECVE = """
ID: 861
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;
	field:int __syscall_nr;	offset:8;	size:4;	signed:1;
	field:long ret;	offset:16;	size:8;	signed:1;
"""  # events/syscalls/sys_exit_execve/format of Linux 6.18, less what nobody reads


def test_a_refused_exec_is_told_with_its_errno_and_no_other_exec_is_asked_for(
    instance: RecordedInstance,
) -> None:
    instance.recorded.formats[REFUSED] = EXIT_EXECVE
    tap = tap_on(9000)
    assert instance.written.index((REFUSED, "ret < 0")) < instance.written.index((REFUSED, "on"))
    event = pack("<HBBiiIq", 861, 0, 0, 4711, 59, 0, -13)
    # A page: time, how many bytes follow, then one event of six words, 5 ns later (tracepages).
    page = pack("<QQI", 1000, 4 + len(event), len(event) // 4 | 5 << 5) + event
    instance.put(page)
    assert tap.read(0) == [ExecRefused(1005 + SECOND_NS, 4711, 13)]
    tap.close()


def test_filters_are_written_before_events_are_switched_on(instance: RecordedInstance) -> None:
    tap = tap_on(9000, 9001)
    assert instance.written == [
        (READ, "sport == 9000 || sport == 9001"),
        (NEWTASK, "on"),
        (EXEC, "on"),
        (READ, "on"),
    ]
    tap.set_ports(())
    assert instance.written[-1] == (READ, "sport == 0")
    tap.close()


def test_names_are_looked_for_when_the_tree_changes_and_else_once_a_second(
    instance: RecordedInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: 7)
    tap = tap_on(9000)
    assert tap.due_at() == SECOND_NS
    tap.follow({1 << 30})
    assert tap.due_at() == 7 + PAUSE_NS
    assert tap.read(2 * SECOND_NS) == [] and tap.due_at() == 3 * SECOND_NS
    tap.close()


def test_without_room_for_a_second_instance_the_first_is_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = RecordedInstance()

    def one_only(purpose: str, buffer_kb: int) -> RecordedInstance:
        if purpose != "reads":
            raise NoTracefsError("no room")
        return made

    monkeypatch.setattr(sockets, "Instance", one_only)
    tap = sockets.open_tap(Plan(ports=(9000,)), 0)
    assert isinstance(tap, Shut) and made.open_pipes() == []


def test_lost_events_are_told_and_threads_are_asked_for_anew(instance: RecordedInstance) -> None:
    tap = tap_on(9000)
    tap._threads.born(1 << 30, 0, 0)
    instance.put(pack("<QQQ", 0, 3 << 30, 12))
    assert tap.read(7) == [Missed(7, "sockets", "process_events", 12)]
    assert tap._threads.pid_of(1 << 30) is None
    tap.close()


def test_a_kernel_without_the_event_is_absent_and_says_why(instance: RecordedInstance) -> None:
    del instance.recorded.formats[READ]
    tap = sockets.open_tap(Plan(ports=(9000,)), 0)
    assert isinstance(tap, Shut) and tap.state.state == "absent"
    assert tap.state.needs is not None and "4.16" in tap.state.needs


def test_a_kernel_without_births_and_names_still_tells_reads(instance: RecordedInstance) -> None:
    del instance.recorded.formats[NEWTASK], instance.recorded.formats[EXEC]
    tap = tap_on(instance.recorded.port)
    instance.put(instance.recorded.pages[0])
    assert {type(record) for record in tap.read(0)} == {Touched}
    tap.close()


@pytest.mark.parametrize("refused", [True, False])
def test_no_tracefs_is_a_state_with_its_reason(
    refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(purpose: str, buffer_kb: int) -> None:
        raise NoTracefsError("nothing there", refused)

    monkeypatch.setattr(sockets, "Instance", fail)
    monkeypatch.setattr(sockets, "held", frozenset)
    tap = sockets.open_tap(Plan(ports=(9000,)), 5)
    assert tap is not None
    wanted = tap.state.needs or ""
    assert tap.state == TapState(5, "sockets", "refused" if refused else "absent", wanted)
    assert ("CAP_SYS_ADMIN" in wanted) == refused


def test_without_a_port_there_is_nothing_to_see() -> None:
    assert sockets.open_tap(Plan(pid=1), 0) is None


def test_few_cpus_have_room_for_seconds_and_many_do_not_fill_the_memory() -> None:
    assert [sockets.reads_kb(n) for n in (1, 2, 4, 128)] == [8192, 8192, 4096, 2048]
