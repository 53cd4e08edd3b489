"""Accounts: the kernel's messages about tasks that end, and what of them a process's account is.

In: datagrams of the generic netlink family TASKSTATS. Out: `Account`s of processes. It refuses to
know which processes matter. Pure: bytes in, values out; the sockets are in `taskstats`.

A message is about one thread. Where a process had several, the last one's message carries the sums
of its thread group, too; its memory is the same for all of them. Of a process with one thread
there is no sum. So a thread that ends before the others is left out (version 12 says by a flag
that nobody is left; before it, its number is no process's).

Which times. `ac_utime` and `ac_stime` are counted by the tick on every usual kernel: 0 or 4,000 us
for a process of 2 ms. The scheduler's own `cpu_run_virtual_total` is in nanoseconds but was brought
up to date when the task was last switched or ticked: it may lack one tick (4 ms at 250 Hz), and the
dismantling after the message. So it is a lower bound; `taskclock` tells the rest.
`hiwater_rss` is of the program that ended; the rusage of wait4 has in it the memory of what was
forked before the exec.

Sources: linux/taskstats.h (the struct only grows at its end), linux/genetlink.h, linux/netlink.h;
Documentation/accounting/taskstats-struct.rst; kernel/taskstats.c (taskstats_exit).
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

NLMSG_ERROR = 2  # linux/netlink.h
NLM_F_REQUEST, NLM_F_ACK = 1, 4  # linux/netlink.h
GENL_ID_CTRL = 16  # linux/genetlink.h
CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 3, 1, 2  # linux/genetlink.h
FAMILY = b"TASKSTATS\0"  # TASKSTATS_GENL_NAME
CMD_GET, CMD_NEW, VERSION = 1, 2, 1  # enum in linux/taskstats.h; TASKSTATS_GENL_VERSION
ATTR_REGISTER_CPUMASK = 3  # TASKSTATS_CMD_ATTR_REGISTER_CPUMASK
TYPE_PID, TYPE_TGID, TYPE_STATS, TYPE_AGGR_PID, TYPE_AGGR_TGID = 1, 2, 3, 4, 5
ALONE_SINCE = 12  # version; linux/acct.h AGROUP
AGROUP = 0x20
SEQUENCES = 1 << 32

HEADER = struct.Struct("=IHHIIBBH")  # struct nlmsghdr, struct genlmsghdr
ATTRIBUTE = struct.Struct("=HH")  # struct nlattr
ATTRIBUTE_TYPES = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER
STATS = struct.Struct("=H6xB63xQ64xQ48xQ")
"""Offsets of struct taskstats: 0 version, 8 ac_flag, 72 cpu_run_virtual_total, 144 ac_etime,
200 hiwater_rss."""
MICROSECONDS_NS, KILOBYTES = 1_000, 1_024  # units of ac_etime and hiwater_rss
MESSAGE_BYTES = 4096  # two structs of 560 bytes in Linux 6.18


class Account(NamedTuple):
    """One process that ended."""

    pid: int
    cpu_ns: int
    """At least so much."""
    max_rss_bytes: int | None
    """None: it had no memory of its own (a kernel thread)."""
    lifetime_ns: int


def family_request() -> bytes:
    """Asks for the family's number."""
    body = _attribute(CTRL_ATTR_FAMILY_NAME, FAMILY)
    return _message(GENL_ID_CTRL, NLM_F_REQUEST, CTRL_CMD_GETFAMILY, body)


def family_of(datagram: bytes) -> int:
    """The family's number in the answer. Raises OSError where there is none."""
    raise_error(datagram)
    number = dict(_attributes(datagram[HEADER.size :]))[CTRL_ATTR_FAMILY_ID]
    return int.from_bytes(number[:2], "little" if struct.pack("=H", 1)[0] else "big")


def listen_request(family: int, cpus: str) -> bytes:
    """Asks for the accounts of what ends on these CPUs ("0-3"); the kernel acknowledges."""
    body = _attribute(ATTR_REGISTER_CPUMASK, cpus.encode("ascii") + b"\0")
    return _message(family, NLM_F_REQUEST | NLM_F_ACK, CMD_GET, body)


def raise_error(datagram: bytes) -> None:
    """Raises OSError when the datagram is a refusal; an acknowledgement is none."""
    if len(datagram) >= 20 and struct.unpack_from("=4xH", datagram)[0] == NLMSG_ERROR:
        code = -struct.unpack_from("=i", datagram, 16)[0]
        if code:
            raise OSError(code, "taskstats")


def sequence_of(datagram: bytes) -> int | None:
    """The number of this message on its CPU. None: it is no account."""
    if len(datagram) < HEADER.size:
        return None
    _, kind, _, sequence, _, command, _, _ = HEADER.unpack_from(datagram)
    return sequence if kind != NLMSG_ERROR and command == CMD_NEW else None


def parse(datagram: bytes) -> Account | None:
    """None: too short, or a thread of a process that goes on."""
    parts = dict(_attributes(datagram[HEADER.size :]))
    alone = dict(_attributes(parts.get(TYPE_AGGR_PID, b"")))
    group = dict(_attributes(parts.get(TYPE_AGGR_TGID, b"")))
    stats = alone.get(TYPE_STATS, b"")
    if len(stats) < STATS.size:
        return None
    version, flags, cpu_ns, lifetime_us, rss_kb = STATS.unpack_from(stats)
    number = alone.get(TYPE_PID, b"")
    if len(group.get(TYPE_STATS, b"")) >= STATS.size:
        cpu_ns = STATS.unpack_from(group[TYPE_STATS])[2]
        number = group.get(TYPE_TGID, b"")
    elif version >= ALONE_SINCE and not flags & AGROUP:
        return None
    if len(number) < 4:
        return None
    max_rss_bytes = rss_kb * KILOBYTES or None
    (pid,) = struct.unpack_from("=I", number)
    return Account(pid, cpu_ns, max_rss_bytes, lifetime_us * MICROSECONDS_NS)


def _message(kind: int, flags: int, command: int, body: bytes) -> bytes:
    return HEADER.pack(HEADER.size + len(body), kind, flags, 0, 0, command, VERSION, 0) + body


def _attribute(kind: int, data: bytes) -> bytes:
    padding = b"\0" * (-len(data) % 4)  # NLA_ALIGN
    return ATTRIBUTE.pack(ATTRIBUTE.size + len(data), kind) + data + padding


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + ATTRIBUTE.size <= len(data):
        length, kind = ATTRIBUTE.unpack_from(data, at)
        if length < ATTRIBUTE.size:
            return
        yield kind & ATTRIBUTE_TYPES, data[at + ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3


class Sequence:
    """How many messages of one CPU never came: the kernel counts before it sends."""

    def __init__(self) -> None:
        self._expected: int | None = None

    def arrived(self, sequence: int) -> int:
        """The messages lost just before this one."""
        expected, self._expected = self._expected, (sequence + 1) % SEQUENCES
        gap = 0 if expected is None else (sequence - expected) % SEQUENCES
        return 0 if gap > SEQUENCES // 2 else gap  # a step back is no loss
