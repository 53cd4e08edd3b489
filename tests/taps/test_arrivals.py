"""The programs that know since when bytes are there, run one instruction after the other.

That the kernel takes them, and tells what they ask for, is shown in tests/live.
"""

import struct

import pytest

from gwtop.taps import arrivals, ebpf
from gwtop.taps.arrivals import AF_INET, AF_INET6, AF_UNIX, ESTABLISHED, LATE_NS, LISTEN, MSG_PEEK
from gwtop.taps.ebpf import R1, R2, Program
from tests.taps._code import words
from tests.taps._kernel import Kernel

SOCKETS, CONNECTED, TREE, TAKEN, PORTS = 20, 21, 22, 23, 24
FRONT, OTHER, WORKER, STRANGER = 50, 51, 100, 200
SOCK, LISTENER, FILE_PORT, WATCHED = 1 << 40, 1 << 41, 80, 9000
CLOSE_WAIT, EAGAIN = 8, -11


class Machine:
    """A unix socket of a watched worker; a front that sends to it."""

    def __init__(self, ports: bool = False) -> None:
        kernel = self.kernel = Kernel()
        for made in ((SOCKETS, 8, 32), (CONNECTED, 4, 8), (TREE, 4, 4), (TAKEN, 8, 8)):
            kernel.map(*made)
        kernel.map(PORTS, 4, 1 << 16)
        watched = bytearray(1 << 16)
        watched[WATCHED] = 1
        kernel.put(PORTS, bytes(4), bytes(watched))
        kernel.put(TREE, struct.pack("<I", WORKER), bytes(4))
        self._ready = arrivals.at_ready(SOCKETS, CONNECTED, PORTS if ports else None)
        self._received = arrivals.at_received(SOCKETS, TREE, TAKEN)
        self.socket(SOCK)

    def socket(
        self, at: int, family: int = AF_UNIX, state: int = ESTABLISHED, port: int = 0, peer: int = 0
    ) -> None:
        self.kernel.write(at, bytes(12) + struct.pack(">H", peer))
        self.kernel.write(at + 14, struct.pack("<HHB", port, family, state))

    def sends(self, at_ns: int, sock: int = SOCK, process: int = FRONT) -> None:
        self.kernel.now, self.kernel.process, self.kernel.thread = at_ns, process, process
        self.kernel.run(self._ready, sock)

    def reads(
        self, at_ns: int, sock: int = SOCK, process: int = WORKER, result: int = 9, flags: int = 0
    ) -> int | None:
        """What the worker's thread is told; None: nothing."""
        kernel = self.kernel
        kernel.now, kernel.process, kernel.thread = at_ns, process, process
        kernel.maps[TAKEN].clear()
        kernel.run(self._received, sock, result & 0xFFFFFFFF, flags)
        told = kernel.value(TAKEN, struct.pack("<II", process, process))
        return None if told is None else int(struct.unpack("<Q", told)[0])


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_a_read_is_told_when_the_first_byte_came(machine: Machine) -> None:
    machine.sends(1000)
    machine.sends(2000)
    assert machine.reads(9000) == 1000
    assert machine.reads(9500) == 0, "the rest of it"


def test_each_arrival_after_a_read_is_a_new_one(machine: Machine) -> None:
    machine.sends(1000)
    assert machine.reads(9000) == 1000
    machine.sends(50_000)
    assert machine.reads(60_000) == 50_000


def test_a_look_takes_nothing_and_neither_does_a_failure(machine: Machine) -> None:
    machine.sends(1000)
    assert machine.reads(2000, flags=MSG_PEEK | 0x40) is None
    assert machine.reads(3000, result=EAGAIN) is None
    assert machine.reads(4000, result=0) is None
    assert machine.reads(5000) == 1000


def test_what_is_told_just_behind_a_read_was_taken_by_it(machine: Machine) -> None:
    machine.sends(1000)
    assert machine.reads(9000) == 1000
    machine.sends(9000 + LATE_NS)
    assert machine.reads(900_000) == 0
    machine.sends(900_000 + LATE_NS + 1)
    assert machine.reads(910_000) == 900_000 + LATE_NS + 1


