"""Unix work: what accepts, reads, writes, closes and looks make of connections."""

from struct import pack

import pytest

from gwtop import clock
from gwtop.nouns.plan import Plan, Relayed
from gwtop.nouns.records import Worked
from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS
from gwtop.taps import blocked, diag, kinship, listeners, proc, traced_tree, tracefs, unix_work
from gwtop.taps.blocked import Wait
from gwtop.taps.handovers import RECEIVED as RECEIVED_EVENT
from gwtop.taps.handovers import SENT as SENT_EVENT
from gwtop.taps.listeners import Listener
from gwtop.taps.unix_work import ANSWERED_NS, BLIND_LOOK_NS, LOOK_NS, UnixWork
from tests.taps._trace import RecordedInstance

BYTES = """ID: {}
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;
	field:void * sk;	offset:8;	size:8;	signed:0;
	field:int ret;	offset:16;	size:4;	signed:1;
	field:int flags;	offset:20;	size:4;	signed:1;
"""
CALL = """ID: {}
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;
	field:unsigned long {};	offset:8;	size:8;	signed:0;
"""
ENTER, ENTER4, EXIT, EXIT4, CLOSE, SENT, RECEIVED = range(11, 18)
LISTENER, OURS, THEIRS = "socket:[70]", "socket:[71]", "socket:[99]"
W, V = 500, 600
NOW = 10 * SECOND_NS


