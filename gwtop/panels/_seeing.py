"""What you are seeing: the newest request told as a story, by the model its gateway has.

In: a request's fact, a snapshot, the words of the demo's page, a room. Out: so many lines. It says
only what was seen: a time that nobody saw is not in the sentence.

Where a program says in its answer when its own code began (`X-Script-Began`, nanoseconds since the
epoch), what came before that is the price of starting it.
"""

from gwtop.model import Snapshot
from gwtop.model.processes import ProcessRow
from gwtop.nouns.facts import UNSET, Request
from gwtop.nouns.times import SECOND_NS, Nanos, nanos
from gwtop.panels import processes
from gwtop.panels._base import Cell, Line
from gwtop.panels._safe import safe
from gwtop.panels._text import duration, n_times, plural
from gwtop.panels.requests import pid_text, status_style

BEGAN = "x-script-began"
MAX_TARGET = 40
WAITING = "what you are seeing: the first request is on its way"
UNDECIDED = "five answered requests tell how this gateway works"


def lines(
    fact: Request | None, snapshot: Snapshot, explain: str, width: int, n_lines: int
) -> list[Line]:
    """Exactly `n_lines`, so that nothing below moves: the story, then the page's first words."""
    told = (
        [(Cell(f" {WAITING}", "dim"),)] if fact is None else _told(fact, snapshot, width, n_lines)
    )
    room = n_lines - len(told)
    hint = Cell("e: the whole page", "accent")
    if explain and room > 0:
        told += _page(safe(explain), width, room, hint)
    told = told[:n_lines]
    return told + [()] * (n_lines - len(told))


def _told(fact: Request, snapshot: Snapshot, width: int, n_lines: int) -> list[Line]:
    """What went over the wire only where there is room for all of it: half a sentence is none."""
    told = _wrapped(story(fact, snapshot), width)
    return (
        told if len(told) <= n_lines else _wrapped(story(fact, snapshot, on_the_wire=False), width)
    )


def story(fact: Request, snapshot: Snapshot, on_the_wire: bool = True) -> list[Cell]:
    """Cells of words, to be wrapped between them."""
    process = process_of(fact, snapshot)
    match snapshot.model:
        case "process-per-request":
            rest = _born_for_it(fact, process, snapshot)
        case "worker-pool":
            rest = _of_a_pool(fact, process, snapshot)
        case "threaded":
            rest = _in_a_thread(fact, process)
        case "embedded":
            rest = _in_the_server(fact, process)
        case "single-process":
            rest = _alone(fact, process, snapshot)
        case _:
            rest = [*_answered(fact, process), Cell(f"; {UNDECIDED}", "dim")]
    return [*_subject(fact), *rest, *(_on_the_wire(fact) if on_the_wire else ())]


def process_of(fact: Request, snapshot: Snapshot) -> ProcessRow | None:
    return None if fact.pid is None else processes.process_of(fact.pid, snapshot)


