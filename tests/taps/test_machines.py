"""What differs from one processor to another: the numbers of system calls, and sizes that are a
multiple of a page. No aarch64 is at hand, so its numbers are held against the kernel's own list.

In: the tables of the taps; asm-generic/unistd.h and asm/unistd_64.h as the kernel has them (copied
here; compared with the installed headers where there are any). Out: a number that is another one.
"""

import platform
import re
from pathlib import Path

import pytest

from gwtop.taps import blocked, ebpf, kernelside, perf, ring, sandbox, seccomp

GENERIC = {
    "setxattr": 5,
    "lsetxattr": 6,
    "fsetxattr": 7,
    "fchmod": 52,
    "fchmodat": 53,
    "fchownat": 54,
    "fchown": 55,
    "ptrace": 117,
    "process_vm_writev": 271,
    "pidfd_getfd": 438,
    "fchmodat2": 452,
    "setxattrat": 463,
    "mknodat": 33,
    "mkdirat": 34,
    "unlinkat": 35,
    "symlinkat": 36,
    "linkat": 37,
    "renameat": 38,
    "truncate": 45,
    "openat": 56,
    "open_by_handle_at": 265,
    "renameat2": 276,
    "io_uring_setup": 425,
    "openat2": 437,
    "epoll_pwait": 22,
    "read": 63,
    "readv": 65,
    "pselect6": 72,
    "ppoll": 73,
    "futex": 98,
    "accept": 202,
    "recvfrom": 207,
    "recvmsg": 212,
    "perf_event_open": 241,
    "accept4": 242,
    "recvmmsg": 243,
    "bpf": 280,
    "epoll_pwait2": 441,
    "landlock_create_ruleset": 444,
    "landlock_add_rule": 445,
    "landlock_restrict_self": 446,
}
"""asm-generic/unistd.h, which aarch64 uses (with renameat: __ARCH_WANT_RENAMEAT)."""
X86_64 = {
    "chmod": 90,
    "fchmod": 91,
    "chown": 92,
    "fchown": 93,
    "lchown": 94,
    "ptrace": 101,
    "setxattr": 188,
    "lsetxattr": 189,
    "fsetxattr": 190,
    "fchownat": 260,
    "fchmodat": 268,
    "process_vm_writev": 311,
    "pidfd_getfd": 438,
    "fchmodat2": 452,
    "setxattrat": 463,
    "read": 0,
    "open": 2,
    "poll": 7,
    "readv": 19,
    "select": 23,
    "accept": 43,
    "recvfrom": 45,
    "recvmsg": 47,
    "truncate": 76,
    "rename": 82,
    "mkdir": 83,
    "creat": 85,
    "link": 86,
    "unlink": 87,
    "symlink": 88,
    "mknod": 133,
    "futex": 202,
    "epoll_wait": 232,
    "openat": 257,
    "mkdirat": 258,
    "mknodat": 259,
    "unlinkat": 263,
    "renameat": 264,
    "linkat": 265,
    "symlinkat": 266,
    "pselect6": 270,
    "ppoll": 271,
    "epoll_pwait": 281,
    "accept4": 288,
    "perf_event_open": 298,
    "recvmmsg": 299,
    "open_by_handle_at": 304,
    "renameat2": 316,
    "bpf": 321,
    "io_uring_setup": 425,
    "openat2": 437,
    "epoll_pwait2": 441,
    "landlock_create_ruleset": 444,
    "landlock_add_rule": 445,
    "landlock_restrict_self": 446,
}
CALLS = {"x86_64": X86_64, "aarch64": GENERIC}
NAMES = ("rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat")
NAMES += ("unlink", "mknod", "mknodat", "mkdir", "mkdirat")
MARKS = ("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat")
MARKS += ("setxattr", "lsetxattr", "fsetxattr", "setxattrat")
OTHERS = ("ptrace", "process_vm_writev", "pidfd_getfd")
OPENS = ("open", "openat", "open_by_handle_at")
WRITES = ("creat", "openat2", "truncate", "io_uring_setup")
READS = ("read", "readv", "recvfrom", "recvmsg", "recvmmsg")
WAITS = ("poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait", "epoll_pwait2")
WAITS += ("futex", "accept", "accept4")
AUDIT = {"x86_64": (62, True), "aarch64": (183, True)}
"""EM_X86_64 and EM_AARCH64 (linux/elf-em.h), both little-endian."""
BIG_PAGE = 64 << 10
"""The largest page of aarch64 (CONFIG_ARM64_64K_PAGES)."""


