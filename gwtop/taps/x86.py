"""x86-64 instructions: where each ends. Nothing else about them is known here.

In: code and where to begin. Out: each instruction's place, length, opcode, and the target of a
direct jump or call. It refuses to guess: an opcode it does not know ends the walk, with b"".

Source: Intel SDM volume 2, chapter 2 (prefixes, ModRM, SIB, VEX) and appendix A (opcode maps).
"""

from collections.abc import Iterator
from mmap import mmap
from typing import NamedTuple, TypeAlias

Code: TypeAlias = bytes | mmap
LEGACY_PREFIXES = frozenset(b"\x66\x67\xf2\xf3\x2e\x36\x3e\x26\x64\x65\xf0")  # SDM 2.1.1
# Table A-2, 64-bit mode. Arithmetic rows are 00-3F by eight: four ModRM forms, two immediates.
MODRM_1 = frozenset(
    [row + low for row in range(0, 0x40, 8) for low in range(4)]
    + [0x63, 0x69, 0x6B, 0x80, 0x81, 0x83, *range(0x84, 0x90), 0xC0, 0xC1, 0xC6, 0xC7]
    + [*range(0xD0, 0xD4), *range(0xD8, 0xE0), 0xF6, 0xF7, 0xFE, 0xFF]
)
IMMEDIATE_8 = frozenset(
    [row + 4 for row in range(0, 0x40, 8)]
    + [0x6A, 0x6B, *range(0x70, 0x80), 0x80, 0x83, 0xA8, *range(0xB0, 0xB8), 0xC0, 0xC1, 0xC6]
    + [0xCD, *range(0xE0, 0xE8), 0xEB]
)
IMMEDIATE_Z = frozenset(
    [row + 5 for row in range(0, 0x40, 8)] + [0x68, 0x69, 0x81, 0xA9, 0xC7, 0xE8, 0xE9]
)
"""Four bytes, two with an operand-size prefix (but for branches)."""
PLAIN_1 = frozenset(
    b"\xc3\xc9\xcc\xd7\xf1\xf4\xf5"
    + bytes((*range(0x50, 0x60), *range(0x6C, 0x70), *range(0x90, 0x9A), *range(0x9B, 0xA0)))
    + bytes((*range(0xA4, 0xA8), *range(0xAA, 0xB0), *range(0xF8, 0xFE)))
)
# Table A-3 (0F).
PLAIN_2 = frozenset(
    b"\x05\x06\x07\x08\x09\x0b\x0e\x77\xa0\xa1\xa2\xa8\xa9\xaa"
    + bytes((*range(0x30, 0x38), *range(0xC8, 0xD0)))
)
IMMEDIATE_8_2 = frozenset([*range(0x70, 0x74), 0xA4, 0xAC, 0xBA, 0xC2, 0xC4, 0xC5, 0xC6])
JUMPS_8 = frozenset([*range(0x70, 0x80), *range(0xE0, 0xE4), 0xEB])
QUIET = frozenset(bytes([one]) for one in (*range(0x38, 0x3E), 0x84, 0x85, 0x90)) | frozenset(
    (b"\x0f\x1e", b"\x0f\x1f")
)


class Instruction(NamedTuple):
    at: int
    n_bytes: int
    opcode: bytes
    """Without prefixes; b"": not known."""
    target: int | None
    """Of a direct jump or call."""
    register: int = 0
    """The middle of ModRM, which in some opcodes is the operation."""

    @property
    def is_conditional(self) -> bool:
        """Jcc, short or near (table A-2, 70; table A-3, 80)."""
        near = len(self.opcode) == 2 and self.opcode[0] == 0x0F and self.opcode[1] & 0xF0 == 0x80
        return near or (len(self.opcode) == 1 and self.opcode[0] & 0xF0 == 0x70)

    @property
    def keeps_registers(self) -> bool:
        """CMP, TEST, NOP and ENDBR64: they change flags at most."""
        if self.opcode[:1] in (b"\x80", b"\x81", b"\x83"):  # table A-6, group 1: 7 is CMP
            return self.register == 7
        return self.opcode in QUIET


