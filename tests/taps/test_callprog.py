"""Programs for the kernel: as code, and what their records say.

Whether the kernel takes them, and that they tell the truth, is shown in tests/live.
"""

import pytest

from gwtop.taps import callprog, ebpf, treeprog
from gwtop.taps.callprog import HEAD, Call
from gwtop.taps.ebpf import FP, R0, R1, R2, Program
from gwtop.taps.sites import Kind
from tests.taps._code import MAPS, words


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


def test_a_slot_holds_a_head_and_twice_the_bytes_behind_what_is_kept() -> None:
    assert callprog.slot_bytes(1000) == callprog.START + HEAD.size + 2000
    assert callprog.START % 8 == 0
    last = callprog.MESSAGES + callprog.N_MESSAGES * callprog.MESSAGE_BYTES
    assert callprog.VECTORS + callprog.N_VECTORS * callprog.VECTOR_BYTES <= callprog.MESSAGES
    assert callprog.OWNER + 8 <= callprog.KEPT < callprog.VECTORS < last == callprog.START


def test_a_record_is_a_call_with_its_bytes() -> None:
    head = HEAD.pack(5, 101, 100, 7, 1, Kind.READ, 9, 3, 4, 5, 6, 2, 4)
    call = callprog.parse(head + b"hi" + b"left over")
    assert call == Call(5, 101, 100, 7, 1, Kind.READ, 9, 3, 4, 5, 6, b"hi", 4)


def test_programs_of_births_read_where_the_trace_event_has_its_fields() -> None:
    program = words(treeprog.at_birth(MAPS, pid_offset=8, flags_offset=32))
    read = {(code, offset) for code, _, base, offset, _ in program if base == 6}
    assert {(0x61, 8), (0x79, 32)} <= read
    for made in (treeprog.at_exec(MAPS), treeprog.at_end(MAPS)):
        assert words(made)[-1][0] == 0x95
