"""Lengths of x86-64 instructions, against what an assembler's own listing says."""

import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from gwtop.taps.x86 import instructions

CASES = [
    pytest.param("0f05", [(2, b"\x0f\x05")], id="syscall"),
    pytest.param("483d00f0ffff 775b", [(6, b"\x3d"), (2, b"\x77")], id="cmp rax, ja"),
    pytest.param("b8 2f000000", [(5, b"\xb8")], id="mov eax, imm32"),
    pytest.param("48b8 0102030405060708", [(10, b"\xb8")], id="mov rax, imm64"),
    pytest.param("66b8 0102", [(4, b"\xb8")], id="mov ax, imm16"),
    pytest.param("803d f10e0d00 00", [(7, b"\x80")], id="cmp byte of rip, imm8"),
    pytest.param("f605 11223344 01", [(7, b"\xf6")], id="test has an immediate"),
    pytest.param("f7d8", [(2, b"\xf7")], id="neg has none"),
    pytest.param("488b442408", [(5, b"\x8b")], id="SIB and a byte"),
    pytest.param("488b0425 11223344", [(8, b"\x8b")], id="SIB without a base"),
    pytest.param("662e0f1f840000000000", [(10, b"\x0f\x1f")], id="a long nop"),
    pytest.param("f30f1efa", [(4, b"\x0f\x1e")], id="endbr64"),
    pytest.param("c5f877 c3", [(3, b"\xc5"), (1, b"\xc3")], id="vzeroupper"),
    pytest.param("c4e37d39c101", [(6, b"\xc5")], id="VEX of three bytes with an immediate"),
]


@pytest.mark.parametrize(("code", "expected"), CASES)
def test_an_instruction_ends_where_it_ends(code: str, expected: list[tuple[int, bytes]]) -> None:
    raw = bytes.fromhex(code)
    found = [(one.n_bytes, one.opcode) for one in instructions(raw, 0, len(raw))]
    assert found == expected


def test_what_is_not_known_ends_the_walk() -> None:
    evex_then_ret = bytes.fromhex("62f17c48280590000000c3")
    assert [one.opcode for one in instructions(evex_then_ret, 0, len(evex_then_ret))] == [b""]


def test_jumps_and_calls_say_where_they_go() -> None:
    code = bytes.fromhex("eb02 9090 e8fbffffff 0f84 00010000")
    assert [one.target for one in instructions(code, 0, len(code))] == [4, None, None, 4, 271]


def test_every_instruction_of_this_c_library_has_its_length() -> None:
    """But for AVX-512, which no wrapper of a system call has; against binutils."""
    objdump, libc = shutil.which("objdump"), Path("/lib/x86_64-linux-gnu/libc.so.6")
    if objdump is None or not libc.exists():
        pytest.skip("needs binutils and an x86-64 glibc")
    begin, n_bytes = 0x26000, 0x40000
    command = [objdump, "-d", "-w", "-z", "-j", ".text", "--no-show-raw-insn", str(libc)]
    command += [f"--start-address={begin}", f"--stop-address={begin + n_bytes}"]
    text = subprocess.run(command, capture_output=True, text=True).stdout
    places = [int(found[1], 16) for found in re.finditer(r"^ +([0-9a-f]+):", text, re.MULTILINE)]
    assert len(places) > 10_000
    # The last ones are cut by the listing's end.
    data, wrong = libc.read_bytes(), []
    for at, end in pairwise(places[:-8]):
        one = next(instructions(data, at, end))
        if one.opcode and one.n_bytes != end - at:
            wrong.append(data[at:end].hex())
    assert not wrong
