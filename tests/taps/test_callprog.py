"""Programs for the kernel: as code, and what their records say.

Whether the kernel takes them, and that they tell the truth, is shown in tests/live.
"""

import struct

import pytest

from gwtop.taps import callprog, ebpf, treeprog
from gwtop.taps.callprog import HEAD, MAX_COPY_BYTES, Call, Maps
from gwtop.taps.ebpf import FP, R0, R1, R2, Program
from gwtop.taps.elf import AARCH64, X86_64
from gwtop.taps.sites import How, Kind

MAPS = Maps(sites=10, staging=11, settings=12, entered=13, tree=14, ring=15, taken=16)
LARGEST_BYTES = 32 * 1024  # include/linux/percpu.h PCPU_MIN_UNIT_SIZE
OLD_LIMIT = 4096  # BPF_MAXINSNS


def words(code: bytes) -> list[tuple[int, int, int, int, int]]:
    """Code, two registers, offset, constant of each instruction."""
    return [
        (code, both & 15, both >> 4, offset, value)
        for code, both, offset, value in struct.iter_unpack("<BBhi", code)
    ]


def test_instructions_are_as_the_kernel_reads_them() -> None:
    code = Program()
    code.set("mov", R1, 7)
    code.set("movr", R2, R1)
    code.jump("end", "jeq", R1, 3)
    code.load(8, R0, FP, -8)
    code.store(4, FP, -4, R2)
    code.jump("end", "jler", R1, R2)
    code.load_map(R1, 9)
    code.call(ebpf.KTIME)
    code.label("end")
    code.exit()
    assert words(code.assembled()) == [
        (0xB7, 1, 0, 0, 7),
        (0xBF, 2, 1, 0, 0),
        (0x15, 1, 0, 6, 3),
        (0x79, 0, 10, -8, 0),
        (0x63, 10, 2, -4, 0),
        (0xBD, 1, 2, 3, 0),
        (0x18, 1, 1, 0, 9),
        (0x00, 0, 0, 0, 0),
        (0x85, 0, 0, 0, 5),
        (0xB7, 0, 0, 0, 0),
        (0x95, 0, 0, 0, 0),
    ]


def test_a_jump_goes_forward_only() -> None:
    code = Program()
    code.label("before")
    code.jump("before")
    with pytest.raises(AssertionError, match="before"):
        code.assembled()


@pytest.mark.parametrize("machine", [X86_64, AARCH64])
def test_a_program_is_short_and_reads_the_registers_of_its_machine(machine: int) -> None:
    program = words(callprog.at_sites(machine, MAPS))
    assert len(program) < OLD_LIMIT
    regs = callprog.REGISTERS[machine]
    # R6 is where the registers are; until it is taken for something else.
    read = [offset for code, _, base, offset, _ in program if code == 0x79 and base == 6]
    assert read[0] == regs.pc
    assert read[1:7] == [*regs.arguments, regs.result, regs.fourth_at_entry]
    assert {value for code, _, by, _, value in program if code == 0x18 and by == 1} == {
        MAPS.sites,
        MAPS.staging,
        MAPS.settings,
        MAPS.entered,
        MAPS.tree,
        MAPS.ring,
        MAPS.taken,
    }


def test_where_it_works_is_as_large_as_the_kernel_allows() -> None:
    assert HEAD.size + 2 * MAX_COPY_BYTES < callprog.STAGING_BYTES <= LARGEST_BYTES


def test_a_record_is_a_call_with_its_bytes() -> None:
    head = HEAD.pack(5, 101, 100, 7, 1, Kind.READ, 9, 3, 4, 5, 6, 2, 4)
    call = callprog.parse(head + b"hi" + b"left over")
    assert call == Call(5, 101, 100, 7, 1, Kind.READ, 9, 3, 4, 5, 6, b"hi", 4)


def test_a_site_is_told_by_kind_and_how() -> None:
    assert callprog.site_value(Kind.READ, How.DIRECT) == 0x101
    assert callprog.site_value(None, How.JOINED) == 0x300


def test_programs_of_births_read_where_the_trace_event_has_its_fields() -> None:
    program = words(treeprog.at_birth(MAPS, pid_offset=8, flags_offset=32))
    read = {(code, offset) for code, _, base, offset, _ in program if base == 6}
    assert {(0x61, 8), (0x79, 32)} <= read
    for made in (treeprog.at_exec(MAPS), treeprog.at_end(MAPS)):
        assert words(made)[-1][0] == 0x95
