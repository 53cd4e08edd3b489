"""Sites in C libraries: in one that is compiled here, and in code written out by hand."""

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from gwtop.taps import elf, sites
from gwtop.taps.elf import AARCH64, X86_64, Elf, Function, NoElfError
from gwtop.taps.sites import How, Kind, Site
from gwtop.taps.walks import WALKS

LIBC = Path("/lib/x86_64-linux-gnu/libc.so.6")


def elf_of(machine: int, functions: dict[str, tuple[int, bytes]], extra: bytes = b"") -> bytes:
    """A library whose file is its memory: code from 0x1000 on, names and symbols behind it."""
    code = bytearray(0x1000)
    for offset, body in functions.values():
        code += bytes(offset - len(code)) + body
    code += extra
    names, symbols = b"\0", struct.pack("<IBBHQQ", 0, 0, 0, 0, 0, 0)
    for name, (offset, body) in functions.items():
        symbols += struct.pack("<IBBHQQ", len(names), 0x12, 0, 1, offset, len(body))
        names += name.encode() + b"\0"
    names_at, symbols_at = len(code), len(code) + len(names)
    sections_at = symbols_at + len(symbols)
    section = struct.Struct("<IIQQQQIIQQ").pack
    sections = section(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    sections += section(0, 3, 0, 0, names_at, len(names), 0, 0, 1, 0)
    sections += section(0, 11, 0, 0, symbols_at, len(symbols), 1, 0, 8, 24)
    head = elf.MAGIC + bytes(10)
    head += struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, sections_at, 0, 64, 56, 1, 64, 3, 1)
    head += struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, names_at, names_at, 4096)
    return bytes(head) + bytes(code[len(head) :]) + names + symbols + sections


def found_in(machine: int, functions: dict[str, tuple[int, bytes]]) -> sites.Found:
    return sites.find(elf.parse(elf_of(machine, functions)))


def hexed(text: str) -> bytes:
    return bytes.fromhex(text)


READ_X86 = hexed("31c0 0f05 483d00f0ffff 7701 c3 c3")  # xor, syscall, cmp, ja, ret
PLAIN_X86 = hexed("b803000000 0f05 4889c7 c3")  # musl's way: nothing is compared


def test_the_probe_sits_on_the_jump_behind_the_system_call() -> None:
    found = found_in(X86_64, {"read": (0x1000, READ_X86)})
    assert found.sites == (Site(0x100A, Kind.READ, How.DIRECT),)
    assert found.without == ()


def test_where_nothing_is_compared_it_sits_behind_the_system_call() -> None:
    found = found_in(X86_64, {"shutdown": (0x1000, PLAIN_X86)})
    assert found.sites == (Site(0x1007, Kind.SHUTDOWN, How.DIRECT),)


def test_a_jump_that_others_jump_to_is_no_site() -> None:
    code = hexed("7409 90 31c0 0f05 483d00f0ffff 7701 c3 c3").replace(hexed("7409"), hexed("740b"))
    found = found_in(X86_64, {"read": (0x1000, code)})
    assert [site.offset for site in found.sites] == [0x1007]


def test_close_is_seen_before_it_happens() -> None:
    code = hexed("f30f1efa 803d0000000000 7406 b803000000 0f05 c3")
    found = found_in(X86_64, {"close": (0x1000, code)})
    assert found.sites == (Site(0x100B, Kind.CLOSE, How.DIRECT),)


def test_bytes_that_only_look_like_a_system_call_are_none() -> None:
    """The immediate of a mov holds 0f 05."""
    found = found_in(X86_64, {"read": (0x1000, hexed("b8 0f050000 c3"))})
    assert found == sites.Found((), ("read",))


def test_an_instruction_nobody_knows_before_it_leaves_no_site() -> None:
    found = found_in(X86_64, {"read": (0x1000, hexed("62f17c482805 0f05 c3"))})
    assert found == sites.Found((), ("read",))


def test_a_call_is_followed_to_who_does_what_he_is_told() -> None:
    """musl's read calls a helper whose number is its argument; what else that calls is not it."""
    helper = hexed("4889f8 0f05 c3")  # mov rax, rdi; syscall; ret
    other = hexed("b83c000000 0f05 c3")  # exit(2)
    call_helper = hexed("e8") + struct.pack("<i", 0x1100 - 0x1005)
    call_other = hexed("e8") + struct.pack("<i", 0x1200 - 0x100A)
    functions = {
        "read": (0x1000, call_helper + call_other + hexed("c3")),
        "_helper": (0x1100, helper),
        "_other": (0x1200, other),
    }
    assert found_in(X86_64, functions).sites == (
        Site(0x1000, Kind.READ, How.ENTRY),
        Site(0x1105, None, How.JOINED),
    )


