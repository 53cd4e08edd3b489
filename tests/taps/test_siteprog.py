"""The program at the sites, as code. That the kernel takes it is shown in tests/live."""

import pytest

from gwtop.taps import siteprog
from gwtop.taps.callprog import F_DUPFD
from gwtop.taps.elf import AARCH64, X86_64
from gwtop.taps.sites import How, Kind
from tests.taps._code import MAPS, maps_used, words
from tests.taps._kernel_of_calls import Kernel

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
        MAPS.own,
    }


def test_a_site_is_told_by_kind_and_how() -> None:
    assert siteprog.site_value(Kind.READ, How.DIRECT) == 0x101
    assert siteprog.site_value(None, How.JOINED) == 0x300


@pytest.mark.parametrize(
    ("kind", "result", "arguments", "is_told"),
    [
        pytest.param(Kind.ACCEPT, 9, (5, 0, 0), True, id="accept"),
        pytest.param(Kind.ACCEPT4, -11, (5, 0, 0, 0), False, id="nobody to accept"),
        pytest.param(Kind.CLOSE, -9, (5,), True, id="close, whatever comes of it"),
        pytest.param(Kind.SHUTDOWN, 0, (5, 1), True, id="shutdown"),
        pytest.param(Kind.SHUTDOWN, -107, (5, 1), False, id="shutdown that failed"),
        pytest.param(Kind.FCNTL, 9, (5, F_DUPFD), True, id="fcntl that makes a descriptor"),
        pytest.param(Kind.FCNTL, 2, (5, 3), False, id="fcntl that asks for flags"),
        pytest.param(Kind.SENDFILE, 70_000, (5, 6), True, id="sendfile, by its length"),
        pytest.param(Kind.DUP2, 7, (5, 7), True, id="dup2"),
    ],
)
def test_of_calls_without_bytes_those_that_did_something_are_told(
    kind: Kind, result: int, arguments: tuple[int, ...], is_told: bool
) -> None:
    kernel = Kernel()
    kernel.met(kind, result, *arguments)
    found = [(call.kind, call.result, call.a, call.data) for call in kernel.calls()]
    assert found == [(kind, result, 5, b"")] * is_told
    assert (kernel.pid.to_bytes(4, "little") in kernel.hashes[MAPS.tree]) is (
        kind == Kind.ACCEPT
    ), "who accepts is remembered, and its children are told"
