"""Swap: a socket of ours in the place of a live one, and the way back.

In: the path of a unix listener. Out: a listening socket that clients find there from now on, the
name under which the live one waits, and `restore`. It refuses to know what passes through.

Binding at the path itself would leave a gap between the old name's end and the new one's `listen`
(2,255 of 126,028 connects failed), so ours is bound beside it, listens, and then both names are
exchanged in one system call (renameat2(2), RENAME_EXCHANGE): no connect fails, neither now nor on
the way back. Who may connect is the live socket's mode and owner, so ours gets both first.

Both identities stand in memory that the janitor shares: after a SIGKILL of this process it does
the same `restore`. A server that bound the path anew meanwhile has put a third socket there; that
one is never touched.
"""

import ctypes
import errno
import mmap
import os
import socket
import stat
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gwtop.errors import GwtopError
from gwtop.taps import upstream

RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2  # linux/fs.h
AT_FDCWD = -100  # linux/fcntl.h
SOCK_STREAM_TYPE, SOCK_DGRAM_TYPE = 1, 2  # `Type` in /proc/net/unix
MAX_NAME_BYTES = 107  # sockaddr_un, with the byte that ends it
OTHERS_MAY_CONNECT = 0o002  # connect(2) needs write permission on the socket's file
MEMORY = struct.Struct("=QQQQQ")
"""Device and inode of ours, then of the live one; connections in the relay."""

Ident = tuple[int, int]
"""Device and inode of a file."""


@dataclass(frozen=True, slots=True)
class Names:
    path: str
    """Where clients look."""
    aside: str
    """Where the live socket waits meanwhile."""


class Shared:
    """What the janitor must know of a swap, in memory that a fork shares."""

    def __init__(self, descriptor: int = -1) -> None:
        """`descriptor`: of memory with a name (`shared_memory`); -1: nobody else looks."""
        self._memory = mmap.mmap(descriptor, MEMORY.size)

    def write(self, ours: Ident, theirs: Ident, n_connections: int = 0) -> None:
        MEMORY.pack_into(self._memory, 0, *ours, *theirs, n_connections)

    def count(self, n_connections: int) -> None:
        struct.pack_into("=Q", self._memory, MEMORY.size - 8, n_connections)

    def read(self) -> tuple[Ident, Ident, int]:
        a, b, c, d, n_connections = MEMORY.unpack_from(self._memory)
        return (a, b), (c, d), n_connections


def shared_memory() -> int:
    """A descriptor of memory that several may map."""
    descriptor = os.memfd_create("gwtop-relay")
    os.ftruncate(descriptor, MEMORY.size)
    return descriptor


def names(path: str, pid: int) -> Names:
    """Where the live socket of this path waits while the process `pid` relays."""
    path = path if path.startswith("@") else os.path.realpath(path)
    folder, base = os.path.split(path)
    return Names(path, os.path.join(folder, f".{base}.gwtop-{pid}"))


def ident(path: str) -> Ident | None:
    """None: there is nothing of that name."""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def take(chosen: Names, shared: Shared) -> socket.socket:
    """A listening socket that has the path's name now. Raises GwtopError."""
    live = _live(chosen.path)
    theirs = live.st_dev, live.st_ino
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    is_taken = False
    try:
        _bind(listener, chosen)
        _refuse_a_second(chosen)
        ours = ident(chosen.aside)
        assert ours is not None
        _dress(chosen, live)
        listener.listen(upstream.BACKLOG)
        shared.write(ours, theirs)
        _exchange_in(chosen, theirs)
        is_taken = True
    finally:
        if not is_taken:
            listener.close()
            restore(chosen, shared)
    return listener


def pinned(chosen: Names) -> int:
    """A descriptor of the live socket's file, which has been taken aside."""
    return os.open(chosen.aside, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)


