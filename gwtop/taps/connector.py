"""The proc connector's messages: what the kernel says about processes, and what it lost.

In: datagrams of NETLINK_CONNECTOR. Out: `Happening`s, and how many were missed. It refuses to
know which processes matter. Pure: bytes in, values out; the socket is in `births`.

Counting losses. Every message carries its CPU and a sequence number that the kernel raises per
CPU for each message before it tries to deliver it (drivers/connector/cn_proc.c, send_msg), so a
gap is a loss and its width is the number, provided that we take every kind of message and filter
none. A gap shows only with the next message of that CPU; the overrun itself shows at once, as
ENOBUFS. So an overrun counts 1 when it is seen, and that 1 is taken off the gap that explains it.
Messages lost before the first one of a CPU has been seen can only be told by the overrun.

The count is about the whole machine: the kernel does not say whose events it lost.
Sources: linux/cn_proc.h, linux/connector.h, linux/netlink.h.
"""

import struct
from typing import NamedTuple

CN_IDX_PROC, CN_VAL_PROC = 1, 1  # linux/connector.h
PROC_CN_MCAST_LISTEN = 1  # linux/cn_proc.h
EVENT_NONE, EVENT_FORK, EVENT_EXEC, EVENT_EXIT = 0, 1, 2, 0x80000000  # enum proc_cn_event
NLMSG_DONE = 3  # linux/netlink.h; the connector marks every message so
SEQUENCES = 1 << 32

REQUEST = struct.Struct("=IHHIIIIIIHHI")
"""nlmsghdr: length, type, flags, seq, pid; cn_msg: idx, val, seq, ack, len, flags; operation."""
MESSAGE = struct.Struct("=16xIIIIHHIIQIIII")
"""nlmsghdr skipped; cn_msg; proc_event: what, cpu, timestamp_ns, first 16 bytes of its data."""
MESSAGE_BYTES = 16 + 20 + 40  # nlmsghdr, cn_msg, proc_event


class Happening(NamedTuple):
    """One message. What `a` to `d` are depends on `what` (struct proc_event's union)."""

    what: int
    cpu: int
    sequence: int
    acknowledges: int
    monotonic_ns: int
    a: int
    b: int
    c: int
    d: int


def listen_request(nonce: int, port: int) -> bytes:
    """Asks for the events; the kernel answers with an EVENT_NONE that carries `nonce` + 1."""
    length, payload_bytes = REQUEST.size, 4
    header = (length, NLMSG_DONE, 0, 0, port)
    message = (CN_IDX_PROC, CN_VAL_PROC, 0, nonce, payload_bytes, 0)
    return REQUEST.pack(*header, *message, PROC_CN_MCAST_LISTEN)


def parse(datagram: bytes | memoryview) -> Happening | None:
    """None: too short, or not from the proc connector."""
    if len(datagram) < MESSAGE.size:
        return None
    index, value, sequence, ack, _, _, what, cpu, at, a, b, c, d = MESSAGE.unpack_from(datagram)
    if index != CN_IDX_PROC or value != CN_VAL_PROC:
        return None
    return Happening(what, cpu, sequence, ack, at, a, b, c, d)


def exit_status(status: int) -> tuple[int | None, int | None]:
    """(code, signal) of a wait status, one of them None (wait(2): low 7 bits are the signal)."""
    signal = status & 0x7F
    return (None, signal) if signal else (status >> 8 & 0xFF, None)


class Losses:
    """How many messages never came."""

    def __init__(self) -> None:
        self._expected: dict[int, int] = {}
        self._told_early = 0

    def overrun(self) -> int:
        """The kernel said that it dropped: at least one."""
        self._told_early += 1
        return 1

    def arrived(self, happening: Happening) -> int:
        """The messages lost just before this one on its CPU, as far as they were not told yet."""
        expected = self._expected.get(happening.cpu)
        self._expected[happening.cpu] = (happening.sequence + 1) % SEQUENCES
        if expected is None or expected == happening.sequence:
            return 0
        gap = (happening.sequence - expected) % SEQUENCES
        if gap > SEQUENCES // 2:  # a step back is no loss (the counter was set back)
            return 0
        told = min(gap, self._told_early)
        self._told_early -= told
        return gap - told
