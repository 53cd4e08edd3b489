"""Handovers: asked of the kernel only about a tree that needs it, and of no other thread."""

from struct import pack

import pytest

from gwtop import clock
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Hidden, Missed, Passed
from gwtop.nouns.times import SECOND_NS
from gwtop.taps import diag, handovers, interpreters, proc, traced_tree, tracefs
from gwtop.taps.handovers import (
    PAUSE_NS,
    READY,
    RECEIVED,
    SENT,
    UNIX,
    UNIX_BLOCKS,
    Handovers,
)
from gwtop.taps.tracefs import NoTracefsError
from tests.taps._trace import RecordedInstance

FORMAT = """ID: {}
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;
	field:void * sk;	offset:8;	size:8;	signed:0;
	field:__u16 family;	offset:16;	size:2;	signed:0;
	field:int ret;	offset:20;	size:4;	signed:1;
	field:int flags;	offset:24;	size:4;	signed:1;
"""
READY_FORMAT = """ID: {}
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;
	field:const void * skaddr;	offset:8;	size:8;	signed:0;
	field:__u16 family;	offset:16;	size:2;	signed:0;
"""
SENT_ID, RECEIVED_ID, READY_ID = 11, 12, 13


class Instance(RecordedInstance):
    def __init__(self) -> None:
        super().__init__()
        self.recorded.formats = {
            READY: READY_FORMAT.format(READY_ID),
            SENT: FORMAT.format(SENT_ID),
            RECEIVED: FORMAT.format(RECEIVED_ID),
        }

    def control(self, file: str, value: str) -> None:
        self.written.append((file, value))

    def keep(self, file: str) -> None:
        self.kept = file

    def option(self, name: str) -> bool:
        self.written.append(("option", name))
        return True


@pytest.fixture
def instance(monkeypatch: pytest.MonkeyPatch) -> Instance:
    made = Instance()
    monkeypatch.setattr(traced_tree, "Instance", lambda purpose, buffer_kb: made)
    monkeypatch.setattr(tracefs, "may_make", lambda: True)
    monkeypatch.setattr(clock, "monotonic_offset_ns", lambda: SECOND_NS)
    monkeypatch.setattr(clock, "monotonic_ns", lambda: 1 << 60)
    monkeypatch.setattr(proc, "threads", lambda pid: [pid, pid + 1])
    monkeypatch.setattr(proc, "stat", lambda pid: proc.Stat(b"x", "S", pid - 1, 0))
    monkeypatch.setattr(interpreters, "reads_for_others", lambda pid: pid == 500)
    monkeypatch.setattr(interpreters, "hands_over", lambda pid: pid == 500)
    return made


