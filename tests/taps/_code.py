"""Code for the kernel, taken apart again; maps that are only numbers.

In: assembled programs. Out: what each instruction is.
"""

import struct

from gwtop.taps.callprog import Maps

MAPS = Maps(
    sites=10,
    staging=11,
    settings=12,
    entered=13,
    tree=14,
    ring=15,
    taken=16,
    own=17,
    n_slots=3,
    ring_bytes=1 << 20,
    room_bytes=1 << 16,
)


def words(code: bytes) -> list[tuple[int, int, int, int, int]]:
    """Code, two registers, offset, constant of each instruction."""
    return [
        (code, both & 15, both >> 4, offset, value)
        for code, both, offset, value in struct.iter_unpack("<BBhi", code)
    ]


def maps_used(program: list[tuple[int, int, int, int, int]]) -> set[int]:
    return {value for code, _, by, _, value in program if code == 0x18 and by == 1}
