"""One process in full: who it is, whose child, how it lives or ended, what it answered.

In: a process row. Out: lines of cells. Refuses to know more than the facts told.
"""

from gwtop.model import Snapshot
from gwtop.model.processes import ProcessRow
from gwtop.panels._base import PLAIN, Cell, Line, Look, Style
from gwtop.panels._safe import safe
from gwtop.panels._text import UNKNOWN, duration, n_bytes, n_times, percent, time_of_day


def title(process: ProcessRow) -> Line:
    return (Cell(f"process {process.pid}", "bold"), Cell(f" ── {process.role}"))


def lines(process: ProcessRow, snapshot: Snapshot, look: Look = PLAIN) -> list[Line]:
    name = UNKNOWN if process.name is None else safe(process.name)
    told = [
        _named("name", name),
        _named("command", UNKNOWN if process.argv is None else safe(process.argv)),
        _named("parent", UNKNOWN if process.parent is None else str(process.parent)),
        _named("born", _born(process, look)),
        _named("state", _state(process, snapshot, look), _style(process)),
        _named("answered", f"{n_times(process.requests)} requests, the last: {_last(process)}"),
        _named("memory", n_bytes(process.rss_bytes)),
    ]
    if process.died_at is None:
        told.append(_named("cpu", f"{percent(process.cpu_percent)} of a core"))
        told.append(_named("threads", n_times(process.threads)))
        told.append(_named("descriptors", n_times(process.fds)))
    else:
        told.append(_named("cpu", f"{duration(process.cpu_ns)} in all"))
    return told


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


def _last(process: ProcessRow) -> str:
    last = process.answered
    if last is None:
        return UNKNOWN
    status = UNKNOWN if last.status is None else last.status
    return f"{safe(last.method or UNKNOWN)} {safe((last.target or UNKNOWN)[:300])} → {status}"


def _named(name: str, text: str, style: Style = "") -> Line:
    return (Cell(name.ljust(13), "dim"), Cell(text, style))