def event(kind: int, at: int, thread: int, n_bytes: int, flags: int = 0) -> bytes:
    body = pack("<HxxiQHxxii", kind, thread, 0xABC, 1, n_bytes, flags)
    return pack("<QQI", at, 4 + len(body), len(body) // 4) + body


def test_a_tree_without_such_a_module_is_spared_the_events(instance: Instance) -> None:
    tap = Handovers(0)
    tap.follow([100, 101])
    assert instance.written == [
        (READY, UNIX),
        (READY, "off"),
        (SENT, UNIX_BLOCKS),
        (SENT, "off"),
        (RECEIVED, UNIX_BLOCKS),
        (RECEIVED, "off"),
        ("option", "event-fork"),
    ]
    tap.close()


def test_threads_are_named_before_the_events_and_newcomers_after(instance: Instance) -> None:
    tap = Handovers(0)
    tap.follow([100])
    del instance.written[:]
    tap.follow([100, 500])  # its parent, 499, is not followed
    assert instance.written[0] == ("set_event_pid", "100 101 500 501 ")
    assert instance.written[1:] == [(READY, "on"), (SENT, "on"), (RECEIVED, "on")]
    tap.follow([100, 500, 700])
    assert instance.written[4:] == [("set_event_pid", "700 701 ")]
    tap.close()


def test_a_child_is_not_looked_at_for_it_has_what_its_parent_has(instance: Instance) -> None:
    tap = Handovers(0)
    tap.follow([499])
    tap.follow([499, 500])
    assert (SENT, "on") not in instance.written
    tap.close()


def test_a_server_below_what_only_started_it_is_looked_at(instance: Instance) -> None:
    tap = Handovers(0)
    tap.follow([499, 500])
    assert instance.written[-2:] == [(SENT, "on"), (RECEIVED, "on")]
    tap.close()


def test_bytes_that_were_only_looked_at_are_not_passed(instance: Instance) -> None:
    tap = Handovers(0)
    tap.follow([500])
    instance.put(event(SENT_ID, 10, 501, 300))
    instance.put(event(RECEIVED_ID, 20, 500, 300, flags=2))
    instance.put(event(RECEIVED_ID, 30, 500, 300))
    assert tap.read(0) == [
        Passed(10 + SECOND_NS, 500, 501, 0xABC, "sent", 300),
        Passed(30 + SECOND_NS, 500, 500, 0xABC, "received", 300),
    ]
    instance.put(pack("<QQ", 0, 1 << 31))
    assert tap.read(7) == [Missed(7, "handovers", "process_events", None)]
    tap.close()


def ready(at: int, thread: int, sock: int) -> bytes:
    body = pack("<HxxiQHxxxxxx", READY_ID, thread, sock, 1)
    return pack("<QQI", at, 4 + len(body), len(body) // 4) + body


def test_what_a_thread_makes_ready_just_before_its_send_is_where_the_bytes_arrive(
    instance: Instance,
) -> None:
    tap = Handovers(0)
    tap.follow([500])
    instance.put(ready(10, 501, 0xE))  # the listener it connects to
    instance.put(ready(11, 501, 0xF))
    instance.put(ready(12, 500, 0xDEAD))  # another thread's
    instance.put(event(SENT_ID, 13, 501, 300))
    instance.put(event(SENT_ID, 14, 501, 300))
    first, second = tap.read(0)
    assert isinstance(first, Passed) and first.arrives_at == 0xF
    assert isinstance(second, Passed) and second.arrives_at is None
    tap.close()


def passed(tap: Handovers) -> list[tuple[int, int, str, int]]:
    """Thread, instant, what it did, and of which socket, of each record."""
    records = [record for record in tap.read(0) if isinstance(record, Passed)]
    return [(r.thread, r.at - SECOND_NS, r.verb, r.sock) for r in records]


def test_of_what_one_thread_writes_in_pieces_the_first_is_told(instance: Instance) -> None:
    tap = Handovers(0)
    tap.follow([500])
    for at in (10, 20, 30):
        instance.put(ready(at, 501, 0xF))
        instance.put(event(SENT_ID, at + 1, 501, 300))
        instance.put(event(RECEIVED_ID, at + 2, 500, 300))
    assert passed(tap) == [(501, 11, "sent", 0xABC), (500, 12, "received", 0xABC)]
    later = 40 + PAUSE_NS  # its answer was too small to be told, and the next request begins
    instance.put(ready(later, 501, 0xF))
    instance.put(event(SENT_ID, later + 1, 501, 300))
    assert passed(tap) == [(501, later + 1, "sent", 0xABC)]
    tap.close()


def test_a_new_socket_of_the_same_name_is_another_one(instance: Instance) -> None:
    tap = Handovers(0)
    tap.follow([500])
    for at, sender in ((10, 501), (20, 500)):
        instance.put(ready(at, sender, 0xABC))
        instance.put(event(SENT_ID, at + 1, sender, 300))
        instance.put(event(RECEIVED_ID, at + 2, 700, 300))
    assert [(thread, at) for thread, at, *_ in passed(tap)] == [
        (501, 11),
        (700, 12),
        (500, 21),
        (700, 22),
    ]
    tap.close()


def none_to_be_had(purpose: str, buffer_kb: int) -> None:
    raise NoTracefsError("no")


@pytest.mark.parametrize(
    "listening", [pytest.param(True, id="daemon"), pytest.param(False, id="embedded")]
)
def test_where_the_kernel_cannot_tell_those_who_may_pass_requests_on_are_named(
    instance: Instance, monkeypatch: pytest.MonkeyPatch, listening: bool
) -> None:
    monkeypatch.setattr(traced_tree, "Instance", none_to_be_had)
    monkeypatch.setattr(diag, "unix_listeners", lambda: [77])
    monkeypatch.setattr(proc, "holds", lambda pid, links: listening and "socket:[77]" in links)
    tap = Handovers(0)
    assert (tap.fileno(), tap.due_at(), tap.behind_at) == (-1, None, None)
    tap.follow([499, 500])
    assert tap.due_at() == (0 if listening else None)
    assert tap.read(7) == ([Hidden(7, 500)] if listening else [])
    assert tap.due_at() is None and tap.read(8) == []
    tap.close()


def test_who_comes_to_listen_later_shows_that_requests_may_be_passed_on(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traced_tree, "Instance", none_to_be_had)
    monkeypatch.setattr(diag, "unix_listeners", lambda: [77])
    monkeypatch.setattr(proc, "holds", lambda pid, links: pid == 700)
    tap = Handovers(0)
    tap.follow([499, 500])
    assert tap.read(7) == []
    tap.follow([499, 500, 700])
    assert tap.read(8) == [Hidden(8, 500)]
    tap.close()


def test_a_machine_that_lists_no_unix_sockets_may_hide_a_daemon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail() -> list[int]:
        raise OSError(2, "sock_diag")

    monkeypatch.setattr(diag, "unix_listeners", fail)
    assert handovers.listens_at_unix_socket([1])


def test_nobody_reads_for_others_where_no_port_is_watched() -> None:
    assert handovers.open_tap(Plan(pid=1), 0) is None


def test_modules_that_read_for_others_are_known_by_their_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = {"mod_wsgi.so": True, "mod_fcgid.so": True, "libphp8.2.so": False}
    mapped = iter(files)
    monkeypatch.setattr(proc, "maps", lambda pid: b"1-2 r-xp 0 0 0 /m/" + next(mapped).encode())
    assert [interpreters.reads_for_others(1) for _ in files] == list(files.values())
    monkeypatch.setattr(proc, "maps", lambda pid: None)
    assert not interpreters.reads_for_others(1)
