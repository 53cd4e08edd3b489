"""A close look at a process, in words: memory, threads, open sockets, argv, environ.

In: a `Looked`. Out: entries of a sheet, a head before each section. Refuses to know when it is
asked for: a look says its time, and whether the process still is.
"""

from collections.abc import Sequence
from typing import NamedTuple

from gwtop.model.anatomy import Looked
from gwtop.model.processes import ProcessRow
from gwtop.nouns.facts import ProcessSocket, ProcessThread
from gwtop.panels._base import PLAIN, Cell, Line, Look, Style
from gwtop.panels._safe import safe
from gwtop.panels._text import UNKNOWN, duration, n_bytes, n_times, percent, time_of_day

NAME_WIDTH = 13
MAX_VALUE_LINES = 6
SHOWN_THREADS, SHOWN_SOCKETS, SHOWN_ARGUMENTS, SHOWN_VARIABLES = 64, 128, 200, 400
STATES = {
    "R": "running",
    "S": "asleep",
    "D": "waits for a disk",
    "T": "stopped",
    "t": "traced",
    "Z": "ended, not waited for",
    "X": "dead",
    "I": "idle",
}
"""Letters of proc_pid_stat(5)."""
_STATE_STYLES: dict[str, Style] = {"R": "good", "D": "warn", "T": "bad", "t": "warn", "Z": "bad"}


class Entry(NamedTuple):
    line: Line = ()
    opens: tuple[str, int] | None = None
    """The panel and key of what is opened when it is chosen."""
    is_head: bool = False
    """A section begins here."""


def head(words: str, more: str = "") -> Entry:
    return Entry((Cell(words, "bold"), Cell(f"  {more}" if more else "", "dim")), None, True)


def named(name: str, text: str, style: Style = "") -> Line:
    return (Cell(name.ljust(NAME_WIDTH), "dim"), Cell(text, style))


def anatomy(looked: Looked, process: ProcessRow, width: int, look: Look = PLAIN) -> list[Entry]:
    seen = time_of_day(looked.at, look.utc_offset_s)
    over = process.died_at is not None or looked.is_gone
    when = f"as it was at {seen}, when it was last looked at" if over else ""
    found = [Entry(), head("memory", when), *map(Entry, _memory(looked))]
    for section in (_threads, _sockets, _arguments, _environ):
        found += [Entry(), *section(looked, width)]
    return found


def _why(looked: Looked, part: str) -> str:
    return safe(looked.fact.unread.get(part, "it could not be read"))


def _memory(looked: Looked) -> list[Line]:
    fact, memory = looked.fact, looked.fact.memory
    told = [named("state", STATES.get(fact.state or "", UNKNOWN), _state_style(fact.state))]
    if memory is not None:
        told += [
            named(
                "resident", f"{n_bytes(memory.rss_bytes)}, {n_bytes(memory.peak_rss_bytes)} at most"
            ),
            named("swapped out", n_bytes(memory.swap_bytes)),
            named("virtual", n_bytes(memory.virtual_bytes)),
        ]
    told.append(named("cpu", f"{duration(fact.cpu_ns)} in all"))
    told.append(named("user id", UNKNOWN if fact.uid is None else str(fact.uid)))
    for name, part, text in (("program", "exe", fact.exe), ("folder", "cwd", fact.cwd)):
        words = _why(looked, part) if text is None else safe(text)
        told.append(named(name, words, "dim" if text is None else ""))
    if fact.language is not None:
        told.append(named("interpreter", safe(fact.language)))
    return told


def _state_style(state: str | None) -> Style:
    return _STATE_STYLES.get(state or "", "")


def _threads(looked: Looked, width: int) -> list[Entry]:
    fact = looked.fact
    found = [head(f"threads {n_times(fact.n_threads)}")]
    for thread in (fact.threads or [])[:SHOWN_THREADS]:
        found.append(Entry(_thread(thread, looked.cpu_percent.get(thread.id))))
    return found + _more(fact.n_threads or 0, min(SHOWN_THREADS, len(fact.threads or [])))


