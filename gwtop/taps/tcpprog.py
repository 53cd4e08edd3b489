"""Programs that name TCP connections, in the same ring as their calls (`callprog`).

In: descriptors of maps, where trace fields lie. Out: code for the kernel, and both ends of a
connection from what it writes. It refuses to know descriptors.

A call says a descriptor's number and no address: what accept was given to fill in may be NULL, and
the address that the client asked is nowhere. tcp:tcp_rcv_space_adjust fires in the reader's own
context before its read returns, with both ends (`sockets` says more of it), so the record of a
thread's first read of a connection stands behind the one that names it. sock:inet_sock_set_state
and tcp:tcp_receive_reset say that the client has closed and that it refuses what comes, which a
worker that only writes into the kernel's buffer never learns.

They fire for every TCP socket of the machine; the first thing their programs ask is whether the
port is watched. The client's end comes whenever the kernel has a moment, in the middle of another
program too.
"""

from struct import Struct

from gwtop.taps.addresses import endpoint
from gwtop.taps.callprog import ARGUMENTS, HEAD, KIND, Maps, emit, look_up, stage
from gwtop.taps.ebpf import R0, R1, R6, R7, R8, R9, Program
from gwtop.taps.tracepages import Format

NAMED, LEFT, RESET = 40, 41, 42
"""Kinds beside those of `sites` and `treeprog`."""
READ_EVENT = "tcp/tcp_rcv_space_adjust"
END_EVENTS = {"sock/inet_sock_set_state": LEFT, "tcp/tcp_receive_reset": RESET}
"""Linux 4.16 has all of them."""
TCP_CLOSE_WAIT = 8  # net/tcp_states.h: the other side has closed
PORTS_BYTES = 1 << 16
"""A byte for each port: 1 if it is watched."""
_ENDS = Struct("=HH16s16s")


def program(kind: int, form: Format, ports: int, maps: Maps) -> bytes:
    """`ports`: a map of one element. The kernel's name of the socket is the first argument.

    Raises KeyError for an event without these fields.
    """
    code = Program()
    fields = form.fields
    code.set("movr", R6, R1)
    code.load(2, R7, R6, fields["sport"].offset)
    code.set("mov", R1, 0)
    look_up(code, ports, R1)
    code.set("addr", R0, R7)
    code.load(1, R1, R0)
    code.jump("out", "jeq", R1, 0)
    if kind == LEFT:
        code.load(4, R1, R6, fields["newstate"].offset)
        code.jump("out", "jne", R1, TCP_CLOSE_WAIT)
    stage(code, maps)
    code.set("mov", R1, kind)
    code.store(4, R8, KIND, R1)
    code.load(8, R1, R6, fields["skaddr"].offset)
    code.store(8, R8, ARGUMENTS, R1)
    to = HEAD.size
    for name in ("sport", "dport", "saddr_v6", "daddr_v6"):
        field = fields[name]
        for start in range(0, field.size_bytes, 2):  # the kernel allows aligned words only
            code.load(2, R1, R6, field.offset + start)
            code.store(2, R8, to, R1)
            to += 2
    code.set("mov", R9, _ENDS.size)
    emit(code, maps)
    return code.assembled()


def ends(data: bytes) -> tuple[str, str]:
    """The server's and the client's, as packets have them."""
    here_port, there_port, here, there = _ENDS.unpack(data)
    return endpoint(here, here_port), endpoint(there, there_port)
