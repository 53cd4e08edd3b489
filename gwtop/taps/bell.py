"""The bell: wakes us when a process of the tree forks, execs or exits, and for nobody else.

In: whose events matter. Out: a descriptor that is readable when one came. It refuses to know what
happened: all the messages lie in the socket of `births`, which is emptied when the bell has rung.

Process events are about the whole machine. A build beside an idle gateway makes a hundred a second,
and to be woken for each costs 2 to 10 % of a core. So there are two sockets: one gets everything
and is left alone while it is quiet in the tree; this one has a filter and hardly any room, for one
message is enough. The other must stay unfiltered: a message that no socket took makes the kernel
believe that nobody listens (cn_proc.c, send_msg), and a gap in the numbers would be no loss.
"""

import ctypes
import errno
import socket
import struct
from collections.abc import Collection, Sequence

from gwtop.taps import connector
from gwtop.taps.bpf import JA, JEQ_K, LD_W_ABS, RET_K, Instruction, pack
from gwtop.taps.connector import EVENT_EXEC, EVENT_EXIT, EVENT_FORK

NETLINK_CONNECTOR = 11  # linux/netlink.h
SOL_NETLINK = 270  # linux/socket.h
NETLINK_NO_ENOBUFS = 5  # linux/netlink.h
SO_ATTACH_FILTER = 26  # asm-generic/socket.h
TAX, JEQ_X = 0x07, 0x1D  # linux/bpf_common.h: BPF_MISC | BPF_TAX, BPF_JMP | BPF_JEQ | BPF_X
MAX_PIDS = 1_000
"""Two instructions each; the kernel takes 4,096 (BPF_MAXINSNS)."""
MAX_STROKES = 64  # read at once; the buffer holds about three

# linux/cn_proc.h behind nlmsghdr (16 bytes) and cn_msg (20): what, cpu, timestamp_ns, union
WHAT_AT, A_AT, B_AT, C_AT, D_AT = 36, 52, 56, 60, 64


def _loaded(value: int) -> int:
    """As LD_W_ABS has it in its register: it takes the bytes for big-endian ones."""
    return int.from_bytes(struct.pack("=I", value), "big")


def program(pids: Collection[int]) -> list[Instruction]:
    """Takes forks by these processes, their execs and their ends; no event of a thread."""
    drop, take = Instruction(RET_K), Instruction(RET_K, k=0xFFFFFFFF)
    code = [
        Instruction(LD_W_ABS, k=WHAT_AT),
        Instruction(JEQ_K, 3, 0, _loaded(EVENT_FORK)),
        Instruction(JEQ_K, 6, 0, _loaded(EVENT_EXEC)),
        Instruction(JEQ_K, 5, 0, _loaded(EVENT_EXIT)),
        drop,
        Instruction(LD_W_ABS, k=C_AT),  # a fork: of a process, when the child's pid is its tgid
        Instruction(TAX),
        Instruction(LD_W_ABS, k=D_AT),
        Instruction(JA, k=3),
        Instruction(LD_W_ABS, k=A_AT),  # an exec, an exit: of a process, when pid is tgid
        Instruction(TAX),
        Instruction(LD_W_ABS, k=B_AT),
        Instruction(JEQ_X, 1, 0),
        drop,
        Instruction(LD_W_ABS, k=B_AT),
    ]
    for pid in sorted(pids):
        code += [Instruction(JEQ_K, 0, 1, _loaded(pid)), take]
    return [*code, drop]


def attach(one: socket.socket, code: Sequence[Instruction]) -> None:
    kept = ctypes.create_string_buffer(pack(code))
    head = struct.pack("@HP", len(code), ctypes.addressof(kept))  # struct sock_fprog
    one.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, head)


class Bell:
    """Rings for nobody until it is told for whom."""

    def __init__(self) -> None:
        """Raises OSError."""
        self._pids: frozenset[int] = frozenset()
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_CONNECTOR)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)  # its minimum
            self._socket.setsockopt(SOL_NETLINK, NETLINK_NO_ENOBUFS, 1)
            attach(self._socket, program(self._pids))
            self._socket.setblocking(False)
            self._socket.bind((0, connector.CN_IDX_PROC))
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        return self._socket.fileno()

    def rings_for(self, pids: frozenset[int]) -> bool:
        """From now on for these, whatever rang before; False: they are too many."""
        if len(pids) > MAX_PIDS:
            return False
        if pids != self._pids:
            try:
                attach(self._socket, program(pids))
            except OSError as error:
                # Old and new filter together exceed net.core.optmem_max, 20 KiB before Linux 6.8.
                if error.errno != errno.ENOMEM:
                    raise
                return False
            self._pids = pids
        for _ in range(MAX_STROKES):
            try:
                self._socket.recv(connector.MESSAGE_BYTES)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
        return True

    def close(self) -> None:
        self._socket.close()
