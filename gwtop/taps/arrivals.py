"""Arrivals: since when the bytes were there that a worker reads from a socket.

In: descriptors of maps. Out: programs at two places of the kernel's own, and what the program at a
read (`copyprog`) asks them. It refuses to know whose a socket is, and keeps nothing but instants.

A worker's calls tell when it read a request, not how long that had waited: in the queue of a
listener, or for a worker who was busy with another one on the same connection. So two programs
look where the kernel puts bytes into a socket (sock:sk_data_ready; of a unix socket that is in the
sender's thread) and where somebody takes them out (sock:sock_recv_length; both Linux 6.3). The
socket that bytes arrive at is the one that will be accepted, also while it still waits for that.
For each there is one entry: when the first byte came that nobody has taken. Who takes it, if it is
a watched process, finds it under its own thread when its call comes back, a microsecond later.

They run for every socket of the machine, for nobody knows in advance which one a worker is going to
accept: as raw tracepoints, which cost least. Where a unix socket is watched all unix sockets have
entries, of TCP only those at watched ports. Between two processes nobody watches, there and back
takes 0.7 us more than 10 over a unix socket, 0.5 more than 15 over TCP on loopback (Linux 6.18,
tests/bench/arrivals.py).

Three things may make an entry false, and each is met:
- The kernel says that bytes are there after it has put them there, and a reader who does not sleep
  may have been quicker. An arrival that is told within `LATE_NS` of a read is taken for what that
  read has taken already.
- A socket's place in memory is used again, after one that was closed with bytes unread (a body that
  an application did not want). A sender who has connected somewhere since then is taken to begin
  anew. (A request whose pieces wait unread while its sender connects elsewhere may so be told to
  have waited less than it did: fronts send what they have at once.)
- Bytes that were there before the programs have no entry: then nothing is told.

Where the arguments of these places or the head of struct sock_common (include/net/sock.h) are other
than here, `are_told` finds nothing, and no arrival is told at all.
"""

import os
import socket
import threading
from struct import Struct

from gwtop.taps import ebpf
from gwtop.taps.ebpf import FP, R0, R1, R2, R3, R6, R7, R8, R9, Program

READY, RECEIVED = b"sk_data_ready", b"sock_recv_length"  # include/trace/events/sock.h
EVENT = "sock/sk_data_ready"  # where tracefs has the first
SK, RET, FLAGS = 0, 8, 16  # of their arguments
PORTS, PORT, FAMILY, STATE = 12, 14, 16, 18
"""In struct sock_common, behind addresses and a hash: both ports, ours, and what they are named."""
AF_UNIX, AF_INET, AF_INET6, MSG_PEEK = 1, 2, 10, 2  # linux/socket.h
ESTABLISHED, LISTEN = 1, 10  # net/tcp_states.h
"""Listeners are told of connections, and what has been left of its end, as of bytes."""
LATE_NS = 2000  # between queueing and saying so are 50 to 200 ns
ENTRY = Struct("<QQQQ")
"""First byte that nobody has taken (0: all are taken), newest, last read, process of the sender
(TCP: both ports)."""
_FIRST, _NEWEST, _READ, _SENDER = 0, 8, 16, 24
_FRESH = -48  # an entry on the stack
N_SOCKETS = 16384  # with unread bytes at the same time
N_SENDERS = 4096
_KEY = Struct("<II")
_U32 = Struct("<I")


def take(code: Program) -> None:
    """R1 the map of what threads have taken, R2 a thread. R1 becomes the time, 0 for none."""
    code.call(ebpf.MAP_LOOKUP)
    code.set("mov", R1, 0)
    code.jump("nothing_taken", "jeq", R0, 0)
    code.load(8, R1, R0)
    code.set("mov", R2, 0)
    code.store(8, R0, 0, R2)
    code.label("nothing_taken")


def at_ready(sockets: int, connected: int | None, ports: int | None) -> bytes:
    """`connected`: a map of senders; None: unix sockets are left alone. `ports`: a map with a byte
    for each, not 0 where it is watched. R9 the sender, R8 now."""
    code = Program()
    code.load(8, R6, R1, SK)
    _whose(code, connected, ports)
    if connected is not None:
        code.jump("unix", "jeq", R1, AF_UNIX)
    if ports is not None:
        _only_ports(code, ports)
        code.load(4, R9, FP, -16)
    code.jump("out" if ports is None else "watched")
    if connected is not None:
        code.label("unix")
        code.call(ebpf.PID_TGID)
        code.set("rsh", R0, 32)
        code.set("movr", R9, R0)
    code.label("watched")
    _entry(code, sockets)
    code.call(ebpf.KTIME)
    code.set("movr", R8, R0)
    code.jump("fresh", "jeq", R7, 0)
    _unless_it_goes_on(code, connected)
    code.store(8, R7, _FIRST, R8)
    code.store(8, R7, _NEWEST, R8)
    code.store(8, R7, _SENDER, R9)
    code.jump("out")
    code.label("fresh")
    code.set("mov", R1, 0)
    for place, value in ((_FIRST, R8), (_NEWEST, R8), (_READ, R1), (_SENDER, R9)):
        code.store(8, FP, _FRESH + place, value)
    code.put(sockets, -8, _FRESH)
    code.label("out")
    code.exit()
    return code.assembled()