class Instance(RecordedInstance):
    def __init__(self) -> None:
        super().__init__()
        calls = "syscalls/sys_"
        self.recorded.formats = {
            f"{calls}enter_accept": CALL.format(ENTER, "fd"),
            f"{calls}enter_accept4": CALL.format(ENTER4, "fd"),
            f"{calls}exit_accept": CALL.format(EXIT, "ret"),
            f"{calls}exit_accept4": CALL.format(EXIT4, "ret"),
            f"{calls}enter_close": CALL.format(CLOSE, "fd"),
            SENT_EVENT: BYTES.format(SENT),
            RECEIVED_EVENT: BYTES.format(RECEIVED),
        }

    def control(self, file: str, value: str) -> None:
        self.written.append((file, value))

    def keep(self, file: str) -> None:
        self.kept = file

    def option(self, name: str) -> bool:
        return True

    def call(self, kind: int, at: int, thread: int, number: int) -> None:
        body = pack("<HxxiQ", kind, thread, number)
        self.put(pack("<QQI", at, 4 + len(body), len(body) // 4) + body)

    def moved(self, kind: int, at: int, thread: int, sock: int, n: int, flags: int = 0) -> None:
        body = pack("<HxxiQii", kind, thread, sock, n, flags)
        self.put(pack("<QQI", at, 4 + len(body), len(body) // 4) + body)


class Machine:
    """Its descriptors and what its threads wait for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, looks: bool = True) -> None:
        self.listener = 70
        self.links = {(pid, 3): LISTENER for pid in (W, V)}
        self.waits: dict[int, list[Wait]] = {}
        self.others: list[int] = []
        self.instance = Instance()
        self.parents: dict[int, list[int]] = {}
        changes = {
            (traced_tree, "Instance"): lambda purpose, buffer_kb: self.instance,
            (tracefs, "may_make"): lambda: True,
            (clock, "monotonic_offset_ns"): lambda: 0,
            (clock, "monotonic_ns"): lambda: 1 << 60,
            (proc, "threads"): lambda pid: [pid],
            (proc, "descriptors"): lambda pid: [str(fd) for one, fd in self.links if one == pid],
            (proc, "link"): self._link,
            (diag, "unix_accepted"): lambda path: [71, 72, 73],
            (diag, "unix_listeners"): lambda: [70, *self.others],
            (listeners, "unix"): lambda path: [Listener(path, 0, self.listener, None)],
            (listeners, "tcp"): list,
            (blocked, "waits"): lambda pid: self.waits.get(pid, []),
            (kinship, "ancestors"): lambda pid: self.parents.get(pid, []),
        }
        for (where, name), value in changes.items():
            monkeypatch.setattr(where, name, value)
        self.tap = UnixWork("/x", NOW)
        self.tap.follow([W, V])
        if looks:
            assert self.told() == []

    def _link(self, path: str) -> str | None:
        _, _, pid, _, fd = path.split("/")
        return self.links.get((int(pid), int(fd)))

    def told(self, now: int = NOW) -> list[tuple[int, int, str, int | None]]:
        """Process, connection, verb, bytes."""
        records = self.tap.read(now)
        assert all(isinstance(r, Worked) and r.listen == "unix:/x" for r in records)
        return [(r.pid, r.connection, r.verb, r.n_bytes) for r in records if isinstance(r, Worked)]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_a_connection_is_followed_from_accept_to_close(machine: Machine) -> None:
    events = machine.instance
    events.call(ENTER, 1, W, 3)
    events.call(EXIT, 2, W, 5)
    events.moved(RECEIVED, 3, W, 0xA, 500)
    events.moved(RECEIVED, 4, W, 0xA, 500, flags=2)  # only looked at
    events.moved(SENT, 5, W, 0xD, 33)  # a database's
    events.moved(SENT, 6, W, 0xA, 96)
    events.call(CLOSE, 7, W, 8)
    events.call(CLOSE, 8, W, 5)
    events.moved(RECEIVED, 9, W, 0xA, 1)
    assert machine.told() == [
        (W, 1, "accepted", None),
        (W, 1, "read", 500),
        (W, 1, "wrote", 96),
        (W, 1, "closed", None),
    ]


def test_what_is_taken_from_another_listener_is_none_of_ours(machine: Machine) -> None:
    machine.links[W, 9] = THEIRS
    machine.instance.call(ENTER4, 1, W, 9)
    machine.instance.call(EXIT4, 2, W, 5)
    machine.instance.moved(RECEIVED, 3, W, 0xA, 500)
    assert machine.told() == []


def test_who_slept_in_accept_when_we_came_took_ours_if_it_listens_nowhere_else(
    machine: Machine,
) -> None:
    machine.instance.call(EXIT, 2, W, 5)
    assert machine.told() == [(W, 1, "accepted", None)]
    machine.links[V, 4] = THEIRS
    machine.others = [99]
    machine.instance.call(EXIT, 3, V, 5)
    assert machine.told() == []


def test_bytes_that_could_be_of_two_connections_are_told_of_none(machine: Machine) -> None:
    events = machine.instance
    for at, fd in ((1, 5), (3, 6)):
        events.call(ENTER, at, W, 3)
        events.call(EXIT, at + 1, W, fd)
    events.moved(RECEIVED, 5, W, 0xA, 500)
    events.call(CLOSE, 6, W, 5)
    events.moved(RECEIVED, 7, W, 0xB, 400)
    assert machine.told() == [
        (W, 1, "accepted", None),
        (W, 2, "accepted", None),
        (W, 1, "closed", None),
        (W, 2, "read", 400),
    ]


def test_a_look_finds_what_was_there_before_and_ends_what_is_gone(machine: Machine) -> None:
    machine.links[W, 5] = OURS
    machine.links[W, 6] = THEIRS
    assert machine.told(NOW + LOOK_NS) == [(W, 1, "holds", None)]
    assert machine.told(NOW + 2 * LOOK_NS) == []
    del machine.links[W, 5]
    assert machine.told(NOW + 3 * LOOK_NS) == [(W, 1, "closed", None)]


def test_a_descriptor_that_is_another_connection_by_now_is_told_anew(machine: Machine) -> None:
    machine.links[W, 5] = OURS
    machine.told(NOW + LOOK_NS)
    machine.links[W, 5] = "socket:[72]"
    assert machine.told(NOW + 2 * LOOK_NS) == [(W, 1, "closed", None), (W, 2, "holds", None)]


def test_a_helper_that_inherited_it_is_not_at_work_on_it(machine: Machine) -> None:
    machine.links[W, 5] = machine.links[V, 5] = OURS
    machine.parents[V] = [W, 1]
    assert machine.told(NOW + LOOK_NS) == [(W, 1, "holds", None)]


def test_who_waits_in_the_read_of_a_connection_does_nothing_for_it(machine: Machine) -> None:
    machine.links[W, 5] = OURS
    machine.waits[W] = [Wait(W, 5, True)]
    assert machine.told(NOW + LOOK_NS) == [(W, 1, "holds", None), (W, 1, "waits", None)]
    machine.instance.moved(RECEIVED, 3, W, 0xA, 500)
    assert machine.told() == [(W, 1, "read", 500)], "its next bytes are this connection's"


def test_who_waited_for_a_connection_that_was_closed_unread_reads_the_next_one(
    machine: Machine,
) -> None:
    machine.links[W, 5] = OURS
    machine.waits[W] = [Wait(W, 5, True)]
    machine.told(NOW + LOOK_NS)
    machine.instance.call(CLOSE, 1, W, 5)
    machine.instance.call(ENTER, 2, W, 3)
    machine.instance.call(EXIT, 3, W, 5)
    machine.instance.moved(RECEIVED, 4, W, 0xA, 500)
    assert machine.told() == [
        (W, 1, "closed", None),
        (W, 2, "accepted", None),
        (W, 2, "read", 500),
    ]


def test_soon_after_an_answer_it_is_seen_whether_more_is_done(machine: Machine) -> None:
    events, answered_at = machine.instance, NOW + 5 * MILLISECOND_NS
    events.call(ENTER, NOW, W, 3)
    events.call(EXIT, NOW + 1, W, 5)
    events.moved(RECEIVED, NOW + 2, W, 0xA, 500)
    machine.waits[W] = [Wait(W, None, True)]
    machine.told()
    events.moved(SENT, answered_at, W, 0xA, 96)
    machine.told()
    due_at = machine.tap.due_at()
    assert due_at is not None and due_at <= answered_at + ANSWERED_NS
    assert machine.told(answered_at + ANSWERED_NS) == [(W, 1, "waits", None)]
    assert machine.told(answered_at + ANSWERED_NS + 1) == []


def test_who_is_at_work_does_not_wait(machine: Machine) -> None:
    machine.links[W, 5] = OURS
    machine.waits[W] = [Wait(W, None, False)]
    assert machine.told(NOW + LOOK_NS) == [(W, 1, "holds", None)]


def test_what_is_taken_before_the_first_look_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, looks=False)
    machine.instance.call(ENTER, 1, W, 3)
    machine.instance.call(EXIT, 2, W, 5)
    machine.links[W, 5] = OURS
    assert machine.told() == [(W, 1, "accepted", None)]


def test_a_connection_whose_close_was_lost_ends_when_its_descriptor_is_another_one(
    machine: Machine,
) -> None:
    for at in (1, 3):
        machine.instance.call(ENTER, at, W, 3)
        machine.instance.call(EXIT, at + 1, W, 5)
    assert sorted(machine.told()) == [
        (W, 1, "accepted", None),
        (W, 1, "closed", None),
        (W, 2, "accepted", None),
    ]


def test_a_server_that_was_restarted_has_a_new_listener(machine: Machine) -> None:
    machine.listener = 80
    machine.links[W, 3] = "socket:[80]"
    machine.instance.call(ENTER, 1, W, 3)
    machine.instance.call(EXIT, 2, W, 5)
    assert machine.told() == [(W, 1, "accepted", None)]


def test_without_a_trace_looks_come_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    monkeypatch.setattr(tracefs, "may_make", lambda: False)
    tap = UnixWork("/x", NOW)
    tap.follow([W])
    assert (tap.fileno(), tap.due_at(), tap.behind_at) == (-1, NOW, None)
    tap.read(NOW)
    assert tap.due_at() == NOW + BLIND_LOOK_NS
    machine.links[W, 5] = OURS
    (found,) = tap.read(NOW + BLIND_LOOK_NS)
    assert isinstance(found, Worked) and found.verb == "holds"
    tap.close()
    machine.tap.close()


def test_a_kernel_that_cannot_list_connections_just_now_ends_none(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: str) -> list[int]:
        raise OSError(12, "no memory")

    machine.links[W, 5] = OURS
    machine.told(NOW + LOOK_NS)
    monkeypatch.setattr(diag, "unix_accepted", fail)
    machine.links[W, 6] = "socket:[72]"
    assert machine.told(NOW + 2 * LOOK_NS) == []


def test_only_a_watched_unix_listener_without_a_relay_is_worth_it(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert unix_work.open_tap(Plan(ports=(80,)), 0) is None
    assert unix_work.open_tap(Plan(socket="/x", relay=Relayed("/x", None)), 0) is None

    def fail(path: str) -> list[int]:
        raise OSError(2, "no unix_diag")

    monkeypatch.setattr(diag, "unix_accepted", fail)
    shut = unix_work.open_tap(Plan(socket="/x"), 0)
    assert shut is not None and shut.state.state == "absent"
