"""The program at the sites: it looks at a watched process's system calls.

In: descriptors of maps, where registers lie. Out: code for the kernel. It refuses to know what a
record looks like (`callprog`) and how bytes are copied (`copyprog`).

One program serves every site: the site's place within its page finds its kind in a map. It tells
nothing where the call failed or only peeked. Two more sites exist where the registers behind the
system call do not say all (`sites`): the arguments are kept by thread until the result comes.
"""

from typing import NamedTuple

from gwtop.taps import ebpf, ownprog
from gwtop.taps.callprog import (
    ARGUMENTS,
    CPU,
    F_DUPFD,
    F_DUPFD_CLOEXEC,
    F_SETFD,
    KIND,
    RESULT,
    Maps,
    emit,
    look_up,
    stage,
    thread_key,
)
from gwtop.taps.copyprog import copied
from gwtop.taps.ebpf import R0, R1, R2, R3, R4, R6, R7, R8, R9, Program
from gwtop.taps.elf import AARCH64, X86_64
from gwtop.taps.sites import How, Kind


class Registers(NamedTuple):
    """Offsets in struct pt_regs (asm/ptrace.h)."""

    pc: int
    result: int
    arguments: tuple[int, int, int, int]
    """Of a system call, behind it; meaningless on aarch64, where only entries are asked."""
    fourth_at_entry: int


REGISTERS = {
    X86_64: Registers(128, 80, (112, 104, 96, 56), 88),
    AARCH64: Registers(256, 0, (0, 8, 16, 24), 24),
}


def site_value(kind: Kind | None, how: How) -> int:
    return (kind or 0) | how << 8


def at_sites(machine: int, maps: Maps) -> bytes:
    code = Program()
    regs = REGISTERS[machine]
    code.set("movr", R6, R1)
    code.load(8, R1, R6, regs.pc)
    code.set("and", R1, 0xFFF)
    look_up(code, maps.sites, R1)
    code.load(4, R7, R0, 0)
    code.jump("out", "jeq", R7, 0)
    stage(code, maps)
    code.set("movr", R1, R7)
    code.set("rsh", R1, 8)
    code.set("and", R7, 0xFF)
    code.store(4, R8, KIND, R7)
    code.jump("joined", "jeq", R1, How.JOINED)
    _registers(code, regs, maps)
    code.label("joined")
    _joined(code, regs, maps)
    code.label("told")
    code.jump("plain", "jge", R7, Kind.SENDFILE)
    copied(code, maps)
    code.label("plain")
    _plain(code, maps)
    code.label("empty")
    code.set("mov", R9, 0)
    code.label("emit")
    emit(code, maps)
    return code.assembled()


def _registers(code: Program, regs: Registers, maps: Maps) -> None:
    """Direct sites go on with what the registers say; entries end here."""
    for place, offset in enumerate(regs.arguments):
        code.load(8, R2, R6, offset)
        code.store(8, R8, ARGUMENTS + 8 * place, R2)
    code.load(8, R9, R6, regs.result)
    code.store(8, R8, RESULT, R9)
    code.jump("told", "jeq", R1, How.DIRECT)
    code.load(8, R2, R6, regs.fourth_at_entry)
    code.store(8, R8, ARGUMENTS + 24, R2)
    thread_key(code, maps.entered)
    code.set("movr", R3, R8)
    code.set("add", R3, CPU)
    code.set("mov", R4, 0)
    code.call(ebpf.MAP_UPDATE)
    code.jump("leave")


def _joined(code: Program, regs: Registers, maps: Maps) -> None:
    thread_key(code, maps.entered)
    code.call(ebpf.MAP_LOOKUP)
    code.jump("leave", "jeq", R0, 0)
    code.load(4, R7, R0, KIND - CPU)
    code.store(4, R8, KIND, R7)
    for place in range(4):
        offset = ARGUMENTS + 8 * place
        code.load(8, R1, R0, offset - CPU)
        code.store(8, R8, offset, R1)
    code.load(8, R9, R6, regs.result)
    code.store(8, R8, RESULT, R9)
    thread_key(code, maps.entered)
    code.call(ebpf.MAP_DELETE)


def _plain(code: Program, maps: Maps) -> None:
    """Calls without bytes; of those that failed only close has done something."""
    code.jump("closed", "jeq", R7, Kind.CLOSE)
    code.jump("empty", "jeq", R7, Kind.CLOSE_RANGE)
    code.jump("leave", "jslt", R9, 0)
    code.jump("accepted", "jeq", R7, Kind.ACCEPT)
    code.jump("accepted", "jeq", R7, Kind.ACCEPT4)
    code.jump("empty", "jlt", R7, Kind.DUP)
    code.jump("duplicated", "jne", R7, Kind.FCNTL)
    code.load(4, R1, R8, ARGUMENTS + 8)
    code.jump("empty", "jeq", R1, F_SETFD)
    for command in (F_DUPFD, F_DUPFD_CLOEXEC):
        code.jump("duplicated", "jeq", R1, command)
    code.jump("leave")
    code.label("duplicated")
    ownprog.duplicated(code, maps)
    code.jump("empty")
    code.label("closed")
    ownprog.closed(code, maps)
    code.jump("empty")
    code.label("accepted")
    ownprog.accepted(code, maps)