def restore(chosen: Names, shared: Shared) -> bool:
    """Gives the name back, whatever has become of it meanwhile; True: nothing of ours is left.

    May be called at any moment of `take`, twice, and by another process after our death.
    """
    ours, theirs, _ = shared.read()
    at_path, aside = ident(chosen.path), ident(chosen.aside)
    try:
        if aside is None:
            if at_path == ours:  # the live one is gone: so must ours be
                os.unlink(chosen.path)
        elif ours == (0, 0):
            os.unlink(chosen.aside)  # bound, and nothing more
        elif aside == ours:
            os.unlink(chosen.aside)  # not exchanged yet, or exchanged back already
        elif aside == theirs and at_path == ours:
            rename(chosen.aside, chosen.path, RENAME_EXCHANGE)
            if ident(chosen.aside) != ours:  # bound anew in that very moment: theirs it stays
                rename(chosen.aside, chosen.path, RENAME_EXCHANGE)
                return False
            os.unlink(chosen.aside)
        elif aside == theirs:
            _put_back(chosen, at_path)
    except FileNotFoundError:  # somebody else cleaned it up in between; look again
        return False
    return True


def restore_after_death(chosen: Names, shared: Shared, descriptor: int) -> bool:
    """What the janitor does; says on `descriptor` what that cost. True: nothing of ours is left."""
    ours, _, n_connections = shared.read()
    was_ours = ours != (0, 0) and ident(chosen.path) == ours
    if not restore(chosen, shared):
        return False
    if was_ours:
        text = f"gwtop: killed; {chosen.path} is the server's again"
        text += f"; {n_connections} connections in the relay were broken\n"
        try:
            os.write(descriptor, text.encode("utf-8", "backslashreplace"))
        except OSError:  # nobody reads it any more
            return True
    return True


def leftovers(path: str) -> list[tuple[Names, Ident, Ident]]:
    """Swaps of relays that died with their janitor: names, ours and theirs as they stand now."""
    found: list[tuple[Names, Ident, Ident]] = []
    for left, is_alive in _beside(path):
        aside, at_path = ident(left.aside), ident(left.path)
        if aside is None:
            continue
        if is_listening(left.aside):
            if at_path is not None and not is_listening(left.path):  # its pid may be another's now
                found.append((left, at_path, aside))
        elif not is_alive:
            found.append((left, aside, at_path or (0, 0)))
    return found


def _beside(path: str) -> list[tuple[Names, bool]]:
    """Names that relays of this path have made, and whether a process of that pid is alive."""
    path = os.path.realpath(path)
    folder, base = os.path.split(path)
    prefix = f".{base}.gwtop-"
    try:
        beside = sorted(os.listdir(folder or "."))
    except OSError:  # no such folder, or not to be listed: `take` says what that means
        return []
    pids = [(name, name.removeprefix(prefix)) for name in beside if name.startswith(prefix)]
    return [
        (Names(path, os.path.join(folder, name)), os.path.exists(f"/proc/{pid}"))
        for name, pid in pids
        if pid.isdigit()
    ]


def _refuse_a_second(chosen: Names) -> None:
    """Two in a row could not be given back in any order; the live socket's name would be lost."""
    for other, is_alive in _beside(chosen.path):
        if other.aside == chosen.aside or not is_alive:
            continue
        if is_listening(other.aside) and is_listening(chosen.path):
            pid = other.aside.rpartition("-")[2]
            raise GwtopError(
                f"another gwtop (pid {pid}) relays {chosen.path} already", "stop that one first"
            )


def recover(path: str) -> bool:
    """Undoes what a relay left that was killed with its janitor. True: there was something."""
    found = leftovers(path)
    for left, ours, theirs in found:
        shared = Shared()
        shared.write(ours, theirs)
        restore(left, shared)
    return bool(found)


def is_listening(path: str) -> bool:
    """Whether a stream connection to it would be taken. It is one, for a moment."""
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as one,
        short(path) as name,
    ):
        try:
            one.connect(name)
        except BlockingIOError:  # its backlog is full
            return True
        except OSError:
            return False
    return True


@contextmanager
def short(path: str) -> Iterator[str]:
    """The path as bind and connect take it: a longer one is reached through its folder."""
    if len(os.fsencode(path)) <= MAX_NAME_BYTES:
        yield path
        return
    folder, base = os.path.split(path)
    try:
        opened = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:  # it says so again when it is used
        yield path
        return
    try:
        yield f"/proc/self/fd/{opened}/{base}"
    finally:
        os.close(opened)


