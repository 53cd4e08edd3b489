"""One request in full: its phases as a bar, who answered and how we know, notes, fields, bodies.

In: the whole `request` fact, and the width there is. Out: lines of cells. Refuses to know how a
field's value came about; secrets were taken out where facts are made.
"""

from gwtop.model import Snapshot
from gwtop.nouns.facts import Pairs, Request
from gwtop.nouns.times import MILLISECOND_NS, Nanos, nanos
from gwtop.panels import _hop_diff
from gwtop.panels._base import PLAIN, Cell, Line, Look, Style
from gwtop.panels._safe import safe
from gwtop.panels._text import UNKNOWN, duration, n_bytes, plural, time_of_day
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
SHOWN_BODY = 4_000
_NAME_WIDTH = 24


def title(fact: Request) -> Line:
    """For the border: method, target, status, duration."""
    status = UNKNOWN if fact.status is None else str(fact.status)
    return (
        Cell(f"{safe(fact.method or UNKNOWN)} {safe((fact.target or UNKNOWN)[:300])}", "bold"),
        Cell(f" ── {status}", status_style(fact.status)),
        Cell(f" ── {duration(fact.duration_ns)}"),
    )


def lines(fact: Request, snapshot: Snapshot, width: int, look: Look = PLAIN) -> list[Line]:
    return [
        *_phases(fact, width),
        (),
        *_facts(fact, snapshot, look),
        *_notes(fact, width),
        *_hops(fact, snapshot, width),
        *_pairs("request", fact.fields, width),
        *_pairs("answer", fact.response_fields, width),
        *_text("stderr", fact.stderr, width),
        *_text("request body", fact.request_body, width),
        *_text("answer body", fact.response_body, width),
    ]


def _hops(fact: Request, snapshot: Snapshot, width: int) -> list[Line]:
    in_front, behind = snapshot.hops(fact)
    found = [] if in_front is None else _hop_diff.lines(in_front, fact, fact, width)
    return found if behind is None else [*found, *_hop_diff.lines(fact, behind, fact, width)]


def _phases(fact: Request, width: int) -> list[Line]:
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


def _facts(fact: Request, snapshot: Snapshot, look: Look) -> list[Line]:
    return [
        _pid_line(fact, snapshot),
        *_births_lines(fact, snapshot),
        _named("outcome", f"{fact.outcome}: {OUTCOMES[fact.outcome]}", _outcome_style(fact)),
        _named("when", _when(fact, look)),
        _named("between", f"{safe(fact.client)} → {safe(fact.server)}, {_where(fact)}"),
        _named("sizes", _sizes(fact)),
    ]


def _pid_line(fact: Request, snapshot: Snapshot) -> Line:
    if fact.pid is None or fact.evidence is None:
        return _named("process", "not known: nothing that is watched tells who answered", "dim")
    row = next((p for p in reversed(snapshot.processes) if p.pid == fact.pid), None)
    words = f"  {EVIDENCE[fact.evidence]}"
    if row is not None and row.lifetime_ns is not None:
        words += f"; it lived {duration(row.lifetime_ns)}"
    if fact.thread is not None and fact.thread != fact.pid:
        words += f"; thread {fact.thread}"
    pid = Cell(pid_text(fact.pid, fact.evidence), "accent")
    return (*_named("process", ""), pid, Cell(words))


def _births_lines(fact: Request, snapshot: Snapshot) -> list[Line]:
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


def _notes(fact: Request, width: int) -> list[Line]:
    found: list[Line] = []
    for note in fact.notes:
        style: Style = {"error": "bad", "warn": "warn"}.get(note.severity, "dim")  # type: ignore[assignment]
        mark = "·" if note.severity == "info" else "⚑"
        for place, part in enumerate(_wrap(f"{safe(note.text)} ({safe(note.code)})", width - 2)):
            found.append((Cell(f"{mark if place == 0 else ' '} ", style), Cell(part)))
    return found


def _pairs(name: str, pairs: object, width: int) -> list[Line]:
    if not isinstance(pairs, list):
        return []
    fields: Pairs = pairs
    found: list[Line] = [(), _rule(f"{name}: {plural(len(fields), 'field')}")]
    for field, value in fields:
        label = safe(field[:200]) or '""'
        parts = _wrap(safe(value[:SHOWN_BODY]), width - _NAME_WIDTH - 2)
        for place, part in enumerate(parts):
            head = label.ljust(_NAME_WIDTH) if place == 0 else " " * _NAME_WIDTH
            found.append((Cell(head, "accent"), Cell("  "), Cell(part)))
    return found


def _text(name: str, text: object, width: int) -> list[Line]:
    if not isinstance(text, str):
        return []
    shown = text[:SHOWN_BODY]
    more = f", the first {SHOWN_BODY} shown" if len(text) > SHOWN_BODY else ""
    found: list[Line] = [(), _rule(f"{name}: {n_bytes(len(text))}{more}")]
    for line in shown.split("\n"):
        found += [(Cell(part),) for part in _wrap(safe(line.removesuffix("\r")), width)]
    return found


def _rule(text: str) -> Line:
    return (Cell(text, "bold"),)


def _named(name: str, text: str, style: Style = "") -> Line:
    return (Cell(name.ljust(13), "dim"), Cell(text, style))


def wrap_lines(lines: list[Line], width: int) -> list[Line]:
    """Lines of one cell that are too long go on in the next."""
    return [
        (Cell(part, line[0].style),) if len(line) == 1 else line
        for line in lines
        for part in (_wrap(line[0].text, width) if len(line) == 1 else [""])
    ]


def _wrap(text: str, width: int) -> list[str]:
    size = max(8, width)
    return [text[i : i + size] for i in range(0, len(text), size)] or [""]
