"""A connection to a gateway, and a request's body on its way there, in a thread of its own.

An application may answer before it has read. If one thread sent first and received later, such an
application's full socket would stop it, it would stop us, and nobody would move again.
"""

import contextlib
import itertools
import socket
import threading
from collections.abc import Callable, Iterator

from _body import BodyError


def connected(target: str) -> socket.socket:
    """`target`: "ADDR:PORT", or "unix:PATH"."""
    kind, _, place = target.partition(":")
    if kind != "unix":
        return socket.create_connection((kind, int(place)))
    link = socket.socket(socket.AF_UNIX)
    link.connect(place)
    return link


@contextlib.contextmanager
def sending(
    pieces: Iterator[bytes] | None, send: Callable[[bytes], object], give_up: Callable[[], object]
) -> Iterator[None]:
    """While the block runs, the pieces are sent, and b"" after the last. Calls `give_up` if the
    client leaves."""
    thread = threading.Thread(target=_send, args=(pieces, send, give_up), daemon=True)
    with contextlib.ExitStack() as at_the_end:
        if pieces is not None:
            thread.start()
            at_the_end.callback(thread.join)
        with contextlib.ExitStack() as unless_done:
            unless_done.callback(_quietly, give_up)
            yield  # raises when the client leaves in mid-answer
            unless_done.pop_all()


def _send(
    pieces: Iterator[bytes], send: Callable[[bytes], object], give_up: Callable[[], object]
) -> None:
    try:
        for piece in itertools.chain(pieces, [b""]):
            try:
                send(piece)
            except (BrokenPipeError, ConnectionResetError):
                # The application does not want the rest. The client is let finish all the same: a
                # close with unread bytes is a reset, which would take the answer from it.
                continue
    except (BodyError, OSError):
        _quietly(give_up)


def _quietly(give_up: Callable[[], object]) -> None:
    with contextlib.suppress(OSError):  # the gateway was first
        give_up()