def test_a_stranger_takes_his_bytes_and_is_told_nothing(machine: Machine) -> None:
    machine.sends(1000)
    assert machine.reads(2000, process=STRANGER) is None
    machine.sends(3000)
    assert machine.reads(9000) == 3000


@pytest.mark.parametrize(("by", "connects"), [(OTHER, False), (FRONT, True)])
def test_bytes_that_a_closed_socket_left_are_not_the_next_ones(by: int, connects: bool) -> None:
    machine = Machine()
    machine.socket(LISTENER, state=LISTEN)
    machine.sends(1000)
    if connects:
        machine.sends(60_000, LISTENER, by)
    machine.sends(70_000, process=by)
    machine.sends(70_500, process=by)
    assert machine.reads(99_000) == 70_000


def test_a_connect_elsewhere_before_the_bytes_changes_nothing(machine: Machine) -> None:
    machine.socket(LISTENER, state=LISTEN)
    machine.sends(500, LISTENER)
    machine.sends(1000)
    machine.sends(2000)
    assert machine.reads(9000) == 1000


@pytest.mark.parametrize(
    "socket",
    [
        pytest.param({"state": LISTEN}, id="a listener"),
        pytest.param({"state": CLOSE_WAIT}, id="one whose other end has gone"),
        pytest.param({"family": AF_INET, "port": WATCHED}, id="TCP"),
    ],
)
def test_other_sockets_have_no_entry(machine: Machine, socket: dict[str, int]) -> None:
    machine.socket(SOCK, **socket)
    machine.sends(1000)
    assert machine.kernel.maps[SOCKETS] == {}
    assert machine.reads(9000) is None


@pytest.mark.parametrize("family", [AF_INET, AF_INET6])
def test_of_tcp_the_watched_ports_have_entries(family: int) -> None:
    machine = Machine(ports=True)
    machine.socket(SOCK, family, port=WATCHED, peer=50_412)
    machine.sends(1000, process=STRANGER)
    machine.sends(1500, process=OTHER)  # whoever runs when the packet comes
    assert machine.reads(9000) == 1000
    machine.socket(SOCK, family, port=FILE_PORT)
    machine.sends(20_000)
    assert machine.reads(21_000) == 0


def test_another_tcp_connection_in_the_same_place_is_another_one() -> None:
    machine = Machine(ports=True)
    machine.socket(SOCK, AF_INET, port=WATCHED, peer=50_412)
    machine.sends(1000)
    machine.socket(SOCK, AF_INET, port=WATCHED, peer=50_413)
    machine.sends(7000)
    assert machine.reads(9000) == 7000


@pytest.mark.parametrize(
    ("connected", "ports"), [(CONNECTED, None), (None, PORTS), (CONNECTED, PORTS)]
)
def test_every_instruction_can_be_reached(connected: int | None, ports: int | None) -> None:
    """The kernel refuses programs of which that is not so."""
    program = words(arrivals.at_ready(SOCKETS, connected, ports))
    reached, to_do = set(), [0]
    while to_do:
        at = to_do.pop()
        if at in reached:
            continue
        reached.add(at)
        code, _, _, offset, _ = program[at]
        if code == 0x18:
            reached.add(at + 1)
            to_do.append(at + 2)
        elif code != 0x95:
            if code & 7 == 5 and code != 0x85:
                to_do.append(at + 1 + offset)
            if code != 0x05:
                to_do.append(at + 1)
    assert reached == set(range(len(program)))


def test_what_a_thread_has_taken_is_told_once() -> None:
    kernel = Kernel()
    kernel.map(TAKEN, 8, 8)
    kernel.map(PORTS, 4, 8)
    kernel.put(TAKEN, bytes(8), struct.pack("<Q", 77))
    code = Program()
    code.load_map(R1, TAKEN)
    code.set("movr", R2, ebpf.FP)
    code.set("add", R2, -8)
    arrivals.take(code)
    code.store(8, ebpf.FP, -16, R1)
    code.exit()
    kernel.write((1 << 20) - 8, bytes(8))
    told = []
    for _ in range(2):
        kernel.run(code.assembled())
        told.append(struct.unpack("<Q", kernel.read((1 << 20) - 16, 8))[0])
    assert told == [77, 0]
