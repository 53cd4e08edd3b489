"""Walks through a function's instructions: its system calls, and what it calls.

In: an ELF file, where a function begins, how long it is. Out: `Walked`. It refuses to know what the
function is for.

x86-64 has no fixed length of instruction, so code is walked from the function's start; the walk
knows lengths and little else (`x86`), and ends where it does not know one. A function whose size
nobody says ends at a return or a jump that no jump before it goes beyond.
"""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from gwtop.taps.elf import AARCH64, X86_64, Data, Elf
from gwtop.taps.x86 import Instruction, instructions

MAX_FUNCTION_BYTES = 1024  # a wrapper has 30 to 240
MAX_QUIET_BYTES = 32  # endbr64, a comparison, a jump
SYSCALL, CALL = b"\x0f\x05", b"\xe8"
ENDS = (b"\xc3", b"\xe9", b"\xeb")  # RET, JMP
MOV_EAX, CLEAR_EAX = b"\xb8", (b"\x31\xc0", b"\x33\xc0")  # imm32; XOR: the call's number
SVC, RETURN = 0xD4000001, 0xD65F03C0  # Arm ARM DDI 0487, C4.1.66: SVC #0, RET


class Walked(NamedTuple):
    after: dict[int, int | None]
    """Offsets behind system calls, with the call's number. None: whatever the caller asks for."""
    calls: list[int]
    """Offsets of functions called or jumped to directly."""


def _aarch64(elf: Elf, start: int, size_bytes: int) -> Walked:
    """Arm ARM DDI 0487, C4.1.66: SVC #0, BL and B with imm26, B.cond, CBZ, CBNZ, RET."""
    after: dict[int, int | None] = {}
    number: int | None = None
    calls: list[int] = []
    end = start + (size_bytes or MAX_FUNCTION_BYTES)
    furthest = start
    for at in range(start, min(end, len(elf.data) - 3), 4):
        word = int.from_bytes(elf.data[at : at + 4], "little")
        if word & 0xFFE0001F == 0xD2800008:  # MOVZ X8, #imm: the call's number
            number = word >> 5 & 0xFFFF
        elif word == SVC:
            after[at + (8 if _is_compared(elf.data, at + 4) else 4)] = number
        elif word >> 26 in (0b100101, 0b000101):
            distance = (word & 0x3FFFFFF) << 2
            target = at + distance - (1 << 28 if distance >> 27 else 0)
            is_call = word >> 26 == 0b100101
            if is_call or not start <= target < end:
                calls.append(target)
            else:
                furthest = max(furthest, target)
            if not is_call and not size_bytes and furthest <= at:
                break
        elif word >> 24 == 0x54 or word >> 25 in (0b0011010, 0b1011010):  # B.cond, CBZ, CBNZ
            distance = (word >> 5 & 0x7FFFF) << 2
            furthest = max(furthest, at + distance - (1 << 21 if distance >> 20 else 0))
        elif word == RETURN and not size_bytes and furthest <= at:
            break
    return Walked(after, calls)


def _is_compared(data: Data, at: int) -> bool:
    """CMN X0, #imm, and B.cond behind it, which the kernel does by itself."""
    first, second = (int.from_bytes(data[i : i + 4], "little") for i in (at, at + 4))
    return first & 0xFF8003FF == 0xB100001F and second & 0xFF000010 == 0x54000000


def _x86_64(elf: Elf, start: int, size_bytes: int) -> Walked:
    """In order; without a known size it ends with what no jump goes beyond."""
    walked: list[Instruction] = []
    places: dict[int, int | None] = {}
    calls: list[int] = []
    number: int | None = None
    end = min(start + (size_bytes or MAX_FUNCTION_BYTES), len(elf.data))
    furthest = start
    for one in instructions(elf.data, start, end):
        next_at = one.at + one.n_bytes
        walked.append(one)
        told = _number(elf.data, one)
        if told is not None:
            number = told
        elif one.opcode == SYSCALL:
            places[len(walked)] = number
        elif one.target is not None:
            if one.opcode == CALL or not start <= one.target < end:
                calls.append(one.target)
            else:
                furthest = max(furthest, one.target)
        if one.opcode in ENDS and furthest < next_at and not size_bytes:
            break
    targets = frozenset(one.target for one in walked if one.target is not None)
    after = {
        cheapest(walked, place, targets): number
        for place, number in places.items()
        if place < len(walked)
    }
    return Walked(after, calls)


def _number(data: Data, one: Instruction) -> int | None:
    """The constant that it puts into rax. None: it does not."""
    raw = data[one.at : one.at + one.n_bytes]
    if raw[:1] == MOV_EAX:
        return int.from_bytes(raw[1:], "little")
    return 0 if raw in CLEAR_EAX else None


def cheapest(walked: list[Instruction], place: int, targets: Collection[int]) -> int:
    """Of this instruction and the jump behind it, where what lies between changes no register and
    nobody jumps there."""
    at = walked[place].at
    for one in walked[place:]:
        if one.is_conditional and one.at not in targets:
            return one.at
        if not one.keeps_registers:
            break
    return at


def quiet_entry(elf: Elf, offset: int) -> int:
    """Where the arguments still are what they were, as cheaply as can be."""
    if elf.machine != X86_64:
        return offset
    end = min(offset + MAX_QUIET_BYTES, len(elf.data))
    return cheapest(list(instructions(elf.data, offset, end)), 0, frozenset())


WALKS: Mapping[int, Callable[[Elf, int, int], Walked]] = {X86_64: _x86_64, AARCH64: _aarch64}
