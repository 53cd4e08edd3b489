"""Anatomy: one process looked at closely: memory, threads, sockets, what it was started with.

In: a pid. Out: an `Anatomy`, in which a part that could not be read is None with the reason. It
refuses to know whose business the process is: the engine asks for those of the watched tree.
Linux only.

No tap of the stream: it is read because somebody wished for it, some 1 ms for a worker of a pool.
A pid may be another process's by the time the last part is read; so the instant of its birth is
read first and last, and what lies between counts only where the two are the same.
"""

import os
import re
import sys
from collections.abc import Collection
from typing import NamedTuple

from gwtop import clock
from gwtop.nouns.anatomy import Anatomy, Memory, Socket, Thread
from gwtop.nouns.plan import Plan
from gwtop.nouns.times import Nanos
from gwtop.taps import ends, privilege, proc
from gwtop.taps.sockets_held import SOCKET

MAX_DESCRIPTORS = 4096  # looked at, of one process: 8 ms
MAX_SOCKETS = 256  # told of one process; a front has thousands of connections
MAX_THREADS = 256
ZOMBIE = "Z"
HIDDEN = "we may not read it; "
ENDED = "it has ended, and its parent has not asked how yet"
NOT_LISTED = "the kernel lists no sockets here"
_BY_PROGRAM = re.compile(rb"python|php|perl|ruby|node|java")
_BY_LIBRARY = re.compile(
    rb"/(?:lib(python|php|perl|ruby|lua)[\d.]*|mod_wsgi[^/\s]*)\.so|/(?:lib)?(jvm)\.so"
)
KIB = 1024


class _Task(NamedTuple):
    name: bytes
    state: str
    cpu_ns: int


def look(pid: int, plan: Plan, at: Nanos) -> Anatomy:
    """Never raises for what a process does: one that goes meanwhile is not there.

    `plan`: what is watched, for the command that would show more.
    """
    before = proc.stat(pid) if sys.platform == "linux" else None
    if before is None:
        return Anatomy(at, pid, None)
    found = _parts(pid, at, before, HIDDEN + privilege.needed("census", plan))
    after = proc.stat(pid)
    if after is None or after.born_ticks != before.born_ticks:
        return Anatomy(at, pid, None)
    return found


def _parts(pid: int, at: Nanos, stat: proc.Stat, hidden: str) -> Anatomy:
    image = proc.image(pid)
    argv = image.argv or proc.argv(pid)
    status = _status(pid)
    sockets, n_fds = _sockets(pid)
    cwd = proc.link(f"/proc/{pid}/cwd")
    task = _task(f"/proc/{pid}/stat")
    threads = proc.threads(pid)
    why = ENDED if stat.state == ZOMBIE else hidden
    parts = {"argv": argv, "environ": image.environ, "sockets": n_fds, "cwd": cwd, "exe": image.exe}
    unread = [(name, why) for name, part in parts.items() if part is None]
    if sockets is None and n_fds is not None:
        unread.append(("sockets", NOT_LISTED))
    return Anatomy(
        at=at,
        pid=pid,
        state=stat.state,
        start_ticks=stat.born_ticks,
        born_at=proc.born_at(stat.born_ticks, clock.boot_offset_ns()),
        parent=stat.parent,
        uid=_number(status.get("Uid")),
        exe=image.exe,
        cwd=None if cwd is None else os.fsencode(cwd),
        language=_language(pid, image.exe),
        argv=argv,
        environ=image.environ,
        memory=_memory(status),
        cpu_ns=None if task is None else task.cpu_ns,
        n_fds=n_fds,
        sockets=sockets,
        threads=tuple(_threads(pid, sorted(threads)[:MAX_THREADS])) or None,
        n_threads=len(threads) or None,
        unread=tuple(unread),
    )


def _status(pid: int) -> dict[str, str]:
    """Fields of proc_pid_status(5)."""
    try:
        with open(f"/proc/{pid}/status", encoding="latin-1") as lines:
            parts = (line.partition(":") for line in lines)
            return {name: value.strip() for name, _, value in parts}
    except (*proc.GONE, *proc.HIDDEN):
        return {}


def _number(text: str | None) -> int | None:
    """The first of a line: of "Uid", the real one; of "VmRSS", KiB."""
    return int(text.split()[0]) if text else None


def _memory(status: dict[str, str]) -> Memory | None:
    """None: a zombie has none, nor has a kernel thread."""
    names = ("VmRSS", "VmHWM", "VmSwap", "VmSize")
    kib = [_number(status.get(name)) for name in names]
    if kib[0] is None:
        return None
    return Memory(*(None if n is None else n * KIB for n in kib))


def _task(path: str) -> _Task | None:
    """A stat file, of a process or a thread. None: gone."""
    try:
        with open(path, "rb") as file:
            text = file.read()
        name_end = text.rindex(b")")
    except (*proc.GONE, *proc.HIDDEN, ValueError):  # ValueError: it went, the file is empty
        return None
    rest = text[name_end + 2 :].split()
    ticks = int(rest[11]) + int(rest[12])  # utime and stime: fields 14 and 15
    name = text[text.index(b"(") + 1 : name_end]
    return _Task(name, rest[0].decode("ascii"), ticks * proc.tick_ns())


def _threads(pid: int, ids: Collection[int]) -> list[Thread]:
    tasks = ((number, _task(f"/proc/{pid}/task/{number}/stat")) for number in ids)
    return [Thread(number, *task) for number, task in tasks if task is not None]


def _sockets(pid: int) -> tuple[tuple[Socket, ...] | None, int | None]:
    """Its sockets, and how many descriptors it has. None: may not be looked at, or not be had."""
    try:
        numbers = sorted(map(int, os.listdir(f"/proc/{pid}/fd")))
    except (*proc.GONE, *proc.HIDDEN):
        return None, None
    numbers_read = numbers[:MAX_DESCRIPTORS]
    links = {n: link for n in numbers_read if (link := proc.link(f"/proc/{pid}/fd/{n}"))}
    if numbers and not links:  # listed, and no link of them may be read
        return None, None
    sockets = [(n, link) for n, link in links.items() if link.startswith(SOCKET)]
    held = {n: int(link.removeprefix(SOCKET).rstrip("]")) for n, link in sockets[:MAX_SOCKETS]}
    if not held:
        return (), len(numbers)
    try:
        known = ends.of(frozenset(held.values()))
    except OSError:
        return None, len(numbers)
    found = (Socket(fd, *known.get(inode, ends.UNLISTED)) for fd, inode in held.items())
    return tuple(found), len(numbers)


def _language(pid: int, exe: bytes | None) -> str | None:
    """By the program's name, else by the libraries that it maps."""
    program = _BY_PROGRAM.match((exe or b"").rpartition(b"/")[2])
    if program is not None:
        return program[0].decode("ascii")
    found = _BY_LIBRARY.search(proc.maps(pid) or b"")
    if found is None:
        return None
    word = found[1] or found[2]
    return "python" if word is None else {b"jvm": "java"}.get(word) or word.decode("ascii")