def _thread(thread: ProcessThread, cpu_percent: float | None) -> Line:
    state = STATES.get(thread.state, UNKNOWN)
    return (
        Cell(f"{thread.id:<{NAME_WIDTH}}", "accent"),
        Cell(f"{safe(thread.name):<16} "),
        Cell(f"{state:<22}", _state_style(thread.state)),
        Cell(f"{percent(cpu_percent):>6}"),
        Cell(f"  {duration(thread.cpu_ns)} in all", "dim"),
    )


def _sockets(looked: Looked, width: int) -> list[Entry]:
    fact = looked.fact
    if fact.sockets is None:
        return [head("open sockets"), *_reasoned(looked, "sockets", width)]
    found = [head(f"open sockets {len(fact.sockets)}", f"of {n_times(fact.fds)} descriptors")]
    for held in fact.sockets[:SHOWN_SOCKETS]:
        opens = None if held.connection is None else ("connections", held.connection)
        found.append(Entry(_socket(held), opens))
    return found + _more(len(fact.sockets), SHOWN_SOCKETS)


def _socket(held: ProcessSocket) -> Line:
    ends = safe(held.local or UNKNOWN)
    if held.remote is not None:
        ends += f" ↔ {safe(held.remote)}"
    ours = "" if held.connection is None else f"  watched connection {held.connection}"
    return (
        Cell(f"fd {held.fd:<{NAME_WIDTH - 3}}", "dim"),
        Cell(f"{safe(held.kind):<7}"),
        Cell(ends),
        Cell(f"  {safe(held.state)}" if held.state else "", "dim"),
        Cell(ours, "accent"),
    )


def _arguments(looked: Looked, width: int) -> list[Entry]:
    argv = looked.fact.argv
    if argv is None:
        return [head("command line"), *_reasoned(looked, "argv", width)]
    found = [head(f"command line {len(argv)}")]
    for place, word in enumerate(argv[:SHOWN_ARGUMENTS]):
        found += _wrapped(str(place), word, width)
    return found + _more(len(argv), SHOWN_ARGUMENTS)


def _environ(looked: Looked, width: int) -> list[Entry]:
    environ = looked.fact.environ
    if environ is None:
        return [head("environ"), *_reasoned(looked, "environ", width)]
    found = [head(f"environ {len(environ)}", "as it was started with")]
    for name, value in sorted(environ)[:SHOWN_VARIABLES]:
        found += _wrapped(name[:200], value, width)
    return found + _more(len(environ), SHOWN_VARIABLES)


def _reasoned(looked: Looked, part: str, width: int) -> Sequence[Entry]:
    return _wrapped("not known", _why(looked, part), width, "warn")


def _more(n_all: int, n_shown: int) -> list[Entry]:
    return [Entry(named("", f"and {n_all - n_shown:,} more"))] if n_all > n_shown else []


def _wrapped(name: str, text: str, width: int, style: Style = "") -> list[Entry]:
    """A long value in some lines, so that its end can be read too."""
    name = safe(name)
    room = max(20, width - max(NAME_WIDTH, len(name) + 1))
    whole = safe(text[: room * MAX_VALUE_LINES * 4])
    parts = [whole[at : at + room] for at in range(0, len(whole), room)] or [""]
    left_out = len(parts) > MAX_VALUE_LINES or len(text) > room * MAX_VALUE_LINES * 4
    parts = parts[:MAX_VALUE_LINES]
    first = Cell(name.ljust(NAME_WIDTH - 1) + " ", "dim")
    entries = [Entry((first, Cell(parts[0], style)))]
    entries += [Entry((Cell(" " * len(first.text)), Cell(part, style))) for part in parts[1:]]
    if left_out:
        entries.append(
            Entry((Cell(" " * len(first.text)), Cell(f"… {len(text):,} characters", "dim")))
        )
    return entries
