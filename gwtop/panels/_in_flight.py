"""Requests that are not over: rows under the newest of those that are, and one of them in full.

In: a snapshot, what of it is wanted. Out: rows in the columns of the requests, the longest under
way first; each as the row of a request, for filters and sorting; entries of a sheet. Refuses to
know how many a screen has room for.

At any moment a healthy gateway has some in flight, and at each look others: rows that come and go
with every paint say nothing. What takes longer than a blink is worth a row, and a request that
waits for a worker is what people look for when a site is slow.
"""

from collections.abc import Callable, Sequence

from gwtop.model import Snapshot
from gwtop.model.requests import RequestRow, clip
from gwtop.nouns.facts import UNSET, InFlight
from gwtop.nouns.times import nanos
from gwtop.panels._anatomy import Entry, head, named
from gwtop.panels._base import PLAIN, Cell, Line, Look, Row, Style
from gwtop.panels._safe import safe
from gwtop.panels._text import UNKNOWN, duration, idle_time, plural, time_of_day
from gwtop.panels.processes import BLINK_NS, process_of

KEPT_TEXT = 400
WAITS, BUSY, OPEN = "○ waits", "● busy", "· open"


def key_of(id: int) -> int:
    """Apart from the numbers of those that are over, which are 0 and more."""
    return -1 - id


def id_of(key: int) -> int | None:
    """None: it is the number of one that is over."""
    return -1 - key if key < 0 else None


def everyone(row: RequestRow) -> bool:
    return True


def lasting(snapshot: Snapshot, wanted: Callable[[RequestRow], bool] = everyone) -> list[InFlight]:
    """Those that are at it for longer than a blink and are wanted, the oldest first."""
    if snapshot.now_at is None or snapshot.summary is not None:
        return []
    until = snapshot.now_at - BLINK_NS
    shown = [r for r in snapshot.in_flight if r.read_bytes is UNSET and nanos(r.began_at) <= until]
    if wanted is not everyone:
        shown = [r for r in shown if wanted(so_far(r, snapshot))]
    return sorted(shown, key=lambda r: nanos(r.began_at))


def so_far(request: InFlight, snapshot: Snapshot) -> RequestRow:
    """The row of a request as far as it is known by now: it took its age, and has no end."""
    now_at = snapshot.now_at or 0
    protocols = {watched.protocol or "" for watched in snapshot.watch}
    return RequestRow(
        number=key_of(request.id),
        id=request.id,
        at=now_at,
        method=clip(request.method, 40),
        target=clip(request.target),
        status=None,
        outcome=None,
        duration_ns=now_at - nanos(request.began_at),
        first_byte_ns=None,
        queue_ns=waited_ns(request, snapshot),
        pid=request.pid,
        evidence=None,
        n_births=None,
        response_body_bytes=None,
        request_body_bytes=None,
        severity=None,
        notes=(),
        protocol=protocols.pop() if len(protocols) == 1 else "",
        connection=request.connection,
        sequence=None,
        wrote_stderr=None,
    )


def row_of(key: int, snapshot: Snapshot, look: Look = PLAIN) -> Row | None:
    """None: it is over, or never was."""
    found = find(snapshot, -1 - key)
    return None if found is None else _row(found, snapshot, look)


def rows(
    snapshot: Snapshot,
    look: Look = PLAIN,
    n_most: int = 50,
    wanted: Callable[[RequestRow], bool] = everyone,
) -> list[Row]:
    """At most so many: of more the last one tells how many are left out."""
    shown = lasting(snapshot, wanted)
    if len(shown) <= n_most:
        return [_row(request, snapshot, look) for request in shown]
    first = [_row(request, snapshot, look) for request in shown[: max(0, n_most - 1)]]
    return [*first, _others(shown[len(first) :], look)][:n_most]


def waited_ns(request: InFlight, snapshot: Snapshot) -> int | None:
    """So far, where nobody has read it; None: nobody sees reads."""
    if request.queue_ns is UNSET or snapshot.now_at is None:
        return None
    so_far = snapshot.now_at - nanos(request.began_at)
    return so_far if request.queue_ns is None else request.queue_ns


def _row(request: InFlight, snapshot: Snapshot, look: Look) -> Row:
    waits = request.queue_ns is None
    wait_ns = waited_ns(request, snapshot)
    took_ns = 0 if snapshot.now_at is None else snapshot.now_at - nanos(request.began_at)
    wait = UNKNOWN if wait_ns is None else idle_time(wait_ns) if waits else duration(wait_ns)
    return Row(
        key_of(request.id),
        (
            _state(request),
            *((Cell(UNKNOWN),) if look.hosts else ()),
            Cell(UNKNOWN if request.method is None else safe(request.method)),
            Cell(UNKNOWN if request.target is None else safe(request.target[:KEPT_TEXT])),
            Cell(UNKNOWN, "dim"),
            Cell(UNKNOWN if waits else idle_time(took_ns), "dim" if waits else "good"),
            Cell(UNKNOWN, "dim"),
            Cell(wait, "warn" if waits else "dim" if wait_ns is None else ""),
            Cell(UNKNOWN, "dim"),
            Cell(UNKNOWN if request.pid is None else str(request.pid), "accent"),
            Cell(""),
        ),
    )


