"""The poller: which of many sockets is ready, on whatever this system has for that.

In: descriptors and what is wanted of them. Out: those that are ready. It refuses to know what they
are. Linux's epoll is used as it is: it also says which peers have hung up. Elsewhere `selectors`
finds the best there is (kqueue on macOS and BSD), which tells reading and writing and no more, so
whoever uses this may not need the rest.
"""

import select
import selectors
from typing import Protocol

READ, WRITE = 1, 4  # POLLIN, POLLOUT of poll(2), which are epoll's too
BROKEN, HUNG_UP = 8, 16  # POLLERR, POLLHUP


class Poller(Protocol):
    def fileno(self) -> int:
        """-1: nothing that another poller could wait on; ask again and again."""

    def register(self, fd: int, eventmask: int, /) -> None: ...

    def modify(self, fd: int, eventmask: int, /) -> None: ...

    def unregister(self, fd: int, /) -> None: ...

    def poll(self, timeout: float | None = None, maxevents: int = -1, /) -> list[tuple[int, int]]:
        """`timeout` in seconds; None: for ever."""

    def close(self) -> None: ...


class Selecting:
    """What `select.epoll` does, by `selectors`."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def fileno(self) -> int:
        asked = getattr(self._selector, "fileno", None)
        return -1 if asked is None else int(asked())

    def register(self, fd: int, eventmask: int, /) -> None:
        self._selector.register(fd, _events(eventmask))

    def modify(self, fd: int, eventmask: int, /) -> None:
        self._selector.modify(fd, _events(eventmask))

    def unregister(self, fd: int, /) -> None:
        self._selector.unregister(fd)

    def poll(self, timeout: float | None = None, maxevents: int = -1, /) -> list[tuple[int, int]]:
        found = self._selector.select(timeout)
        return [(key.fd, _mask(events)) for key, events in found]

    def close(self) -> None:
        self._selector.close()


def _events(mask: int) -> int:
    wanted = selectors.EVENT_READ if mask & READ else 0
    return wanted | (selectors.EVENT_WRITE if mask & WRITE else 0)


def _mask(events: int) -> int:
    ready = READ if events & selectors.EVENT_READ else 0
    return ready | (WRITE if events & selectors.EVENT_WRITE else 0)


def poller() -> Poller:
    made = getattr(select, "epoll", None)  # Linux only
    return Selecting() if made is None else made()
