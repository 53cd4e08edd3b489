"""One relayed connection: bytes from one socket to the other, both ways, in order, none kept.

In: two connected sockets that do not block. Out: what was read, with its writer's pid where the
kernel tells it. It refuses to know what the bytes say, and who waits for its sockets.

At most one read is held each way, and while it is, nothing more is read from that side: a slow
reader slows its writer, as without us. Descriptors that came with bytes (SCM_RIGHTS) go on with
the same bytes; where they cannot be taken, the connection is broken, for bytes without them would
mean something else. A side that has sent its end has it passed on; a reset is passed on as a
reset; and between unix sockets, whose peers see each other close (EPOLLHUP), so is a close.

Everything is read into one buffer that all connections share: a new 256 KiB for each read costs
15 to 20 us of page faults (measured), four times a request.
"""

import array
import errno
import os
import socket
import struct
from typing import Literal, NamedTuple

from gwtop.nouns.wire import CLIENT, SERVER, Side

READ_BYTES = 256 * 1024
MAX_PASSED = 253  # SCM_MAX_FD, linux/socket.h
CREDENTIALS = struct.Struct("=iII")  # struct ucred
CONTROL_BYTES = socket.CMSG_SPACE(4 * MAX_PASSED) + socket.CMSG_SPACE(CREDENTIALS.size)
SCM_CREDENTIALS = getattr(socket, "SCM_CREDENTIALS", None)  # Linux
CLOEXEC = int(getattr(socket, "MSG_CMSG_CLOEXEC", 0))  # Linux, BSD
# Plain numbers: what an enum's member costs, a request would pay a dozen times.
AF_UNIX, SOL_SOCKET = int(socket.AF_UNIX), int(socket.SOL_SOCKET)
SCM_RIGHTS, MSG_CTRUNC = int(socket.SCM_RIGHTS), int(socket.MSG_CTRUNC)
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
        self.from_unix = source.family == AF_UNIX
        self.to_unix = target.family == AF_UNIX
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

    def __init__(
        self,
        conn: int,
        client: socket.socket,
        server: socket.socket,
        buffer: memoryview | None = None,
    ) -> None:
        """`buffer`: what is read goes through it."""
        self.conn = conn
        self.client, self.server = client, server
        self.there = Way(CLIENT, client, server)
        self.back = Way(SERVER, server, client)
        self.numbers = (client.fileno(), server.fileno())
        self.is_unix = self.there.from_unix and self.back.from_unix
        self._buffer = memoryview(bytearray(READ_BYTES)) if buffer is None else buffer
        self.connecting = False
        """The server has not taken it yet (TCP); nothing is read before."""
        self.is_held = False
        """Its client has to wait a moment before it is read."""
        self.closed = False
        self.cut: Side | None = None
        """Whose way was ended because nobody was left to read it."""
        self._was_reset = False
        """One of its peers has answered our bytes with a reset."""
        self.has_lost_descriptors = False
        """Some came that there was no room for, and so it was broken."""
        self._ahead = b""
        """What was passed on of the client's, and not told yet."""
        self.is_asked = False
        """The last bytes that came were the client's."""

    @property
    def is_awaited(self) -> bool:
        """Somebody waits: for the answer, or for bytes that are held here."""
        return self.is_asked or self.there.held is not None or self.back.held is not None

    def interest(self, one: socket.socket) -> tuple[bool, bool]:
        """Whether to wait for reading, and for writing, on one of its sockets."""
        if self.connecting:
            return False, one is self.server
        own, other = self._ways(one)
        return own.wants_read and not (self.is_held and own is self.there), other.held is not None

    def wants_hang_up(self, one: socket.socket) -> bool:
        """Whether it matters that its peer closes, although nothing is read from it any more."""
        own, _ = self._ways(one)
        return self.is_unix and own.ended and not self.connecting

    def _ways(self, one: socket.socket) -> tuple[Way, Way]:
        """The way that begins at this socket, and the one that ends there."""
        return (self.there, self.back) if one is self.client else (self.back, self.there)

    def readable(self, one: socket.socket, hung_up: bool = False) -> Read | None:
        """Takes what is there and hands it on. None: nothing that anybody would want to know.

        `hung_up`: its peer has closed, and reads no more either."""
        way, _ = self._ways(one)
        if self.connecting or way.ended or way.held is not None:
            return None
        ahead, self._ahead = (self._ahead, b"") if way is self.there else (b"", self._ahead)
        try:
            data, descriptors, pid = self._receive(way)
        except BlockingIOError:
            return Read(way.side, ahead, None) if ahead else None
        except OSError:  # ECONNRESET, ETIMEDOUT: it is over, and not by an orderly end
            self._was_reset = True
            return Read(way.side, ahead, None) if ahead else self._reset(way.side)
        if ahead and not data:  # its end can be read again
            return Read(way.side, ahead, None)
        if self.has_lost_descriptors:
            _close_all(descriptors)
            return self._reset(way.side)
        if not data:
            return self._ended(way, hung_up)
        if way.broken:  # its reader has gone; what nobody will read is not held against the writer
            _close_all(descriptors)
            return None
        self.is_asked = way is self.there
        self._write(way, data, descriptors)
        return Read(way.side, ahead + data, pid)

    def nudge(self) -> None:
        """Passes on the client's first byte alone; it is told with what comes next."""
        try:
            self._ahead = self.client.recv(1)
        except OSError:  # nothing there, or a reset, which whoever writes to it will notice
            return
        self._write(self.there, self._ahead, [])

    def writable(self, one: socket.socket) -> Read | None:
        """Goes on writing what waited; None as long as that is all."""
        if self.connecting:
            self.connecting = False
            failed = self.server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            return self._reset(SERVER) if failed else None
        _, way = self._ways(one)
        if way.held is not None:
            held, way.held = way.held, None
            passed, way.passed = way.passed, []
            self._write(way, held, passed)
        return self._over() if way.broken else None

    def hung_up(self, one: socket.socket) -> None:
        """Its peer, who had ended before, reads no more either."""
        own, _ = self._ways(one)
        if self.is_unix and own.ended and not self.closed:
            self._cut(own)

    def _cut(self, way: Way) -> None:
        """Its source has closed, and everything it had sent is passed on: the other one finds
        itself where it would without us. What it sends, nobody would read."""
        other = self.back if way is self.there else self.there
        self.cut = None if other.ended else other.side
        self.close()

    def _ended(self, way: Way, hung_up: bool) -> Read:
        way.ended = True
        if hung_up and self.is_unix:
            self._cut(way)
            return Read(way.side, b"", None)
        if self._was_reset:  # what it had sent before is passed on by now
            return self._reset(way.side)
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

    def _write(self, way: Way, data: bytes | memoryview, passed: list[int]) -> None:
        """As much as its reader takes. One that has gone may have answered first, so only this
        way is broken: the other goes on to its end."""
        try:
            if passed and way.to_unix:
                rights = (socket.SOL_SOCKET, SCM_RIGHTS, array.array("i", passed))
                n_bytes = way.target.sendmsg([data], [rights])
            else:
                n_bytes = way.target.send(data)
        except BlockingIOError:
            way.held, way.passed = memoryview(data), passed
            return
        except OSError as error:  # EPIPE, ECONNRESET
            _close_all(passed)
            way.broken = True
            self._was_reset = error.errno == errno.ECONNRESET
            if way.from_unix:  # its writer gets the EPIPE
                _shut(way.source, socket.SHUT_RD)
                way.ended = True
            return
        _close_all(passed)
        if n_bytes < len(data):
            way.held = memoryview(data)[n_bytes:]

    def _reset(self, side: Side) -> Read:
        for one in (self.client, self.server):
            if one.family != AF_UNIX:
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

    def _receive(self, way: Way) -> tuple[bytes, list[int], int | None]:
        buffer = self._buffer
        if not way.from_unix:
            return bytes(buffer[: way.source.recv_into(buffer)]), [], None
        n_bytes, controls, flags, _ = way.source.recvmsg_into([buffer], CONTROL_BYTES, CLOEXEC)
        descriptors: list[int] = []
        pid: int | None = None
        for level, kind, control in controls:
            if level != SOL_SOCKET:
                continue
            if kind == SCM_CREDENTIALS:
                pid = CREDENTIALS.unpack(control)[0] or None  # 0: of a pid namespace we do not see
            elif kind == SCM_RIGHTS:
                numbers = array.array("i")
                numbers.frombytes(control[: len(control) // 4 * 4])
                descriptors += numbers
        if flags & MSG_CTRUNC:  # no room in our table for those that came
            self.has_lost_descriptors = True
        return bytes(buffer[:n_bytes]), descriptors, pid


def _shut(one: socket.socket, how: int) -> None:
    try:
        one.shutdown(how)
    except OSError:  # ENOTCONN: it has gone already
        return


def _close_all(descriptors: list[int]) -> None:
    while descriptors:
        os.close(descriptors.pop())
