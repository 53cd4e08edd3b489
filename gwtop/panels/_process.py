"""One process in full: who it is, how it lives or ended, what it answered, what it holds.

In: a process row, and the newest close look at it where there was one. Out: entries: a line of
cells, and the row that opens when it is chosen. Refuses to know more than the facts told.
"""

from typing import NamedTuple

from gwtop.model import Snapshot
from gwtop.model.processes import ProcessRow
from gwtop.panels._anatomy import Entry, anatomy, head, named
from gwtop.panels._base import PLAIN, Cell, Line, Look, Style
from gwtop.panels._linked import listed
from gwtop.panels._safe import safe
from gwtop.panels._text import UNKNOWN, duration, n_bytes, n_times, percent, plural, time_of_day
from gwtop.panels.processes import command

SHOWN_REQUESTS = 20
SHOWN_CHILDREN = 12


class Asked(NamedTuple):
    """What the reader did about a process beside looking at the facts."""

    engine: bool = True
    """There is one on this machine, and it is asked for a close look."""
    stack: tuple[Line, ...] = ()
    """The interpreter's stack, or why there is none."""
    said: Line = ()
    """What became of the last signal."""


NOTHING_ASKED = Asked()


def title(process: ProcessRow) -> Line:
    gone: tuple[Cell, ...] = () if process.died_at is None else (Cell(" ── † gone", "warn"),)
    return (Cell(f"process {process.pid}", "bold"), Cell(f" ── {process.role}"), *gone)


def entries(
    process: ProcessRow,
    snapshot: Snapshot,
    width: int,
    look: Look = PLAIN,
    asked: Asked = NOTHING_ASKED,
) -> list[Entry]:
    found = [Entry(asked.said), Entry()] if asked.said else []
    found += [Entry(line) for line in _facts(process, snapshot, look)]
    found += _family(process, snapshot)
    if asked.stack:
        found += [Entry(), head("stack"), *(Entry(line) for line in asked.stack)]
    found += _requests(process, snapshot, look)
    looked = snapshot.looked.get(process.key)
    if looked is not None:
        return [*found, *anatomy(looked, process, width, look)]
    if process.died_at is None:
        why = "the engine is asked …" if asked.engine else ONLY_HERE
        found += [Entry(), head("memory, threads, sockets, environ"), Entry((Cell(why, "dim"),))]
    return found


ONLY_HERE = "only an engine on the process's own machine can be asked for them"


def _facts(process: ProcessRow, snapshot: Snapshot, look: Look) -> list[Line]:
    name = UNKNOWN if process.name is None else safe(process.name)
    told = [
        named("name", name),
        named("command", UNKNOWN if process.argv is None else safe(process.argv)),
        named("born", _born(process, look)),
        named("state", _state(process, snapshot, look), _style(process)),
        named("answered", _answered(process)),
        named("memory", n_bytes(process.rss_bytes)),
    ]
    if process.died_at is None:
        told.append(named("cpu", f"{percent(process.cpu_percent)} of a core"))
        told.append(named("threads", n_times(process.threads)))
        told.append(named("descriptors", n_times(process.fds)))
    else:
        told.append(named("cpu", f"{duration(process.cpu_ns)} in all"))
    return told


def _family(process: ProcessRow, snapshot: Snapshot) -> list[Entry]:
    """The parent and the living children, each of which can be opened."""
    found: list[Entry] = []
    above = [p for p in snapshot.processes if p.pid == process.parent and p.key != process.key]
    parent = above[0] if above else None
    if parent is None:
        words = UNKNOWN if process.parent is None else str(process.parent)
        found.append(Entry(named("parent", words)))
    else:
        found.append(_relative("parent", parent))
    children = [p for p in snapshot.processes if p.parent == process.pid and p.died_at is None]
    if process.died_at is None:
        for child in children[:SHOWN_CHILDREN]:
            found.append(_relative("child", child))
        if len(children) > SHOWN_CHILDREN:
            more = f"and {len(children) - SHOWN_CHILDREN:,} more"
            found.append(Entry(named("", more)))
    return found


def _relative(word: str, process: ProcessRow) -> Entry:
    pid, role = Cell(f"{process.pid}", "accent"), Cell(f" {process.role}  ")
    line = (Cell(word.ljust(13), "dim"), pid, role, Cell(command(process), "dim"))
    return Entry(line, ("processes", process.key))


def _requests(process: ProcessRow, snapshot: Snapshot, look: Look) -> list[Entry]:
    """Newest first; what a process that answered much did before is in the table of them all."""
    track = snapshot.lifelines.of(process.key)
    rows = [] if track is None else track.rows[-SHOWN_REQUESTS:]
    words = f"last {len(rows)} requests" if len(rows) > 1 else "its last request"
    return listed(words, rows[::-1], look)


def _born(process: ProcessRow, look: Look) -> str:
    before = ", before we came" if process.was_there else ""
    return time_of_day(process.born_at, look.utc_offset_s) + before


def _state(process: ProcessRow, snapshot: Snapshot, look: Look) -> str:
    if process.died_at is not None:
        end = "its exit status is not known"
        if process.signal is not None:
            end = f"killed by signal {process.signal}"
        elif process.code is not None:
            end = f"exit status {process.code}"
        at = time_of_day(process.died_at, look.utc_offset_s)
        return f"gone at {at} after {duration(process.lifetime_ns)}: {end}"
    if process.born_at is None or snapshot.now_at is None:
        return "lives"
    return f"lives, for {duration(snapshot.now_at - process.born_at)} now"


def _style(process: ProcessRow) -> Style:
    return "bad" if process.signal is not None or process.code else ""


def _answered(process: ProcessRow) -> str:
    last, n_all = process.answered, plural(process.requests, "request")
    if last is None:
        return n_all
    status = UNKNOWN if last.status is None else last.status
    words = f"{safe(last.method or UNKNOWN)} {safe((last.target or UNKNOWN)[:300])} → {status}"
    return f"{n_all}, the last: {words}"