def numbers(machine: str, names: tuple[str, ...]) -> set[int]:
    return {CALLS[machine][name] for name in names if name in CALLS[machine]}


@pytest.mark.parametrize("machine", list(CALLS))
def test_the_filter_names_the_calls_that_it_means(machine: str) -> None:
    found = seccomp.MACHINES[machine]
    assert set(found.opens) == numbers(machine, OPENS)
    assert set(found.writes) == numbers(machine, WRITES)
    assert set(found.names) == numbers(machine, NAMES)
    assert set(found.marks) == numbers(machine, MARKS)
    assert set(found.others) == numbers(machine, OTHERS)
    assert found.unlinkat == CALLS[machine]["unlinkat"]
    elf_machine, is_little = AUDIT[machine]
    assert found.audit == elf_machine | 0x80000000 | (0x40000000 if is_little else 0)


@pytest.mark.parametrize("machine", list(CALLS))
def test_system_calls_that_are_made_by_number_have_this_machines(machine: str) -> None:
    assert perf.NR_PERF_EVENT_OPEN[machine] == CALLS[machine]["perf_event_open"]
    assert ebpf.SYS_BPF[machine] == CALLS[machine]["bpf"]
    made = (sandbox.CREATE_RULESET, sandbox.ADD_RULE, sandbox.RESTRICT_SELF)
    names = ("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self")
    assert made == tuple(CALLS[machine][name] for name in names)


@pytest.mark.parametrize("machine", list(CALLS))
def test_who_waits_in_a_call_is_told_by_this_machines_numbers(machine: str) -> None:
    assert blocked.READS[machine] == numbers(machine, READS)
    assert blocked.POLLS[machine] == numbers(machine, WAITS)


@pytest.mark.parametrize(
    ("header", "machine"),
    [
        ("/usr/include/asm-generic/unistd.h", "aarch64"),
        ("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "x86_64"),
    ],
)
def test_the_lists_are_the_kernels(header: str, machine: str) -> None:
    path = Path(header)
    if not path.exists():
        pytest.skip(f"{header} is missing (linux-libc-dev)")
    found = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", path.read_text()))
    ours = {name: n for name, n in CALLS[machine].items() if name in found}  # old ones lack some
    assert {name: int(found[name]) for name in ours} == ours
    assert CALLS[machine].keys() - found.keys() <= {"fchmodat2", "setxattrat"}


def test_what_is_mapped_is_a_multiple_of_the_largest_page() -> None:
    assert ring.BLOCK_BYTES % BIG_PAGE == 0
    assert kernelside.RING_BYTES % BIG_PAGE == 0
    for page_bytes in (4096, 16384, BIG_PAGE):
        n_pages = max(perf.DATA_BYTES, page_bytes) / page_bytes
        assert n_pages == int(n_pages) and int(n_pages).bit_count() == 1


@pytest.mark.parametrize("machine", ["ppc64le", "s390x", "mips64"])
def test_another_machine_is_refused_and_no_number_guessed(
    machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    with pytest.raises(OSError, match="no number known"):
        perf.open_counter(0, -1, perf.DUMMY, inherited=False)
    with pytest.raises(ebpf.NoBpfError, match="known for"):
        ebpf.make_map(ebpf.ARRAY, 4, 4, 1)
    assert seccomp.forbid_writing() is False
