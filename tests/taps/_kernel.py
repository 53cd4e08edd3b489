"""As much of the kernel as a small program needs: its instructions, maps, a clock that we set.

In: code as `ebpf` assembles it, arguments. Out: what the maps hold then. Only what the programs of
`arrivals` use; anything else ends the test. Jumps that an unsigned comparison decides, and signed
ones, are told apart as the instruction set has them.
"""

import struct
from typing import Final

from gwtop.taps import ebpf
from tests.taps._code import words

MASK: Final = (1 << 64) - 1
STACK, CONTEXT, VALUES = 1 << 20, 1 << 21, 1 << 22
SIZES = {0x61: 4, 0x69: 2, 0x71: 1, 0x79: 8, 0x63: 4, 0x6B: 2, 0x73: 1, 0x7B: 8}


def signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


class Kernel:
    def __init__(self) -> None:
        self.now = 0
        self.process = 0
        self.thread = 0
        self.maps: dict[int, dict[bytes, int]] = {}
        """Descriptor: key: address of the value."""
        self._sizes: dict[int, tuple[int, int]] = {}
        self._memory: dict[int, int] = {}
        self._next = VALUES

    def map(self, descriptor: int, key_bytes: int, value_bytes: int) -> None:
        self.maps[descriptor] = {}
        self._sizes[descriptor] = key_bytes, value_bytes

    def put(self, descriptor: int, key: bytes, value: bytes) -> None:
        place = self.maps[descriptor].get(key)
        if place is None:
            place = self.maps[descriptor][key] = self._next
            self._next += 1 << 17
        self.write(place, value)

    def value(self, descriptor: int, key: bytes) -> bytes | None:
        place = self.maps[descriptor].get(key)
        return None if place is None else self.read(place, self._sizes[descriptor][1])

    def read(self, place: int, n_bytes: int) -> bytes:
        return bytes(self._memory[place + n] for n in range(n_bytes))

    def write(self, place: int, data: bytes) -> None:
        self._memory.update({place + n: byte for n, byte in enumerate(data)})

    def run(self, code: bytes, *arguments: int) -> None:
        for n, argument in enumerate(arguments):
            self.write(CONTEXT + 8 * n, struct.pack("<Q", argument & MASK))
        registers = [0] * 11
        registers[1], registers[10] = CONTEXT, STACK
        program, at = words(code), 0
        while program[at][0] != 0x95:
            at = self._step(program, at, registers)

    def _step(
        self, program: list[tuple[int, int, int, int, int]], at: int, registers: list[int]
    ) -> int:
        code, to, by, offset, value = program[at]
        kind = code & 7
        if code == 0x18:
            registers[to] = value
            return at + 2
        if code == 0x85:
            registers[0] = self._call(value, registers)
        elif kind == 1:
            raw = self.read(registers[by] + offset, SIZES[code])
            registers[to] = int.from_bytes(raw, "little")
        elif kind == 3:
            size = SIZES[code]
            number = registers[by] & ((1 << 8 * size) - 1)
            self.write(registers[to] + offset, number.to_bytes(size, "little"))
        elif kind == 7:
            other = registers[by] if code & 8 else value
            registers[to] = _computed(code & 0xF0, registers[to], other) & MASK
        else:
            assert kind == 5, hex(code)
            other = registers[by] if code & 8 else value
            return at + 1 + (offset if _jumps(code & 0xF0, registers[to], other & MASK) else 0)
        return at + 1

    def _call(self, helper: int, registers: list[int]) -> int:
        descriptor, key_at = registers[1], registers[2]
        match helper:
            case ebpf.KTIME:
                return self.now
            case ebpf.PID_TGID:
                return self.process << 32 | self.thread
            case ebpf.PROBE_READ_KERNEL:
                self.write(registers[1], self.read(registers[3], registers[2]))
                return 0
            case ebpf.MAP_LOOKUP:
                return self.maps[descriptor].get(self.read(key_at, self._sizes[descriptor][0]), 0)
            case ebpf.MAP_UPDATE:
                key_bytes, value_bytes = self._sizes[descriptor]
                value = self.read(registers[3], value_bytes)
                self.put(descriptor, self.read(key_at, key_bytes), value)
                return 0
        raise AssertionError(f"helper {helper}")


def _computed(what: int, left: int, right: int) -> int:
    match what:
        case 0x00:
            return left + right
        case 0x60:
            return left << right
        case 0x70:
            return left >> right
        case 0xB0:
            return right
    raise AssertionError(hex(what))


def _jumps(what: int, left: int, right: int) -> bool:
    match what:
        case 0x00:
            return True
        case 0x10:
            return left == right
        case 0x20:
            return left > right
        case 0x40:
            return bool(left & right)
        case 0x50:
            return left != right
        case 0xB0:
            return left <= right
        case 0xC0:
            return signed(left) < signed(right)
    raise AssertionError(hex(what))
