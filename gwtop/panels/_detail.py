"""One request in full: its phases as a bar, and what each tab of its sheet says.

In: the whole `request` fact, what was fetched of its bytes, and the width there is. Out: tabs, and
lines of cells. Refuses to know how a field's value came about; secrets were taken out where facts
are made. The records tab is a tree of its own (`_records`).
"""

from collections.abc import Callable
from typing import NamedTuple

from gwtop.model import Snapshot
from gwtop.model.details import Fetched
from gwtop.nouns.facts import NoteText, Request
from gwtop.nouns.times import MILLISECOND_NS, Nanos, nanos
from gwtop.panels import _hop_diff, _program
from gwtop.panels._base import PLAIN, Cell, Line, Look, Style
from gwtop.panels._linked import between
from gwtop.panels._safe import safe
from gwtop.panels._text import UNKNOWN, duration, n_bytes, plural, time_of_day
from gwtop.panels._wrap import by_words, wrap
from gwtop.panels.processes import process_of
from gwtop.panels.requests import pid_text, status_style

EVIDENCE = {
    "environ": "the variables it was born with are this request's",
    "kernel": "the kernel saw it read this connection",
    "socket": "it held this connection's socket",
    "relay": "the answer came to the relay from it",
    "spawn": "inferred: the one process born while this request was open",
    "sole": "inferred: the only process here that could answer",
}
OUTCOMES = {
    "done": "the answer reached its end",
    "failed": "the gateway said that it failed",
    "aborted": "the connection ended before the answer did",
    "partial": "bytes of it were not seen",
}
SHOWN_TEXT = 4_000


class Tab(NamedTuple):
    name: str
    short: str
    key: str
    """The letter that goes there."""
    told: str
    """How much there is; "" where that is no number."""
    is_empty: bool


def title(fact: Request) -> Line:
    """For the border: method, target, status, duration."""
    status = UNKNOWN if fact.status is None else str(fact.status)
    return (
        Cell(f"{safe(fact.method or UNKNOWN)} {safe((fact.target or UNKNOWN)[:300])}", "bold"),
        Cell(f" ── {status}", status_style(fact.status)),
        Cell(f" ── {duration(fact.duration_ns)}"),
    )


def tabs(fact: Request, fetched: Fetched | None, snapshot: Snapshot) -> list[Tab]:
    asked = fact.fields if isinstance(fact.fields, list) else []
    answered = fact.response_fields if isinstance(fact.response_fields, list) else []
    n_body = fact.request_body_bytes + fact.response_body_bytes
    n_records = len(fetched.records) if fetched is not None else 0
    return [
        Tab("Summary", "Sum", "s", "", False),
        _counted("Variables", "Vars", "v", len(asked)),
        _counted("Answer", "Ans", "a", len(answered)),
        Tab("Body", "Body", "b", n_bytes(n_body) if n_body else "", not n_body),
        _counted("Records", "Rec", "r", n_records),
        Tab("Process", "Proc", "p", "", fact.pid is None),
        Tab("Hops", "Hops", "h", "", not _has_hops(fact, snapshot)),
        _counted("Notes", "Notes", "n", len(fact.notes)),
    ]


def _has_hops(fact: Request, snapshot: Snapshot) -> bool:
    return any(snapshot.hops(fact)) or _program.of(fact, snapshot) is not None


def _counted(name: str, short: str, key: str, n: int) -> Tab:
    return Tab(name, short, key, str(n) if n else "", not n)


def phases(fact: Request, width: int) -> list[Line]:
    """Queue, worker until the first byte, answer: as words, and to scale."""
    if fact.duration_ns is None:
        return [(Cell("no answer byte was seen, so nothing was timed", "dim"),)]
    queue_ns = fact.queue_ns or 0
    first_ns = fact.duration_ns if fact.first_byte_ns is None else fact.first_byte_ns
    spans: list[tuple[str, int, str, Style]] = [
        ("queue", queue_ns, "░", "dim"),
        ("until first byte", max(0, first_ns - queue_ns), "█", "accent"),
        ("answer", max(0, fact.duration_ns - first_ns), "▓", "good"),
    ]
    words: list[Cell] = []
    bar: list[Cell] = []
    for name, span_ns, block, style in spans:
        known = name != "queue" or fact.queue_ns is not None
        words += [
            Cell(block + " ", style),
            Cell(name + " ", "dim"),
            Cell((duration(span_ns) if known else UNKNOWN) + "   "),
        ]
        n_cells = round(span_ns * (width - 2) / max(1, fact.duration_ns))
        bar.append(Cell(block * max(n_cells, span_ns > 0), style))
    return [tuple(words), tuple(bar)]


