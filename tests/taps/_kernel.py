"""As much of the kernel as a small program needs: its maps, a clock that we set.

In: code as `ebpf` assembles it, arguments. Out: what the maps hold then. Only what the programs of
`arrivals` use; anything else ends the test.
"""

import struct

from gwtop.taps import ebpf
from tests.taps._instructions import MASK, run

STACK, CONTEXT, VALUES = 1 << 20, 1 << 21, 1 << 22


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
        run(code, [0, CONTEXT, *[0] * 8, STACK], self)

    def called(self, helper: int, registers: list[int]) -> int:
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
