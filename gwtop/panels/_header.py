"""The header: what this gateway is and how it works (a sentence), and whether it is well (numbers).

In: a snapshot and a width. Out: two lines of cells; what matters least is left out first when the
room is short, and `missed` never. Refuses to know whether anything is paused; that word is given.
"""

from typing import NamedTuple

from gwtop.model import Snapshot
from gwtop.nouns.facts import Calls, Missing
from gwtop.nouns.times import nanos
from gwtop.panels._base import Cell, Line, Style
from gwtop.panels._crop import cropped, n_cells, shortened
from gwtop.panels._safe import safe
from gwtop.panels._text import UNKNOWN, duration, idle_time, n_bytes, plural, rate, share, spark

_MISSED_WORDS = (
    ("frames", "frames"),
    ("process_events", "process events"),
    ("bytes", "bytes"),
    ("requests", "requests"),
)
_MAX_DOTS = 8
MIN_NAME, MIN_VERDICT = 12, 22
"""Cells of the title's line, however narrow: "process-per-request: 2"."""
MAX_TOLD_IN_FLIGHT = 50
"""A tick names so many (INTERFACE.md, `tick.in_flight`): there may be more."""


class Item(NamedTuple):
    """A piece of the numbers' line."""

    cells: Line
    keep: int
    """The lowest goes first when the room is short; 9 stays."""


