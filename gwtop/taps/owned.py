"""Owned: what we know of descriptors, and the programs at calls cannot have seen.

In: what was open before, what was found to be a watched connection, forks and ends. Out: entries
of the maps that `ownprog` keeps. It refuses to know connections (`descriptors`).

None of it needs a right from Linux 6.5 on. Before that, what is said after our rights are given up
is not heard: then more is copied than need be, or the map fills up until everything is; and a
connection that its process came by without accept, fork or us stays a matter of lengths.
"""

from collections.abc import Iterable
from contextlib import suppress
from struct import Struct

from gwtop.taps import ebpf
from gwtop.taps.ownprog import HELD, INHERITS, KEPT

_U32, _U64 = Struct("<I"), Struct("<Q")
_THERE = _U64.pack(1)


class Owned:
    def __init__(self, tree: int, own: int) -> None:
        """Descriptors of maps."""
        self._tree = tree
        self._own = own
        self._numbers: dict[int, set[int]] = {}
        """By process: what may be in the map, to be taken out when it is gone."""

    def concern(self, pids: Iterable[int], flags: int = 0) -> None:
        """These have to do with a watched connection. (The program finds out at their next accept
        where the kernel does not let us say it.)"""
        for pid in pids:
            self._become(pid, flags, 0)

    def held(self, pids: Iterable[int]) -> None:
        """They hold one; each is put there besides."""
        self.concern(pids, HELD)

    def keep(self, pids: Iterable[int]) -> None:
        """All that these hold has been put there: what else there is is not theirs to show."""
        self.concern(pids, KEPT)

    def put(self, pid: int, fd: int) -> None:
        """It is a watched connection."""
        self.seen(pid, fd)
        with suppress(OSError):
            ebpf.update(self._own, _key(pid, fd), _THERE)

    def seen(self, pid: int, fd: int) -> None:
        """The program has put it there."""
        self._numbers.setdefault(pid, set()).add(fd)

    def born_without(self, pid: int) -> None:
        """Its parent held nothing that is watched when it was forked."""
        self._become(pid, KEPT, INHERITS)

    def ended(self, pid: int) -> None:
        for fd in self._numbers.pop(pid, ()):
            with suppress(OSError):
                ebpf.delete(self._own, _key(pid, fd))

    def _become(self, pid: int, more: int, less: int) -> None:
        """A program may say something meanwhile and be overwritten: it says so again at the
        process's next accept."""
        key = _U32.pack(pid)
        with suppress(OSError):
            value = ebpf.lookup(self._tree, key, _U32.size)
            flags = 0 if value is None else int.from_bytes(value, "little")
            if value is None or (flags | more) & ~less != flags:
                ebpf.update(self._tree, key, _U32.pack((flags | more) & ~less))


def _key(pid: int, fd: int) -> bytes:
    return _U64.pack(pid << 32 | fd)
