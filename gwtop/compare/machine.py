"""What /proc says of a demo's tree: CPU, memory, who carries an interpreter. Linux.

In: pids. Out: numbers and cells. Who has gone, or is another user's, is an answer.
"""

import os
import re
from pathlib import Path
from typing import NamedTuple

from gwtop.nouns.comparison import Cell
from gwtop.nouns.times import SECOND_NS
from gwtop.taps import proc

KB_PER_MB = 1000.0 / 1.024  # /proc counts in 1,024 bytes, MB is 1,000,000
INTERPRETER = re.compile(
    rb"/(?:lib)?(?:python|perl|php)[\w.-]*$|/mod_(?:python|perl|wsgi)[\w.-]*$|/libjvm\.so$", re.M
)
"""The program, or the library that a server has taken in."""
LIBRARY = re.compile(rb"/(lib(?:python|perl|php|jvm)[^/\n]*\.so[^/\n]*)$", re.M)
MODULE = re.compile(
    rb"/(mod_(?:python|perl|wsgi)[^/\n]*|[^/\n]*_plugin\.so|pyuwsgi[^/\n]*\.so)$", re.M
)
"""What brought it along. PHP's library is Apache's module itself."""
UNKNOWN = "which process answers is not known here; run it as root"
HIDDEN = "the memory maps of another user's process may not be read; run it as root"


class Cpu(NamedTuple):
    all_ns: int
    """Of every living process of the tree and of the children that each has collected."""
    reaped_ns: int
    """Of those children alone."""


def tree(root: int) -> list[int]:
    """The root and everything below it that lives now."""
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += proc.children(pid)
    return found


def cpu(root: int) -> Cpu:
    every, reaped = 0, 0
    for pid in tree(root):
        try:
            text = Path(f"/proc/{pid}/stat").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended: its parent has its time now or soon
        # utime stime cutime cstime are fields 14 to 17 of proc_pid_stat(5); 3 follows the name.
        ticks = [int(field) for field in text.rpartition(b")")[2].split()[11:15]]
        every += sum(ticks)
        reaped += sum(ticks[2:])
    tick_ns = SECOND_NS // os.sysconf("SC_CLK_TCK")
    return Cpu(every * tick_ns, reaped * tick_ns)


def cells(root: int, idle: list[int], answering: list[int]) -> dict[str, Cell]:
    """`idle`: processes that were there before and after a moment without work. `answering`: those
    that are at work on a request now, or answered some and live. The root itself is no server."""
    servers = [pid for pid in idle if pid != root]
    return {
        "memory_mb": _memory(servers),
        "worker_mb": _worker(answering),
        "idle_interpreters": _interpreters(set(servers) - set(proc.children(root))),
        "interpreter": _interpreter(answering),
    }


def _memory(servers: list[int]) -> Cell:
    shares = [number(_text(pid, "smaps_rollup"), "Pss") for pid in servers]
    if not shares or None in shares:
        return Cell(None, HIDDEN)
    return Cell(sum(filter(None, shares)) / KB_PER_MB)


def _worker(living: list[int]) -> Cell:
    sizes = sorted(filter(None, (number(_text(pid, "status"), "VmRSS") for pid in living)))
    if not sizes:
        return Cell(None, UNKNOWN)
    return Cell(sizes[len(sizes) // 2] / KB_PER_MB)


def _interpreter(answering: list[int]) -> Cell:
    """Which interpreter the application is tied to: what answers has it mapped."""
    if not answering:
        return Cell(None, UNKNOWN)
    found = {interpreter_of(_program(pid), _text(pid, "maps")) for pid in answering}
    named = sorted(filter(None, found))
    return Cell("; ".join(named)) if named else Cell(None, HIDDEN)


def interpreter_of(program: str, maps: bytes) -> str | None:
    """ "libpython3.11.so.1.0 by mod_wsgi.so-3.11 in apache2". A Python that is one file has no
    libpython: "python3.11 itself". None: the maps could not be read, or there is none."""
    libraries = sorted({name.decode() for name in LIBRARY.findall(maps)})
    modules = sorted({name.decode() for name in MODULE.findall(maps)})
    if libraries:
        by = f" by {', '.join(modules)}" if modules else ""
        return f"{', '.join(libraries)}{by} in {program}"
    if not maps or INTERPRETER.search(f"/{program}".encode()) is None:
        return None
    return f"{program} itself" + (f", with {', '.join(modules)}" if modules else "")


def _program(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/exe").rpartition("/")[2]
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""  # gone, or another user's


def _interpreters(children: set[int]) -> Cell:
    """`children`: what the servers forked, and what waits for work now."""
    if not children:
        return Cell(None, "no server has a child between requests")
    maps = [_text(pid, "maps") for pid in children]
    if not all(maps):
        return Cell(None, HIDDEN)
    return Cell(f"{sum(map(carries, maps))} of {len(maps)}")


def carries(maps: bytes) -> bool:
    """/proc/PID/maps names an interpreter's program or library."""
    return INTERPRETER.search(maps) is not None


def number(text: bytes, field: str) -> int | None:
    """ "Pss:   1234 kB" -> 1234"""
    found = re.search(rb"^" + field.encode() + rb":\s+(\d+) kB", text, re.MULTILINE)
    return None if found is None else int(found[1])


def _text(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""  # gone, or another user's
