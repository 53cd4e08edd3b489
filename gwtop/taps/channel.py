"""A channel: messages between two processes of ours over one socket, neither of which waits.

In: plain values (numbers, text, bytes, tuples and lists of them). Out: the same, in order, whole.
It refuses to know what they mean.

`marshal` writes them: it is the fastest that Python has, and both ends are the same interpreter,
one forked from the other. What the socket does not take is kept, and whoever puts more looks at
`pending_bytes` first: the other process may be slow, and must then slow us.
"""

import marshal
import socket
import struct
from typing import TypeAlias, cast

HEAD = struct.Struct("=I")  # bytes of the message that follows
READ_BYTES = 1 << 20
BUFFER_BYTES = 1 << 20  # asked for; net.core.wmem_max bounds it

Message: TypeAlias = tuple[object, ...]
"""Of what `marshal` can write."""


class Channel:
    """One end."""

    def __init__(self, one: socket.socket) -> None:
        one.setblocking(False)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        self._socket = one
        self._out = bytearray()
        self._in = bytearray()
        self.ended = False
        """The other end has gone."""

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def pending_bytes(self) -> int:
        """What the other process has not taken yet, beyond what the socket holds."""
        return len(self._out)

    def put(self, message: Message) -> None:
        data = marshal.dumps(message)  # type: ignore[arg-type]  # see `Message`
        self._out += HEAD.pack(len(data))
        self._out += data

    def flush(self) -> None:
        """As much as the socket takes."""
        while self._out and not self.ended:
            try:
                n_bytes = self._socket.send(self._out)
            except BlockingIOError:
                return
            except OSError:  # EPIPE, ECONNRESET
                self.ended = True
                return
            del self._out[:n_bytes]

    def get(self) -> list[Message]:
        """The whole messages of one read; nothing at the end."""
        try:
            data = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return []
        except OSError:  # ECONNRESET: it died with something of ours unread
            data = b""
        if not data:
            self.ended = True
        self._in += data
        return self._whole()

    def _whole(self) -> list[Message]:
        found: list[Message] = []
        start = 0
        while len(self._in) >= start + HEAD.size:
            (n_bytes,) = HEAD.unpack_from(self._in, start)
            end = start + HEAD.size + n_bytes
            if len(self._in) < end:
                break
            with memoryview(self._in) as view:
                # The other end is ours, too, and puts nothing else.
                found.append(cast("Message", marshal.loads(view[start + HEAD.size : end])))
            start = end
        if start:
            del self._in[:start]
        return found

    def close(self) -> None:
        self._socket.close()


def pair() -> tuple[socket.socket, socket.socket]:
    """Two ends that find each other's end."""
    return socket.socketpair()
