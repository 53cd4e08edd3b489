"""System call filter: from here on this process opens no file for writing, whatever its rights,
and changes nothing in another process.

In: whether names of files may still change (a relay gives a socket's name back). Out: whether the
kernel holds us to it. It refuses to know paths: a filter sees numbers, not strings.

Landlock would be simpler (`sandbox`), but a process inside it may no longer look into others:
/proc/PID/fd, exe and syscall are refused to it as ptrace is, and that is what a live engine lives
on, also an ordinary user's. No ruleset is without that: one that handles a network right alone or a
scope alone refuses the same, and no flag takes it back (measured on Linux 6.18, ABI 7; security/
landlock/task.c, hook_ptrace_access_check). A second process that looks for us would have to answer
within the life of a CGI process and hold the rights; a thread outside shares our memory.

Who may look into others (CAP_SYS_PTRACE) may also write there, or take a descriptor that is open
for writing out of them; and root, without any capability, owns root's files and may change their
modes. So those calls are refused as well. Descriptors that are open stay as they are, so
everything the engine writes is open before. The filter holds for every process it starts.
Sources: linux/seccomp.h, linux/filter.h, Documentation/userspace-api/seccomp_filter.rst; numbers
from asm/unistd_64.h and asm-generic/unistd.h.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from typing import NamedTuple

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2  # linux/prctl.h, linux/seccomp.h
ALLOW, ERRNO = 0x7FFF0000, 0x00050000  # SECCOMP_RET_*
REFUSED = ERRNO | errno.EACCES
LOAD, EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06  # BPF_LD|W|ABS, JMP|JEQ|K, JMP|JSET|K, RET|K
X32 = 0x40000000  # __X32_SYSCALL_BIT: the same calls by other numbers
NUMBER_AT, MACHINE_AT, ARGUMENTS_AT = 0, 4, 16  # struct seccomp_data
AT_REMOVEDIR = 0x200  # linux/fcntl.h
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
INSTRUCTION = struct.Struct("=HBBI")  # struct sock_filter


class Machine(NamedTuple):
    audit: int
    """AUDIT_ARCH_*, linux/audit.h."""
    opens: dict[int, int]
    """open, openat, open_by_handle_at (which CAP_DAC_READ_SEARCH allows): the place of their
    flags among the arguments."""
    writes: tuple[int, ...]
    """creat, openat2 (whose flags lie behind a pointer), truncate; io_uring_setup, whose ring
    opens files without a call."""
    names: tuple[int, ...]
    """rename*, unlink, link*, symlink*, mknod*, mkdir*."""
    marks: tuple[int, ...]
    """chmod, fchmod, fchmodat, fchmodat2, chown, fchown, lchown, fchownat, setxattr, lsetxattr,
    fsetxattr, setxattrat."""
    others: tuple[int, ...]
    """ptrace, process_vm_writev, pidfd_getfd."""
    unlinkat: int
    """With AT_REMOVEDIR it is rmdir, by which a trace instance is given back; newer machines have
    no other rmdir. A folder that is empty may go."""


MACHINES = {
    "x86_64": Machine(
        0xC000003E,
        {2: 1, 257: 2, 304: 2},
        (85, 437, 76, 425),
        (82, 264, 316, 87, 86, 265, 88, 266, 133, 259, 83, 258),
        (90, 91, 268, 452, 92, 93, 94, 260, 188, 189, 190, 463),
        (101, 311, 438),
        263,
    ),
    "aarch64": Machine(
        0xC00000B7,
        {56: 2, 265: 2},
        (437, 45, 425),
        (38, 276, 37, 36, 33, 34),
        (52, 53, 452, 55, 54, 5, 6, 7, 463),
        (117, 271, 438),
        35,
    ),
}


def forbid_writing(keeps_names: bool = False) -> bool:
    """False: not on this machine. `keeps_names`: renaming, removing and a new name's mode and
    owner stay possible.

    Needs no_new_privs. Raises OSError where the kernel could and will not."""
    machine = MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None:
        return False
    program = compiled(machine, keeps_names)
    code = ctypes.create_string_buffer(b"".join(INSTRUCTION.pack(*one) for one in program))
    header = struct.pack("=H6xQ", len(program), ctypes.addressof(code))  # struct sock_fprog
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0) == 0:
        return True
    number = ctypes.get_errno()
    if number == errno.EINVAL:  # a kernel without CONFIG_SECCOMP_FILTER
        return False
    raise OSError(number, f"seccomp: {os.strerror(number)}")


def unavailable() -> str | None:
    """Why nothing holds us to it here; None when something does."""
    if platform.machine() not in MACHINES:
        return f"the numbers of system calls on {platform.machine()} are not known"
    library = ctypes.CDLL(None, use_errno=True)
    library.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, None, 0, 0)
    if ctypes.get_errno() == errno.EINVAL:  # with filters it is EFAULT: there is none at NULL
        return "this kernel has no filters of system calls (CONFIG_SECCOMP_FILTER)"
    return None


def compiled(machine: Machine, keeps_names: bool) -> list[tuple[int, int, int, int]]:
    """Code, jump if true, jump if false, constant; jumps count from the next instruction."""
    program = [
        (LOAD, 0, 0, MACHINE_AT),
        (EQUAL, 1, 0, machine.audit),
        (RETURN, 0, 0, REFUSED),  # another instruction set's numbers mean something else
        (LOAD, 0, 0, NUMBER_AT),
        (ANY_BIT, 0, 1, X32),
        (RETURN, 0, 0, REFUSED),
    ]
    for number, place in machine.opens.items():
        program += [
            (EQUAL, 0, 4, number),
            (LOAD, 0, 0, ARGUMENTS_AT + 8 * place),
            (ANY_BIT, 0, 1, WRITES),
            (RETURN, 0, 0, REFUSED),
            (RETURN, 0, 0, ALLOW),
        ]
    if not keeps_names:
        program += [
            (EQUAL, 0, 4, machine.unlinkat),
            (LOAD, 0, 0, ARGUMENTS_AT + 8 * 2),
            (ANY_BIT, 1, 0, AT_REMOVEDIR),
            (RETURN, 0, 0, REFUSED),
            (RETURN, 0, 0, ALLOW),
        ]
    refused = machine.writes + machine.others
    for number in refused + (() if keeps_names else machine.names + machine.marks):
        program += [(EQUAL, 0, 1, number), (RETURN, 0, 0, REFUSED)]
    return [*program, (RETURN, 0, 0, ALLOW)]