def title_line(snapshot: Snapshot, title: str, state: Cell, width: int) -> Line:
    """Gateway, verdict, and at the right end the state of the screen; a long name leaves room for
    the other two."""
    room, words = width - n_cells(state.text) - 7, verdict_text(snapshot)
    least = min(n_cells(words), max(MIN_VERDICT, room * 2 // 5))
    name = _gateway(snapshot, title if width >= 100 else "", max(MIN_NAME, room - least))
    name = cropped(name, room)
    left = room - n_cells(name)
    verdict = cropped(words, max(0, left))
    gap = " " * max(1, 2 + left - n_cells(verdict))
    style: Style = "bold" if snapshot.model else "dim"
    return (
        Cell(" " + name, "head"),
        Cell("   "),
        Cell(verdict, style),
        Cell(gap),
        state,
        Cell(" "),
    )


def verdict_text(snapshot: Snapshot) -> str:
    """ "process-per-request: 203 processes for 203 requests"."""
    model, evidence = snapshot.model, safe(snapshot.model_evidence or "")
    if model is None:
        return evidence or "no verdict before 5 answered requests"
    return evidence if evidence.startswith(model) else f"{model}: {evidence}".removesuffix(": ")


def numbers_line(snapshot: Snapshot, width: int) -> Line:
    items = _items(snapshot)
    while _width(items) > width - 2 and any(item.keep < 9 for item in items):
        items.remove(min(items, key=lambda item: item.keep))
    line: list[Cell] = [Cell(" ")]
    for place, item in enumerate(items):
        line += [Cell("   ")] * (place > 0) + list(item.cells)
    return tuple(line)


def missed_cell(missed: Missing | None, n_unread: int) -> Cell:
    """What was not seen, never silent: red when it is not 0, "?" where nobody could count."""
    if missed is None:
        unread = f" + {n_unread:,} lines" if n_unread else ""
        return Cell(f"missed {UNKNOWN}{unread}", "bad" if n_unread else "dim")
    values = [(words, getattr(missed, key)) for key, words in _MISSED_WORDS]
    lost = [f"{n:,} {words}" for words, n in values if n]
    if n_unread:
        lost.append(f"{n_unread:,} lines")
    unknown = [words for words, n in values if n is None]
    if len(unknown) == len(values) and not lost:
        return Cell("missed ?", "warn")
    text = " + ".join(lost) if lost else "0"
    if unknown:
        text += f" ({', '.join(unknown)}: ?)"
    return Cell(f"missed {text}", "bad" if lost else "warn" if unknown else "dim")


def calls_cell(calls: Calls) -> Cell:
    """What it costs to see a unix socket: calls looked at, and how much of each is copied."""
    copied = f"up to {n_bytes(calls.copy_bytes)} copied" if calls.copy_bytes else "lengths only"
    return Cell(f"calls {calls.per_s:,}/s, {copied}", "dim" if calls.copy_bytes else "warn")


def _gateway(snapshot: Snapshot, title: str, width: int) -> str:
    if not snapshot.watch:
        return safe(title) or "gwtop"
    watched = snapshot.watch[:3]
    more = f" +{len(snapshot.watch) - len(watched)}" if len(snapshot.watch) > 3 else ""
    before = f"{safe(title)}  " if title else ""
    protocols = [f"{w.protocol or '?'} " for w in watched]
    room = width - n_cells(before + more) - sum(map(len, protocols)) - 2 * (len(watched) - 1)
    told = [
        protocol + listen
        for protocol, listen in zip(
            protocols, _fitted([safe(w.listen) for w in watched], room), strict=True
        )
    ]
    return before + "  ".join(told) + more


def _fitted(names: list[str], room: int) -> list[str]:
    """Paths shortened alike, where there is no room for all; of an address every part counts."""
    paths = sorted((name for name in names if "/" in name), key=n_cells)
    room -= sum(n_cells(name) for name in names if "/" not in name)
    fitted: dict[str, str] = {}
    for n_before, path in enumerate(paths):
        fitted[path] = shortened(path, max(MIN_NAME, room // (len(paths) - n_before)))
        room -= n_cells(fitted[path])
    return [fitted.get(name, name) for name in names]


def _items(snapshot: Snapshot) -> list[Item]:
    """In the order they stand; the window's numbers, or at the end those of it all."""
    window, summary = snapshot.window, snapshot.summary
    items = [_rate_item(snapshot)]
    line = spark(window.spark, 12)
    if line and summary is None:
        items.append(Item((Cell(line.rjust(12), "accent"),), 4))
    p50_ns, p99_ns = window.p50_ns, window.p99_ns
    if summary is not None:
        p50_ns, p99_ns = summary.duration_ns.p50, summary.duration_ns.p99
    known = 8 if snapshot.n_requests else 4  # who sees no request shall see the queue
    items.append(Item(_named("p50", duration(p50_ns), 6), known))
    items.append(Item(_named("p99", duration(p99_ns), 6), known))
    errors = _error_share(snapshot)
    keep = 8 if errors else min(known, 7)
    items.append(Item(_named("5xx", share(errors), 5, "bad" if errors else ""), keep))
    if summary is None:
        items += _worker_items(snapshot)
    if window.kept_share is not None:
        reused = "none" if window.kept_share == 0 else share(window.kept_share)
        items.append(Item(_named("connections reused", reused, 0), 1))
    if snapshot.calls is not None and summary is None:
        items.append(Item((calls_cell(snapshot.calls),), 2))
    items.append(Item((missed_cell(snapshot.missed, snapshot.n_unread),), 9))
    return items


def _rate_item(snapshot: Snapshot) -> Item:
    if snapshot.summary is not None:
        return Item((Cell(plural(snapshot.summary.requests, "request") + " in all", "bold"),), 9)
    return Item((Cell(rate(snapshot.window.requests_per_s).rjust(6), "bold"),), 9)


def _error_share(snapshot: Snapshot) -> float | None:
    if snapshot.summary is None:
        return snapshot.window.server_error_share
    statuses = snapshot.summary.statuses
    n_answers = sum(statuses.values())
    n_errors = sum(n for status, n in statuses.items() if status[:1] == "5" and len(status) == 3)
    return n_errors / n_answers if n_answers else None


def _worker_items(snapshot: Snapshot) -> list[Item]:
    items = []
    busy, idle = snapshot.busy, snapshot.idle
    if busy is not None and idle is not None:
        items.append(Item(_busy(busy, idle), 8 if _waits(snapshot) else 6))
    pending = [queue for queue in snapshot.queues if queue.pending is not None]
    if pending:
        text = ", ".join(f"{q.pending}/{q.limit or UNKNOWN}" for q in pending)
        waits = _waits(snapshot)
        line = _named("queue", text, 5, "warn" if waits else "")
        longest = longest_wait_ns(snapshot) if waits else None
        if longest is not None:
            line += (Cell(f" for {idle_time(longest)}", "warn"),)
        items.append(Item(line, 8 if waits else 5))
    n_flying = len(snapshot.in_flight)
    flying = f"{n_flying} or more" if n_flying >= MAX_TOLD_IN_FLIGHT else str(n_flying)
    items.append(Item(_named("in flight", flying, 2), 3))
    return items


def _waits(snapshot: Snapshot) -> bool:
    return any(queue.pending for queue in snapshot.queues)


def longest_wait_ns(snapshot: Snapshot) -> int | None:
    """Of those in flight that nobody has read yet."""
    if snapshot.now_at is None:
        return None
    began = [nanos(one.began_at) for one in snapshot.in_flight if one.queue_ns is None]
    return snapshot.now_at - min(began) if began else None


def _busy(busy: int, idle: int) -> Line:
    name = Cell("busy ", "dim")
    if busy + idle > _MAX_DOTS:
        return (name, Cell(f"{busy} of {busy + idle}", "good" if idle else "warn"))
    dots = Cell("●" * busy, "good" if idle else "warn")
    return (name, dots, Cell("○" * idle, "dim"), Cell(f" {busy}/{busy + idle}"))


def _named(name: str, value: str, width: int, style: Style = "") -> Line:
    return (Cell(name + " ", "dim"), Cell(value.rjust(width), style))


def _width(items: list[Item]) -> int:
    return sum(len(c.text) for item in items for c in item.cells) + 3 * (len(items) - 1)
