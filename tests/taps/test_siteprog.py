"""The program at the sites, as code. That the kernel takes it is shown in tests/live."""

import pytest

from gwtop.taps import siteprog
from gwtop.taps.elf import AARCH64, X86_64
from gwtop.taps.sites import How, Kind
from tests.taps._code import MAPS, maps_used, words

OLD_LIMIT = 4096  # BPF_MAXINSNS


@pytest.mark.parametrize("machine", [X86_64, AARCH64])
def test_a_program_is_short_and_reads_the_registers_of_its_machine(machine: int) -> None:
    program = words(siteprog.at_sites(machine, MAPS))
    assert len(program) < OLD_LIMIT
    regs = siteprog.REGISTERS[machine]
    # R6 is where the registers are; until it is taken for something else.
    read = [offset for code, _, base, offset, _ in program if code == 0x79 and base == 6]
    assert read[0] == regs.pc
    assert read[1:7] == [*regs.arguments, regs.result, regs.fourth_at_entry]
    assert maps_used(program) == {
        MAPS.sites,
        MAPS.staging,
        MAPS.settings,
        MAPS.entered,
        MAPS.tree,
        MAPS.ring,
        MAPS.taken,
    }


def test_a_site_is_told_by_kind_and_how() -> None:
    assert siteprog.site_value(Kind.READ, How.DIRECT) == 0x101
    assert siteprog.site_value(None, How.JOINED) == 0x300
