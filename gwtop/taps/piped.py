"""One relayed connection: bytes from one socket to the other, both ways, in order, none kept.

In: two connected sockets that do not block. Out: what was read, with its writer's pid where the
kernel tells it. It refuses to know what the bytes say, and who waits for its sockets.

At most one read is held each way, and while it is, nothing more is read from that side: a slow
reader slows its writer, as without us. Descriptors that came with bytes (SCM_RIGHTS) go on with
the same bytes. A side that has sent its end has it passed on; a reset is passed on as a reset.
"""

import array
import os
import socket
import struct
from typing import Literal, NamedTuple

from gwtop.nouns.wire import CLIENT, SERVER, Side

READ_BYTES = 256 * 1024
MAX_PASSED = 253  # SCM_MAX_FD, linux/socket.h
CREDENTIALS = struct.Struct("=iII")  # struct ucred
CONTROL_BYTES = socket.CMSG_SPACE(4 * MAX_PASSED) + socket.CMSG_SPACE(CREDENTIALS.size)
RESET = struct.pack("=ii", 1, 0)  # struct linger: close sends RST

How = Literal["fin", "rst"]


class Read(NamedTuple):
    """What came out of one side: bytes, or its end."""

    side: Side
    data: bytes
    """b"": it ended."""
    pid: int | None
    """Who wrote them, where the kernel said."""
    how: How = "fin"
    """When it ended: in which way."""


class Way:
    """One direction."""

    __slots__ = (
        "broken",
        "ended",
        "from_unix",
        "held",
        "passed",
        "side",
        "source",
        "target",
        "to_unix",
    )

    def __init__(self, side: Side, source: socket.socket, target: socket.socket) -> None:
        self.side = side
        self.source, self.target = source, target
        # Asked four times a request, and an enum is made each time.
        self.from_unix = source.family == socket.AF_UNIX
        self.to_unix = target.family == socket.AF_UNIX
        self.held: memoryview | None = None
        """Read and not written yet."""
        self.passed: list[int] = []
        """Descriptors that go with the next byte."""
        self.ended = False
        """Its source has sent its last byte."""
        self.broken = False
        """Its target takes no more."""

    @property
    def wants_read(self) -> bool:
        return not self.ended and self.held is None


class Piped:
    """A connection in the relay."""

    def __init__(self, conn: int, client: socket.socket, server: socket.socket) -> None:
        self.conn = conn
        self.client, self.server = client, server
        self.there = Way(CLIENT, client, server)
        self.back = Way(SERVER, server, client)
        self.numbers = (client.fileno(), server.fileno())
        self.connecting = False
        """The server has not taken it yet (TCP); nothing is read before."""
        self.closed = False
        self._is_asked = False
        """The last bytes that came were the client's."""
        self.n_holder_asked = 0
        """How often its worker was looked for; a connection stays with its worker."""
        self.holder: int | None = None

    @property
    def is_awaited(self) -> bool:
        """Somebody waits: for the answer, or for bytes that are held here."""
        return self._is_asked or self.there.held is not None or self.back.held is not None

    def interest(self, one: socket.socket) -> tuple[bool, bool]:
        """Whether to wait for reading, and for writing, on one of its sockets."""
        if self.connecting:
            return False, one is self.server
        own, other = self._ways(one)
        return own.wants_read, other.held is not None

    def _ways(self, one: socket.socket) -> tuple[Way, Way]:
        """The way that begins at this socket, and the one that ends there."""
        return (self.there, self.back) if one is self.client else (self.back, self.there)

    def readable(self, one: socket.socket) -> Read | None:
        """Takes what is there and hands it on. None: nothing that anybody would want to know."""
        way, _ = self._ways(one)
        if self.connecting or not way.wants_read:
            return None
        try:
            data, descriptors, pid = _receive(way)
        except BlockingIOError:
            return None
        except OSError:  # ECONNRESET, ETIMEDOUT: it is over, and not by an orderly end
            return self._reset(way.side)
        if not data:
            return self._ended(way)
        if way.broken:  # its reader has gone; what nobody will read is not held against the writer
            _close_all(descriptors)
            return None
        way.held, way.passed = memoryview(data), descriptors
        self._is_asked = way is self.there
        self._write(way)
        return Read(way.side, data, pid)

    def writable(self, one: socket.socket) -> Read | None:
        """Goes on writing what waited; None as long as that is all."""
        if self.connecting:
            self.connecting = False
            failed = self.server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            return self._reset(SERVER) if failed else None
        _, way = self._ways(one)
        if way.held is not None:
            self._write(way)
        return self._over() if way.broken else None

    def _ended(self, way: Way) -> Read:
        way.ended = True
        _shut(way.target, socket.SHUT_WR)
        if self.there.ended and self.back.ended:
            broken = self.there.broken or self.back.broken
            if broken:
                return self._reset(way.side)
            self.close()
        return Read(way.side, b"", None)

    def _over(self) -> Read | None:
        """A way whose reader has gone, when the other way has ended too: nothing is left to do."""
        other = self.back if self.there.broken else self.there
        return self._reset(other.side) if other.ended and not self.closed else None

    def _write(self, way: Way) -> None:
        """As much as its reader takes. One that has gone may have answered first, so only this
        way is broken: the other goes on to its end."""
        assert way.held is not None
        try:
            n_bytes = _send(way, way.held)
        except BlockingIOError:
            return
        except OSError:  # EPIPE, ECONNRESET
            _close_all(way.passed)
            way.held, way.broken = None, True
            if way.from_unix:  # its writer gets the EPIPE
                _shut(way.source, socket.SHUT_RD)
                way.ended = True
            return
        _close_all(way.passed)
        rest = way.held[n_bytes:]
        way.held = rest if len(rest) else None

    def _reset(self, side: Side) -> Read:
        for one in (self.client, self.server):
            if one.family != socket.AF_UNIX:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.close()
        return Read(side, b"", None, "rst")

    def close(self) -> None:
        """May be called twice."""
        self.closed = True
        for way in (self.there, self.back):
            _close_all(way.passed)
            way.held = None
        self.client.close()
        self.server.close()


def _receive(way: Way) -> tuple[bytes, list[int], int | None]:
    if not way.from_unix:
        return way.source.recv(READ_BYTES), [], None
    data, controls, _, _ = way.source.recvmsg(READ_BYTES, CONTROL_BYTES, socket.MSG_CMSG_CLOEXEC)
    descriptors: list[int] = []
    pid: int | None = None
    for level, kind, control in controls:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            numbers = array.array("i")
            numbers.frombytes(control[: len(control) // 4 * 4])
            descriptors += numbers
        elif level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            pid = CREDENTIALS.unpack(control)[0] or None  # 0: of a pid namespace we do not see
    return data, descriptors, pid


def _send(way: Way, data: memoryview) -> int:
    if not way.passed or not way.to_unix:
        return way.target.send(data)
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", way.passed))
    return way.target.sendmsg([data], [rights])


def _shut(one: socket.socket, how: int) -> None:
    try:
        one.shutdown(how)
    except OSError:  # ENOTCONN: it has gone already
        return


def _close_all(descriptors: list[int]) -> None:
    while descriptors:
        os.close(descriptors.pop())