def summary(fact: Request, snapshot: Snapshot, width: int, look: Look = PLAIN) -> list[Line]:
    return [
        who(fact, snapshot),
        *_births_lines(fact),
        _named("outcome", f"{fact.outcome}: {OUTCOMES[fact.outcome]}", _outcome_style(fact)),
        _named("when", _when(fact, look)),
        between(fact.client, fact.server),
        _named("over", _where(fact)),
        _named("sizes", _sizes(fact)),
        *(line for note in fact.notes for line in _note(note, width)),
        *_text("stderr", fact.stderr, width),
    ]


def hops(fact: Request, snapshot: Snapshot, width: int) -> list[Line]:
    """What the front end made of it, where both hops are watched or a CGI program was run."""
    in_front, behind = snapshot.hops(fact)
    found = [] if in_front is None else _hop_diff.lines(in_front, fact, fact, width)
    if behind is not None:
        found += _hop_diff.lines(fact, behind, fact, width)
    found += _program.lines(fact, snapshot, width)
    return found[1:] or [(Cell(ONE_HOP, "dim"),)]


ONE_HOP = "only this hop of it is watched; --port once more adds another"


def notes(
    fact: Request, width: int, advice: Callable[[str], str | None] = lambda code: None
) -> list[Line]:
    """What an expert would say, and what to do: `advice` has a code's page."""
    found: list[Line] = []
    for note in fact.notes:
        found += [(), *_note(note, width)]
        text = advice(note.code)
        paragraphs = [] if text is None else text.strip().split("\n")[1:]
        for line in " ".join(paragraphs).replace("Do: ", "\nDo: ").split("\n"):
            style: Style = "" if line.startswith("Do: ") else "dim"
            found += [(Cell(f"  {part}", style),) for part in by_words(line, width - 2) if part]
    return found[1:] or [(Cell("nothing about it is worth a remark", "dim"),)]


def who(fact: Request, snapshot: Snapshot) -> Line:
    if fact.pid is None or fact.evidence is None:
        return _named("process", "not known: nothing that is watched tells who answered", "dim")
    row = process_of(fact.pid, snapshot)
    words = f"  {EVIDENCE[fact.evidence]}"
    if row is not None and row.lifetime_ns is not None:
        words += f"; it lived {duration(row.lifetime_ns)}"
    if fact.thread is not None and fact.thread != fact.pid:
        words += f"; thread {fact.thread}"
    pid = Cell(pid_text(fact.pid, fact.evidence), "accent")
    return (*_named("process", ""), pid, Cell(words))


def _births_lines(fact: Request) -> list[Line]:
    if not fact.births:
        return []
    shown = ", ".join(map(str, fact.births[:8])) + (" …" if len(fact.births) > 8 else "")
    return [_named("born for it", f"{plural(len(fact.births), 'process', 'processes')}: {shown}")]


def _outcome_style(fact: Request) -> Style:
    return "" if fact.outcome == "done" else "warn"


def _when(fact: Request, look: Look) -> str:
    began, ended = nanos(fact.began_at), nanos(fact.at)
    return f"{_exactly(began, look)} to {_exactly(ended, look)}"


def _exactly(at: Nanos, look: Look) -> str:
    return f"{time_of_day(at, look.utc_offset_s)}.{at // MILLISECOND_NS % 1000:03d}"


def _where(fact: Request) -> str:
    kept = {True: ", asked to be kept", False: ", not to be kept", None: ""}[fact.keep_alive]
    nth = f"request {fact.sequence + 1} of connection {fact.connection}"
    return f"{safe(fact.protocol)}, {nth}{kept}"


def _sizes(fact: Request) -> str:
    asked = f"asked {n_bytes(fact.request_head_bytes)} + {n_bytes(fact.request_body_bytes)} body"
    told = (
        f"answered {n_bytes(fact.response_head_bytes)} + {n_bytes(fact.response_body_bytes)} body"
    )
    lost = f", lost {n_bytes(fact.lost_bytes)}" if fact.lost_bytes else ""
    return f"{asked}, {told}{lost}"


def _note(note: NoteText, width: int) -> list[Line]:
    style: Style = {"error": "bad", "warn": "warn"}.get(note.severity, "dim")  # type: ignore[assignment]
    mark = "·" if note.severity == "info" else "⚑"
    parts = by_words(f"{safe(note.text)} ({safe(note.code)})", width - 2)
    return [
        (Cell(f"{mark if place == 0 else ' '} ", style), Cell(part))
        for place, part in enumerate(parts)
    ]


def _text(name: str, text: str | None, width: int) -> list[Line]:
    if text is None:
        return []
    more = f", the first {SHOWN_TEXT} shown" if len(text) > SHOWN_TEXT else ""
    found: list[Line] = [(), (Cell(f"{name}: {n_bytes(len(text))}{more}", "bold"),)]
    for line in text[:SHOWN_TEXT].split("\n"):
        found += [(Cell(part),) for part in wrap(safe(line.removesuffix("\r")), width)]
    return found


def _named(name: str, text: str, style: Style = "") -> Line:
    return (Cell(name.ljust(13), "dim"), Cell(text, style))
