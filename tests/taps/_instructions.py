"""eBPF instructions, one after the other, on somebody's memory.

In: assembled code, registers, what reads, writes and is called. Out: what that holds then. Source:
Documentation/bpf/standardization/instruction-set.rst.
"""

from collections.abc import Callable
from typing import Protocol

from gwtop.taps.ebpf import CODES, JUMPS, LOADS, STORES
from tests.taps._code import words

MASK = (1 << 64) - 1
CALL, EXIT, LOAD_MAP, ADD_TO_MEMORY = 0x85, 0x95, 0x18, 0xDB


class Machine(Protocol):
    def read(self, at: int, n_bytes: int) -> bytes: ...

    def write(self, at: int, what: bytes) -> None: ...

    def called(self, helper: int, registers: list[int]) -> int: ...


ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "mov": lambda a, b: b,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "and": lambda a, b: a & b,
    "rsh": lambda a, b: a >> b,
    "lsh": lambda a, b: a << b,
    "or": lambda a, b: a | b,
}
COMPARED: dict[str, Callable[[int, int], bool]] = {
    "ja": lambda a, b: True,
    "jeq": lambda a, b: a == b,
    "jne": lambda a, b: a != b,
    "jgt": lambda a, b: a > b,
    "jge": lambda a, b: a >= b,
    "jlt": lambda a, b: a < b,
    "jle": lambda a, b: a <= b,
    "jset": lambda a, b: bool(a & b),
    "jsgt": lambda a, b: signed(a) > signed(b),
    "jsge": lambda a, b: signed(a) >= signed(b),
    "jslt": lambda a, b: signed(a) < signed(b),
}
IS_SET = {code: name for name, code in CODES.items()}
IS_JUMP = {code: name for name, code in JUMPS.items()}
IS_LOAD = {code: n for n, code in LOADS.items()}
IS_STORE = {code: n for n, code in STORES.items()}


def signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def base_of(name: str) -> str:
    """Names that end in r take a register."""
    return name[:-1] if name.endswith("r") and name not in ("or",) else name


def run(code: bytes, registers: list[int], machine: Machine) -> None:
    """To its end."""
    lines, r, at = words(code), registers, 0
    while lines[at][0] != EXIT:
        op, to, by, offset, value = lines[at]
        at += 1
        if op in IS_SET:
            name = IS_SET[op]
            r[to] = ARITHMETIC[base_of(name)](r[to], r[by] if op & 8 else value & MASK) & MASK
        elif op in IS_JUMP:
            other = r[by] if op & 8 else value & MASK
            at += offset if COMPARED[base_of(IS_JUMP[op])](r[to], other) else 0
        elif op in IS_LOAD:
            r[to] = int.from_bytes(machine.read(r[by] + offset, IS_LOAD[op]), "little")
        elif op in IS_STORE:
            n = IS_STORE[op]
            machine.write(r[to] + offset, (r[by] & ((1 << 8 * n) - 1)).to_bytes(n, "little"))
        elif op == ADD_TO_MEMORY:
            total = int.from_bytes(machine.read(r[to] + offset, 8), "little") + r[by]
            machine.write(r[to] + offset, (total & MASK).to_bytes(8, "little"))
        elif op == LOAD_MAP:
            r[to], at = value, at + 1
        else:
            assert op == CALL, hex(op)
            r[0] = machine.called(value, r) & MASK