def test_a_call_that_is_done_in_part_by_another_function_is_seen_there_too() -> None:
    """glibc's fcntl; what else is called is left alone."""
    helper, other = hexed("b848000000 0f05 c3"), hexed("b803000000 0f05 c3")
    code = hexed("b848000000 0f05 c3")
    calls = hexed("e8") + struct.pack("<i", 0x1100 - 0x1005)
    calls += hexed("e8") + struct.pack("<i", 0x1200 - 0x100A)
    functions = {
        "fcntl": (0x1000, calls + code),
        "_helper": (0x1100, helper),
        "_other": (0x1200, other),
    }
    assert [site.offset for site in found_in(X86_64, functions).sites] == [0x1011, 0x1107]


# movz x8, #63; svc #0; cmn x0, #4095; b.hi; ret
READ_ARM = struct.pack("<5I", 0xD28007E8, 0xD4000001, 0xB13FFC1F, 0x54000048, 0xD65F03C0)


def test_on_aarch64_arguments_are_taken_at_the_entry() -> None:
    """The result stands where the descriptor stood."""
    found = found_in(AARCH64, {"read": (0x1000, READ_ARM), "close": (0x1100, READ_ARM)})
    assert found.sites == (
        Site(0x1000, Kind.READ, How.ENTRY),
        Site(0x100C, None, How.JOINED),
        Site(0x1100, Kind.CLOSE, How.DIRECT),
    )


def test_on_aarch64_a_branch_is_followed_too() -> None:
    helper = struct.pack("<3I", 0xAA0003E8, 0xD4000001, 0xD65F03C0)  # mov x8, x0; svc; ret
    branch = struct.pack("<2I", 0x94000000 | (0x1100 - 0x1000) >> 2, 0xD65F03C0)
    found = found_in(AARCH64, {"read": (0x1000, branch), "_helper": (0x1100, helper)})
    assert found.sites == (
        Site(0x1000, Kind.READ, How.ENTRY),
        Site(0x1108, None, How.JOINED),
    )


def test_a_function_of_no_known_size_ends_with_its_last_return() -> None:
    code = hexed("7401 c3 4889f8 0f05 c3 b83c000000 0f05 c3")
    data = elf_of(X86_64, {"x": (0x1000, code)})
    walked = WALKS[X86_64](elf.parse(data), 0x1000, 0)
    assert walked.after == {0x1008: None}


def test_sites_of_one_place_in_a_page_are_told_apart_by_group() -> None:
    made = tuple(Site(offset, Kind.READ, How.DIRECT) for offset in (0x1010, 0x2010, 0x2020))
    groups = list(sites.by_page_offset(made))
    assert [[site.offset for site in group] for group in groups] == [[0x1010, 0x2020], [0x2010]]


@pytest.mark.parametrize("data", [b"", b"#!/bin/sh", elf.MAGIC + bytes(20)])
def test_what_is_no_elf_file_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(NoElfError):
        elf.parse(data)
    assert not elf.is_go(data)


def test_code_is_where_its_segment_says() -> None:
    parsed = Elf(b"", X86_64, (elf._Segment(0x200, 0x401000, 0x100, True),), (), 0, False)
    assert parsed.offset_of(0x401010) == 0x210
    assert parsed.offset_of(0x401100) is None


def test_a_library_compiled_here_has_its_sites(tmp_path: Path) -> None:
    compiler = shutil.which("gcc")
    if compiler is None or not LIBC.exists():
        pytest.skip("needs gcc on x86-64")
    source, library = tmp_path / "l.c", tmp_path / "l.so"
    source.write_text(
        "long read(int fd, void *to, long n) { long r; __asm__ volatile ("
        '"syscall" : "=a"(r) : "a"(0), "D"((long) fd), "S"(to), "d"(n) : "rcx", "r11", "memory");'
        " if (r < 0) return -1; return r; }\nint other(void) { return 1; }\n"
    )
    command = [compiler, "-O2", "-shared", "-fPIC", "-nostdlib", str(source), "-o", str(library)]
    subprocess.run(command, check=True, capture_output=True)
    parsed = elf.parse(library.read_bytes())
    (site,) = sites.find(parsed).sites
    assert set(parsed.functions(["read", "other", "absent"])) == {"read", "other"}
    syscall = parsed.data.index(b"\x0f\x05")
    assert site.kind is Kind.READ and 0 < site.offset - syscall <= 8


def test_this_machines_c_library_has_a_site_for_each_function() -> None:
    if not LIBC.exists():
        pytest.skip("needs an x86-64 glibc")
    parsed = elf.parse(LIBC.read_bytes())
    found = sites.find(parsed)
    kinds = {site.kind for site in found.sites if site.kind is not None}
    assert found.without == ()
    assert kinds >= set(Kind) - {Kind.CLOSE_RANGE}
    for site in found.sites:
        before = parsed.data[site.offset - 8 : site.offset]
        if site.how is How.DIRECT and site.kind not in sites.AT_ENTRY:
            assert b"\x0f\x05" in before, hex(site.offset)
    assert isinstance(parsed.functions(["read"])["read"], Function)
