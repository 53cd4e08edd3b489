"""As much of the kernel as the programs at system calls need: maps, slots, a ring, a process.

In: what the registers of a process say, what its memory holds. Out: the records.
"""

import struct
from dataclasses import dataclass, field

from gwtop.taps import callprog, ebpf, siteprog, treeprog
from gwtop.taps.callprog import Call
from gwtop.taps.elf import X86_64
from gwtop.taps.sites import How, Kind
from tests.taps._code import MAPS
from tests.taps._instructions import run

CONTEXT, STACK_TOP, MAP_BASE = 0x1000, 0x9000, 0x10_0000
EFAULT, EAGAIN, E2BIG = -14, -11, -7
SITE = 0x123
_U64 = struct.Struct("<Q")


@dataclass
class Kernel:
    """One CPU, one thread. `user` is the process's memory, by address."""

    user: dict[int, bytes] = field(default_factory=dict)
    copy_bytes: int = 1 << 16
    ring_holds_bytes: int = 0
    is_ring_full: bool = False
    is_own_full: bool = False
    thread: int = 101
    pid: int = 100

    def __post_init__(self) -> None:
        self.records: list[bytes] = []
        self.memory: dict[int, bytearray] = {}
        self.arrays: dict[int, tuple[int, int, int]] = {}
        hashes = (MAPS.entered, MAPS.tree, MAPS.taken, MAPS.own)
        self.hashes: dict[int, dict[bytes, int]] = {descriptor: {} for descriptor in hashes}
        slot = callprog.slot_bytes(MAPS.room_bytes)
        self._array(MAPS.sites, 4, 4096)
        self._array(MAPS.staging, slot, MAPS.n_slots)
        self._array(MAPS.settings, callprog.SETTINGS_BYTES, 1)
        self.write(self.arrays[MAPS.settings][0], self.copy_bytes.to_bytes(8, "little"))

    def _place(self, n_bytes: int) -> int:
        base = MAP_BASE * (1 + len(self.memory)) * 16
        self.memory[base] = bytearray(n_bytes)
        return base

    def _array(self, descriptor: int, value_bytes: int, n: int) -> None:
        self.arrays[descriptor] = self._place(value_bytes * n), value_bytes, n

    def occupy(self, slot: int) -> None:
        base, n_bytes, _ = self.arrays[MAPS.staging]
        self.write(base + slot * n_bytes, b"\1")

    @property
    def n_refused(self) -> int:
        return self.number(self.arrays[MAPS.settings][0] + callprog.N_REFUSED, 8)

    # -- memory ---------------------------------------------------------------------------------

    def _find(self, at: int, n_bytes: int) -> tuple[bytearray, int]:
        for base, data in self.memory.items():
            if base <= at and at + n_bytes <= base + len(data):
                return data, at - base
        raise AssertionError(f"{n_bytes} bytes at {at:#x} are nobody's")

    def read(self, at: int, n_bytes: int) -> bytes:
        data, start = self._find(at, n_bytes)
        return bytes(data[start : start + n_bytes])

    def write(self, at: int, what: bytes) -> None:
        data, start = self._find(at, len(what))
        data[start : start + len(what)] = what

    def number(self, at: int, n_bytes: int) -> int:
        return int.from_bytes(self.read(at, n_bytes), "little")

    def of_user(self, at: int, n_bytes: int) -> bytes | None:
        for base, data in self.user.items():
            if base <= at and at + n_bytes <= base + len(data):
                return data[at - base : at - base + n_bytes]
        return None

    # -- helpers --------------------------------------------------------------------------------

    def called(self, helper: int, r: list[int]) -> int:
        match helper:
            case ebpf.MAP_LOOKUP:
                return self._looked_up(r[1], r[2])
            case ebpf.MAP_UPDATE:
                if r[1] == MAPS.own and self.is_own_full:
                    return E2BIG
                key, n_bytes = self._key(r[1], r[2])
                base = self.hashes[r[1]][key] = self._place(n_bytes)
                self.write(base, self.read(r[3], n_bytes))
                return 0
            case ebpf.MAP_DELETE:
                self.hashes[r[1]].pop(self._key(r[1], r[2])[0], None)
                return 0
            case ebpf.KTIME:
                return 7
            case ebpf.CPU:
                return 0
            case ebpf.PID_TGID:
                return self.pid << 32 | self.thread
            case ebpf.PROBE_READ_USER:
                data = self.of_user(r[3], r[2])
                self.write(r[1], bytes(r[2]) if data is None else data)
                return EFAULT if data is None else 0
            case ebpf.RINGBUF_QUERY:
                return self.ring_holds_bytes
            case ebpf.RINGBUF_OUTPUT:
                if not self.is_ring_full:
                    self.records.append(self.read(r[2], r[3]))
                return EAGAIN if self.is_ring_full else 0
        raise AssertionError(f"helper {helper}")

    def _key(self, descriptor: int, at: int) -> tuple[bytes, int]:
        n_key = 4 if descriptor == MAPS.tree else 8
        sizes = {MAPS.entered: callprog.ENTERED.size, MAPS.tree: 4, MAPS.taken: 8, MAPS.own: 8}
        return self.read(at, n_key), sizes[descriptor]

    def _looked_up(self, descriptor: int, key_at: int) -> int:
        if descriptor in self.hashes:
            return self.hashes[descriptor].get(self._key(descriptor, key_at)[0], 0)
        base, n_bytes, n = self.arrays[descriptor]
        key = self.number(key_at, 4)
        return base + key * n_bytes if key < n else 0

    # -- running --------------------------------------------------------------------------------

    def met(self, kind: Kind | None, result: int, *arguments: int, how: How = How.DIRECT) -> None:
        """A thread comes by a site."""
        base, _, _ = self.arrays[MAPS.sites]
        self.write(base + SITE * 4, struct.pack("<I", siteprog.site_value(kind, how)))
        regs = siteprog.REGISTERS[X86_64]
        context = bytearray(168)
        struct.pack_into("<Q", context, regs.pc, 0x7F00_0000_0000 | SITE)
        struct.pack_into("<q", context, regs.result, result)
        for offset, value in zip(regs.arguments, arguments, strict=False):
            struct.pack_into("<Q", context, offset, value)
        self._run(siteprog.at_sites(X86_64, MAPS), context)

    def _run(self, code: bytes, context: bytearray) -> None:
        self.memory |= {CONTEXT: context, STACK_TOP - 512: bytearray(512)}
        run(code, [0, CONTEXT, *[0] * 8, STACK_TOP], self)

    def forked(self, child: int, flags: int = 0) -> None:
        context = bytearray(16)
        struct.pack_into("<IxxxxQ", context, 0, child, flags)
        self._run(treeprog.at_birth(MAPS, pid_offset=0, flags_offset=8), context)

    def ended(self) -> None:
        """The thread."""
        self._run(treeprog.at_end(MAPS), bytearray(8))

    def flags(self, pid: int) -> int | None:
        """What is known of a process."""
        place = self.hashes[MAPS.tree].get(struct.pack("<I", pid))
        return None if place is None else self.number(place, 4)

    def owns(self) -> set[tuple[int, int]]:
        """Processes and descriptors."""
        return {(key >> 32, key & 0xFFFFFFFF) for (key,) in map(_U64.unpack, self.hashes[MAPS.own])}

    def put(self, descriptor: int, key: bytes, value: bytes) -> None:
        """As we do from outside."""
        place = self.hashes[descriptor][key] = self._place(len(value))
        self.write(place, value)

    def calls(self) -> list[Call]:
        return [callprog.parse(record) for record in self.records]