def instructions(code: Code, start: int, end: int) -> Iterator[Instruction]:
    at = start
    while at < end:
        try:
            one = _decode(code, at)
        except IndexError:  # cut
            one = Instruction(at, 0, b"", None)
        yield one
        if not one.opcode:
            return
        at += one.n_bytes


def _decode(code: Code, start: int) -> Instruction:
    at, narrow = start, False
    while code[at] in LEGACY_PREFIXES:
        narrow |= code[at] == 0x66
        at += 1
    rex = code[at] if 0x40 <= code[at] < 0x50 else 0
    at += 1 if rex else 0
    first = code[at]
    if first == 0x0F:
        return _two_bytes(code, start, at + 1)
    if first in (0xC4, 0xC5):
        return _vex(code, start, at)
    at += 1
    opcode = bytes([first])
    if first in PLAIN_1:
        return Instruction(start, at - start, opcode, None)
    if 0xB8 <= first <= 0xBF:
        at += 8 if rex & 8 else 2 if narrow else 4
        return Instruction(start, at - start, opcode, None)
    if first not in MODRM_1 | IMMEDIATE_8 | IMMEDIATE_Z:
        return Instruction(start, 0, b"", None)
    register = code[at] >> 3 & 7
    if first in MODRM_1:
        at = _past_operand(code, at)
    tests = first in (0xF6, 0xF7) and register < 2  # group 3: TEST alone has an immediate
    if first in IMMEDIATE_8 or (tests and first == 0xF6):
        at += 1
    elif first in IMMEDIATE_Z or tests:
        at += 2 if narrow and first not in (0xE8, 0xE9) else 4
    target: int | None = None
    if first in JUMPS_8:
        target = at + int.from_bytes(code[at - 1 : at], "little", signed=True)
    elif first in (0xE8, 0xE9):
        target = at + int.from_bytes(code[at - 4 : at], "little", signed=True)
    return Instruction(start, at - start, opcode, target, register)


def _two_bytes(code: Code, start: int, at: int) -> Instruction:
    second = code[at]
    at += 1
    opcode = bytes([0x0F, second])
    if second in PLAIN_2:
        return Instruction(start, at - start, opcode, None)
    if 0x80 <= second < 0x90:
        at += 4
        target = at + int.from_bytes(code[at - 4 : at], "little", signed=True)
        return Instruction(start, at - start, opcode, target)
    if second in (0x38, 0x3A):
        at = _past_operand(code, at + 1) + (1 if second == 0x3A else 0)
    elif second in (0x04, 0x0A, 0x0C, 0x0F, 0x24, 0x25, 0x26, 0x27, 0x36, 0x39, 0x3B, 0x3C):
        return Instruction(start, 0, b"", None)
    else:
        at = _past_operand(code, at) + (1 if second in IMMEDIATE_8_2 else 0)
    return Instruction(start, at - start, opcode, None)


def _vex(code: Code, start: int, at: int) -> Instruction:
    """SDM 2.3.5: C5 has one byte of its own, C4 two; the map says what follows the operand."""
    short = code[at] == 0xC5
    which = 1 if short else code[at + 1] & 0x1F
    at += 2 if short else 3
    second = code[at]
    if which not in (1, 2, 3) or (which == 1 and second in (0x77,)):
        known = which == 1
        return Instruction(start, at + 1 - start if known else 0, b"\xc5" if known else b"", None)
    at = _past_operand(code, at + 1)
    if which == 3 or (which == 1 and second in IMMEDIATE_8_2):
        at += 1
    return Instruction(start, at - start, b"\xc5", None)


def _past_operand(code: Code, at: int) -> int:
    """Behind ModRM, SIB and displacement (SDM 2.1.3, table 2-2; 2.2.1.6 for rip-relative)."""
    modrm = code[at]
    at += 1
    mode, low = modrm >> 6, modrm & 7
    if mode == 3:
        return at
    if low == 4:
        base = code[at] & 7
        at += 1
        if mode == 0 and base == 5:
            return at + 4
    elif mode == 0 and low == 5:
        return at + 4
    return at + (0, 1, 4)[mode]