def script_began_at(fact: Request) -> Nanos | None:
    """When the program's own code began, if its answer says so."""
    fields = () if fact.response_fields is UNSET else fact.response_fields
    said = next((value for name, value in fields if name.lower() == BEGAN), "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 20 else None


def _subject(fact: Request) -> list[Cell]:
    target = fact.target or "?"
    short = target if len(target) <= MAX_TARGET else target[: MAX_TARGET - 1] + "…"
    status = "no answer" if fact.status is None else str(fact.status)
    return [
        Cell(f"{safe(fact.method or '?')} {safe(short)}", "bold"),
        Cell(" → "),
        Cell(status, status_style(fact.status)),
        Cell(": "),
    ]


def _pid(fact: Request) -> Cell:
    return Cell(f"pid {pid_text(fact.pid, fact.evidence)}", "accent")


def _born_for_it(fact: Request, process: ProcessRow | None, snapshot: Snapshot) -> list[Cell]:
    if fact.pid is None or process is None:
        return [Cell("a process was made for it, but nobody saw which")]
    maker = "" if process.parent is None else f" by pid {process.parent}"
    cells = [_pid(fact), Cell(f" was made for this request alone{maker}")]
    if process.lifetime_ns is not None:
        cells += [
            Cell(" and lived "),
            Cell(duration(process.lifetime_ns), "bold"),
            *_spent(fact, process),
        ]
    if process.signal is not None:
        cells.append(Cell(f"; signal {process.signal} ended it", "bad"))
    elif process.code:
        cells.append(Cell(f"; it ended with status {process.code}", "bad"))
    born = plural(snapshot.n_born, "birth")
    cells.append(Cell(f"; {born} for {plural(snapshot.n_requests, 'request')} so far"))
    return cells


def _spent(fact: Request, process: ProcessRow) -> list[Cell]:
    """Of its life: starting, until the answer began, the rest."""
    began_at, born_at = script_began_at(fact), process.born_at
    if began_at is None or born_at is None or not 0 <= began_at - born_at < 60 * SECOND_NS:
        return []
    words = f": {duration(began_at - born_at)} of them starting {_what(process)}"
    if fact.first_byte_ns is not None:
        own_ns = nanos(fact.began_at) + fact.first_byte_ns - began_at
        if own_ns >= 0:
            words += f", {duration(own_ns)} until its answer began"
    return [Cell(words)]


def _what(process: ProcessRow) -> str:
    """What had to start: "Python", "perl"."""
    command = (process.argv or process.name or "").split(" ")[0].rpartition("/")[2]
    name = command.rstrip("0123456789.")
    return "Python" if name == "python" else safe(name) or "it"


def _of_a_pool(fact: Request, process: ProcessRow | None, snapshot: Snapshot) -> list[Cell]:
    n_workers = sum(p.role == "worker" and p.died_at is None for p in snapshot.processes)
    of = f", one of {n_workers} workers," if n_workers > 1 else ""
    cells = [*_queue(fact), *_answered(fact, process, of)]
    if process is not None and process.requests:
        cells.append(Cell(f"; its {_nth(process.requests)} request"))
        cells += _age(process, snapshot)
    if not fact.births:
        cells.append(Cell("; no process was born for it"))
    return cells


def _in_a_thread(fact: Request, process: ProcessRow | None) -> list[Cell]:
    cells = [*_queue(fact), *_answered(fact, process)]
    if fact.thread is not None:
        n_threads = process.threads if process is not None else None
        of = f" of {n_threads}" if n_threads else ""
        cells.append(Cell(f" in its thread {fact.thread}{of}"))
    return [*cells, Cell("; others share its memory, and nothing was born for it")]


def _in_the_server(fact: Request, process: ProcessRow | None) -> list[Cell]:
    words = "; it is the web server's own: the interpreter lives in it, and there is no second hop"
    return [*_answered(fact, process), Cell(words)]


def _alone(fact: Request, process: ProcessRow | None, snapshot: Snapshot) -> list[Cell]:
    cells = [*_queue(fact), *_answered(fact, process)]
    threads = process.threads if process is not None else None
    inside = f", with {threads} threads inside" if threads is not None and threads > 1 else ""
    so_far = f"; one process answers all of them{inside}: {n_times(snapshot.n_requests)} so far"
    return [*cells, Cell(so_far)]


def _queue(fact: Request) -> list[Cell]:
    """Only what is worth a word: a wait that one could notice."""
    if fact.queue_ns is None or fact.queue_ns < SECOND_NS // 1000:
        return []
    return [Cell(f"it waited {duration(fact.queue_ns)} to be read; ", "warn")]


def _answered(fact: Request, process: ProcessRow | None, of: str = "") -> list[Cell]:
    if fact.pid is None:
        return [Cell(f"answered in {duration(fact.duration_ns)}, by whom nobody saw")]
    role = "" if process is None or of else f" ({process.role})"
    if fact.duration_ns is None:
        return [_pid(fact), Cell(f"{role}{of} had it; no answer of it was seen")]
    return [
        _pid(fact),
        Cell(f"{role}{of} answered it in "),
        Cell(duration(fact.duration_ns), "bold"),
    ]


def _nth(count: int) -> str:
    tail = (
        "th" if count % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th")
    )
    return f"{count:,}{tail}"


def _age(process: ProcessRow, snapshot: Snapshot) -> list[Cell]:
    if process.born_at is None or snapshot.now_at is None or process.died_at is not None:
        return []
    return [Cell(f" in {duration(snapshot.now_at - process.born_at)} of life")]


def _on_the_wire(fact: Request) -> list[Cell]:
    """What passed on the watched hop."""
    head = "" if fact.request_head_bytes is None else f", a head of {fact.request_head_bytes} bytes"
    kept = f", the {_nth(fact.sequence + 1)} on its connection" if fact.sequence else ""
    body = plural(fact.response_body_bytes, "byte")
    return [Cell(f". On the hop: {safe(fact.protocol)}{head}{kept}; {body} came back", "dim")]


def _wrapped(cells: list[Cell], width: int) -> list[Line]:
    """At spaces, each word in its cell's style."""
    rows: list[list[Cell]] = [[Cell(" ")]]
    used, pending = 1, ""
    for cell in cells:
        for place, word in enumerate(cell.text.split(" ")):
            pending = " " if place else pending
            if not word:
                continue
            if used + len(pending) + len(word) > width - 1 and used > 1 and pending:
                rows.append([Cell("   ")])
                used, pending = 3, ""
            rows[-1].append(Cell(pending + word, cell.style))
            used, pending = used + len(pending) + len(word), ""
    return [tuple(row) for row in rows]


def _page(words: str, width: int, n_lines: int, hint: Cell) -> list[Line]:
    """As many lines of it as there are, with the way to the rest at the end of the last."""
    found: list[str] = [""]
    for word in words.split():
        room = width - 2 - (len(hint.text) + 4 if len(found) == n_lines else 0)
        if len(found[-1]) + 1 + len(word) > room:
            if len(found) == n_lines:
                found[-1] += " …"
                break
            found.append("")
        found[-1] = f"{found[-1]} {word}".strip()
    told: list[Line] = [(Cell(f" {line}", "dim"),) for line in found]
    return [*told[:-1], (*told[-1], Cell("  "), hint)]