def _state(request: InFlight) -> Cell:
    if request.queue_ns is None:
        return Cell(WAITS, "warn")
    return Cell(OPEN, "dim") if request.pid is None else Cell(BUSY, "good")


def _others(left_out: Sequence[InFlight], look: Look) -> Row:
    n_waiting = sum(r.queue_ns is None for r in left_out)
    what = "wait" if n_waiting == len(left_out) else "are in flight"
    blank = Cell("")
    words = Cell(f"… and {len(left_out)} more {what}", "warn" if n_waiting else "dim")
    n_before = 3 if look.hosts else 2
    return Row(key_of(left_out[0].id), (*[blank] * n_before, words, *[blank] * 7))


# One of them in full


def find(snapshot: Snapshot, id: int) -> InFlight | None:
    return next((r for r in snapshot.in_flight if r.id == id), None)


def title(request: InFlight) -> Line:
    name = f"{safe(request.method or UNKNOWN)} {safe((request.target or UNKNOWN)[:KEPT_TEXT])}"
    return (Cell(name, "bold"), Cell(" ── in flight"))


def entries(request: InFlight, snapshot: Snapshot, look: Look = PLAIN) -> list[Entry]:
    """What is known of it, and who is at work on what meanwhile."""
    waits, wait_ns = request.queue_ns is None, waited_ns(request, snapshot)
    took_ns = 0 if snapshot.now_at is None else snapshot.now_at - nanos(request.began_at)
    told = [
        Entry(named("began", f"{time_of_day(nanos(request.began_at), look.utc_offset_s)}")),
        Entry(named("so far", idle_time(took_ns))),
        Entry(named("queue", *_queue_words(waits, wait_ns))),
        _answerer(request, snapshot),
        Entry(named("connection", str(request.connection))),
        Entry(),
        Entry(
            (Cell("Its answer and its bytes come when it is over; this goes over to it.", "dim"),)
        ),
    ]
    if waits:
        told += [*_before(request, snapshot), *_at_work(snapshot)]
    return told


def _queue_words(waits: bool, wait_ns: int | None) -> tuple[str, Style]:
    if wait_ns is None:
        return "not known: nobody sees when workers read", "dim"
    if waits:
        return f"waits for a worker, {idle_time(wait_ns)} so far", "warn"
    return f"waited {duration(wait_ns)} until its worker read it", ""


def _answerer(request: InFlight, snapshot: Snapshot) -> Entry:
    if request.pid is None:
        return Entry(
            named("answered by", "nobody yet" if request.queue_ns is None else "not known")
        )
    process = process_of(request.pid, snapshot)
    name = "" if process is None else f"  {process.role}"
    opens = None if process is None else ("processes", process.key)
    return Entry(named("answered by", f"{request.pid}{name}", "accent"), opens)


def _before(request: InFlight, snapshot: Snapshot) -> list[Entry]:
    began = nanos(request.began_at)
    n_before = sum(
        1
        for other in snapshot.in_flight
        if other.queue_ns is None and nanos(other.began_at) < began
    )
    words = (
        f"{plural(n_before, 'request')} waited before it came" if n_before else "it is the first"
    )
    limits = [q for q in snapshot.queues if q.pending]
    told = [f"{safe(q.listen)}: {q.pending} of {q.limit or UNKNOWN}" for q in limits]
    return [Entry(), head("the queue", words), *(Entry((Cell(line),)) for line in told)]


def _at_work(snapshot: Snapshot) -> list[Entry]:
    """Who holds things up, and with what; the longest at it first."""
    busy = [r for r in snapshot.in_flight if r.pid is not None]
    if not busy:
        return []
    busy.sort(key=lambda r: nanos(r.began_at) + (waited_ns(r, snapshot) or 0))
    return [Entry(), head("at work meanwhile"), *(_worker(r, snapshot) for r in busy)]


def _worker(request: InFlight, snapshot: Snapshot) -> Entry:
    process = process_of(request.pid, snapshot)
    worked_ns = (
        (snapshot.now_at or 0) - nanos(request.began_at) - (waited_ns(request, snapshot) or 0)
    )
    line = (
        Cell(f"{request.pid} ", "accent"),
        Cell(f"{idle_time(worked_ns):>6}  "),
        Cell(f"{safe(request.method or UNKNOWN):<4} "),
        Cell(safe((request.target or UNKNOWN)[:KEPT_TEXT])),
    )
    return Entry(line, None if process is None else ("processes", process.key))
