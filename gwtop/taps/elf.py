"""ELF files: where a shared library's functions lie in its file.

In: the bytes of an ELF file of 64 bits, little-endian. Out: machine, exported functions by file
offset, and whether Go made it. It refuses to know what the instructions mean (`sites`).

A uprobe is planted at an offset into the file, a symbol says an address: the loadable segment
that holds the address joins the two. Only the dynamic symbol table is read, which no `strip` may
take away. Sources: System V ABI "Object Files" (figures 4-3, 4-8, 4-16, 5-1), linux/elf.h.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from mmap import mmap
from struct import Struct, error
from typing import NamedTuple, TypeAlias

MAGIC = b"\x7fELF\x02\x01"  # ELFCLASS64, ELFDATA2LSB
X86_64, AARCH64 = 62, 183  # e_machine
PT_LOAD, PT_INTERP = 1, 3
SHT_DYNSYM = 11
STT_FUNC, STT_GNU_IFUNC = 2, 10
SHN_UNDEF = 0
PF_X = 1

_HEADER = Struct("<16xHHI QQQ I HHHHHH")
"""Elf64_Ehdr from e_type on: type, machine, version, entry, phoff, shoff, flags, sizes, numbers."""
_SEGMENT = Struct("<IIQQQQQQ")  # Elf64_Phdr
_SECTION = Struct("<IIQQQQIIQQ")  # Elf64_Shdr
_SYMBOL = Struct("<IBBHQQ")  # Elf64_Sym
GO_SECTIONS = (b".note.go.buildid", b".gopclntab")  # cmd/link

Data: TypeAlias = bytes | mmap


class NoElfError(ValueError):
    """Not an ELF file that we read: another format, another class, or cut."""


class Function(NamedTuple):
    offset: int
    """Into the file."""
    size_bytes: int
    """0: its symbol does not say."""


class _Segment(NamedTuple):
    offset: int
    address: int
    file_bytes: int
    is_code: bool


@dataclass(frozen=True, slots=True)
class Elf:
    """One file, as far as it is of use here."""

    data: Data
    machine: int
    segments: tuple[_Segment, ...]
    sections: tuple[tuple[int, ...], ...]
    """Elf64_Shdr, each."""
    names_index: int
    has_interpreter: bool
    """A program that a dynamic loader starts: its libc is a file of its own."""

    def offset_of(self, address: int) -> int | None:
        """Of code; None: no instruction is there."""
        for segment in self.segments:
            into = address - segment.address
            if segment.is_code and 0 <= into < segment.file_bytes:
                return segment.offset + into
        return None

    def functions(self, wanted: Collection[str]) -> dict[str, Function]:
        """Those of these names that it exports; of several versions any (they are one code)."""
        names = {name.encode("ascii"): name for name in wanted}
        found: dict[str, Function] = {}
        for raw, info, index, address, size_bytes in self._symbols():
            name = names.get(raw)
            is_function = info & 15 in (STT_FUNC, STT_GNU_IFUNC)
            if name is None or index == SHN_UNDEF or not is_function:
                continue
            offset = self.offset_of(address)
            if offset is not None:
                found.setdefault(name, Function(offset, size_bytes))
        return found

    def section_names(self) -> Iterator[bytes]:
        if self.names_index < len(self.sections):
            start = self.sections[self.names_index][4]
            for section in self.sections:
                yield _text(self.data, start + section[0])

    def _symbols(self) -> Iterator[tuple[bytes, int, int, int, int]]:
        """Name, info, section, address, size of each dynamic symbol."""
        for section in self.sections:
            if section[1] != SHT_DYNSYM or section[6] >= len(self.sections):
                continue
            names = self.sections[section[6]][4]
            start, n_bytes = section[4], section[5]
            end = min(start + n_bytes, len(self.data)) - _SYMBOL.size
            for at in range(start, end + 1, _SYMBOL.size):
                name, info, _, index, address, size_bytes = _SYMBOL.unpack_from(self.data, at)
                yield _text(self.data, names + name), info, index, address, size_bytes


def is_go(data: Data) -> bool:
    """Whether Go's linker made this program. False, too, for what is no ELF file."""
    try:
        return any(name in GO_SECTIONS for name in parse(data).section_names())
    except NoElfError:
        return False


def parse(data: Data) -> Elf:
    """Raises NoElfError."""
    if data[: len(MAGIC)] != MAGIC:
        raise NoElfError("no ELF file of 64 bits, little-endian")
    try:
        head = _HEADER.unpack_from(data)
        _, machine, _, _, segments_at, sections_at, _, _, _, n_segments, _, n_sections, names = head
        raw = [
            _SEGMENT.unpack_from(data, segments_at + i * _SEGMENT.size) for i in range(n_segments)
        ]
        sections = tuple(
            _SECTION.unpack_from(data, sections_at + i * _SECTION.size) for i in range(n_sections)
        )
    except error as cut:
        raise NoElfError(f"a cut ELF file: {cut}") from cut
    loaded = tuple(_Segment(s[2], s[3], s[5], bool(s[1] & PF_X)) for s in raw if s[0] == PT_LOAD)
    starts = any(s[0] == PT_INTERP for s in raw)
    return Elf(data, machine, loaded, sections, names, starts)


def _text(data: Data, start: int) -> bytes:
    return data[start : data.find(b"\0", start)]