def _unless_it_goes_on(code: Program, connected: int | None) -> None:
    code.load(8, R1, R7, _FIRST)
    code.jump("all_taken", "jeq", R1, 0)
    code.load(8, R1, R7, _SENDER)
    code.jump("all_taken", "jner", R1, R9)
    if connected is not None:
        code.store(4, FP, -16, R9)
        code.look_up(connected, -16)
        code.jump("goes_on", "jeq", R0, 0)
        code.load(8, R2, R0)
        code.load(8, R1, R7, _NEWEST)
        code.jump("all_taken", "jgtr", R2, R1)
        code.label("goes_on")
    code.store(8, R7, _NEWEST, R8)
    code.jump("out")
    code.label("all_taken")
    code.load(8, R1, R7, _READ)
    code.set("add", R1, LATE_NS)
    code.jump("out", "jler", R8, R1)


def at_received(sockets: int, tree: int, taken: int) -> bytes:
    """Who has no entry is not watched, so nobody is asked for his family."""
    code = Program()
    code.load(8, R2, R1, FLAGS)
    code.jump("out", "jset", R2, MSG_PEEK)
    code.load(8, R2, R1, RET)
    code.set("lsh", R2, 32)  # an int; below 1: nothing was taken
    code.jump("out", "jslt", R2, 1)
    code.load(8, R6, R1, SK)
    _entry(code, sockets)
    code.jump("out", "jeq", R7, 0)
    code.load(8, R8, R7, _FIRST)
    code.set("mov", R1, 0)
    code.store(8, R7, _FIRST, R1)
    code.call(ebpf.PID_TGID)
    code.set("movr", R9, R0)
    code.set("rsh", R0, 32)
    code.store(4, FP, -8, R0)
    code.look_up(tree, -8)
    code.jump("out", "jeq", R0, 0)
    code.call(ebpf.KTIME)
    code.store(8, R7, _READ, R0)
    code.store(8, FP, -16, R9)
    code.store(8, FP, -24, R8)
    code.put(taken, -16, -24)
    code.label("out")
    code.exit()
    return code.assembled()


def _whose(code: Program, connected: int | None, ports: int | None) -> None:
    """R6 the socket; R1 its family; the end where it is not connected. R8 its port."""
    code.set("movr", R1, FP)
    code.set("add", R1, -16)
    code.set("mov", R2, STATE + 1 - PORTS)
    code.set("movr", R3, R6)
    code.set("add", R3, PORTS)
    code.call(ebpf.PROBE_READ_KERNEL)
    code.load(1, R2, FP, -16 + STATE - PORTS)
    code.load(2, R1, FP, -16 + FAMILY - PORTS)
    code.jump("connected", "jeq", R2, ESTABLISHED)
    if connected is not None:
        code.jump("out", "jne", R2, LISTEN)
        code.jump("out", "jne", R1, AF_UNIX)
        _connects(code, connected)
    code.jump("out")
    code.label("connected")
    if ports is not None:
        code.load(2, R8, FP, -16 + PORT - PORTS)


def _connects(code: Program, connected: int) -> None:
    code.call(ebpf.PID_TGID)
    code.set("rsh", R0, 32)
    code.store(4, FP, -8, R0)
    code.call(ebpf.KTIME)
    code.store(8, FP, -24, R0)
    code.put(connected, -8, -24)


def _only_ports(code: Program, ports: int) -> None:
    code.jump("tcp", "jeq", R1, AF_INET)
    code.jump("out", "jne", R1, AF_INET6)
    code.label("tcp")
    code.set("mov", R1, 0)
    code.store(4, FP, -8, R1)
    code.look_up(ports, -8)
    code.jump("out", "jeq", R0, 0)
    code.set("addr", R0, R8)
    code.load(1, R1, R0)
    code.jump("out", "jeq", R1, 0)


def _entry(code: Program, sockets: int) -> None:
    """R6 the socket; R7 its entry or 0."""
    code.store(8, FP, -8, R6)
    code.look_up(sockets, -8)
    code.set("movr", R7, R0)


def are_told(tree: int, taken: int) -> bool:
    """Whether they are, of a byte of our own in a unix socket. Raises OSError."""
    ours, key = _U32.pack(os.getpid()), _KEY.pack(threading.get_native_id(), os.getpid())
    here, there = socket.socketpair()
    ebpf.update(tree, ours, _U32.pack(1))
    try:
        here.send(b"?")
        there.recv(1)
        told = ebpf.lookup(taken, key, 8)
        if told is not None:
            ebpf.delete(taken, key)
        return bool(told and any(told))
    finally:
        ebpf.delete(tree, ours)
        here.close()
        there.close()
