"""Shared words: numbers of eight bytes in memory that the kernel reads and writes meanwhile.

In: mapped memory. Out: its words, each of which is read and written at once. It refuses to know
what they mean.

`struct` is not for this: `pack_into` sets the bytes to zero first and then writes them one by one,
`unpack_from` reads them one by one (CPython 3.11, Modules/_struct.c). A kernel that looked at a
ring's consumer in between found it at 0, took the ring for full and refused a record: one to 15
a minute under load. A view of native numbers copies all eight bytes with one instruction.
"""

from mmap import mmap
from typing import TypeAlias

WORD_BYTES = 8
Words: TypeAlias = "memoryview[int]"


def words(memory: mmap, at: int = 0, n: int = 1) -> Words:
    """To be released before the memory is closed."""
    assert at % WORD_BYTES == 0
    return memoryview(memory)[at : at + n * WORD_BYTES].cast("Q")