def rename(old: str, new: str, flags: int) -> None:
    """renameat2(2). Raises OSError, with ENOSYS where there is none."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)  # glibc 2.28, musl 1.2.4
    if sys.platform != "linux" or call is None:
        raise OSError(errno.ENOSYS, "no renameat2 here")
    if call(AT_FDCWD, os.fsencode(old), AT_FDCWD, os.fsencode(new), flags) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), old)


def _put_back(chosen: Names, at_path: Ident | None) -> None:
    """Our name is gone: the server ended and cleaned up, or another socket has the path."""
    if at_path is None and is_listening(chosen.aside):
        rename(chosen.aside, chosen.path, RENAME_NOREPLACE)
    else:
        os.unlink(chosen.aside)


def _live(path: str) -> os.stat_result:
    if path.startswith("@") or "\0" in path:
        raise GwtopError(
            "an abstract socket has no name in the file system that could be exchanged",
            "as root, `gwtop attach --socket` sees it without a relay",
        )
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise GwtopError(f"there is no socket at {path}", "start the server first") from None
    except PermissionError:
        raise GwtopError(f"{path} may not be looked at", "run as its owner, or as root") from None
    if not stat.S_ISSOCK(found.st_mode):
        raise GwtopError(f"{path} is no socket", "name the one that the server listens on")
    if not os.path.isdir("/proc/self/fd"):
        raise GwtopError("a relay beside a unix socket needs /proc", "mount -t proc proc /proc")
    its = kind(path)
    if its not in (None, SOCK_STREAM_TYPE):
        raise GwtopError(
            f"{path} is no stream socket (SOCK_STREAM); datagrams and packets cannot be relayed"
        )
    if its is None and not is_listening(path):
        raise GwtopError(f"nobody listens at {path}", "start the server first")
    return found


def kind(path: str) -> int | None:
    """The type of the socket that listens there, as proc_net_unix(5) tells it; None: unknown."""
    try:
        with open("/proc/net/unix", encoding="utf-8", errors="surrogateescape") as text:
            lines = text.read().splitlines()[1:]
    except OSError:  # no Linux, or no /proc
        return None
    for line in lines:
        column = line.split(maxsplit=7)
        if len(column) == 8 and column[7] == path and int(column[3], 16) & 0x10000:
            return int(column[4], 16)
    kinds = {
        int(column[4], 16)
        for column in (line.split(maxsplit=7) for line in lines)
        if len(column) == 8 and column[7] == path
    }
    return kinds.pop() if len(kinds) == 1 and SOCK_STREAM_TYPE not in kinds else None


def _bind(listener: socket.socket, chosen: Names) -> None:
    before = os.umask(0o177)  # nobody connects before the mode is right
    try:
        with short(chosen.aside) as name:
            listener.bind(name)
    except PermissionError:
        folder = os.path.dirname(chosen.path)
        raise GwtopError(
            f"no socket may be made in {folder}", "run as the owner of that folder, or as root"
        ) from None
    except OSError as error:
        raise GwtopError(f"no socket can be made beside {chosen.path}: {error}") from None
    finally:
        os.umask(before)


def _dress(chosen: Names, live: os.stat_result) -> None:
    """The live socket's owner and mode; refuses where that would lock clients out."""
    mode = stat.S_IMODE(live.st_mode)
    ours = os.lstat(chosen.aside)
    if (ours.st_uid, ours.st_gid) != (live.st_uid, live.st_gid):
        try:
            os.chown(chosen.aside, live.st_uid, live.st_gid)
        except PermissionError:
            if not mode & OTHERS_MAY_CONNECT:
                raise GwtopError(
                    f"{chosen.path} is another user's or group's, and its clients could not "
                    "connect to a socket of ours",
                    "run as its owner, or as root",
                ) from None
    os.chmod(chosen.aside, mode)


def _exchange_in(chosen: Names, theirs: Ident) -> None:
    try:
        rename(chosen.aside, chosen.path, RENAME_EXCHANGE)
    except PermissionError:
        raise GwtopError(
            f"{chosen.path} may not be renamed", "run as its owner, or as root"
        ) from None
    except OSError as error:
        raise GwtopError(
            f"this system cannot exchange two names ({error.strerror})",
            "it needs Linux 3.15 and a file system that can",
        ) from None
    if ident(chosen.aside) != theirs:
        rename(chosen.aside, chosen.path, RENAME_EXCHANGE)
        raise GwtopError(f"{chosen.path} was bound anew just now", "try again")
