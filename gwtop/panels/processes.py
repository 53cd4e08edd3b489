"""The processes: a tree of the living, and under their parents the newest of the gone.

In: a snapshot. Out: rows in the order they are drawn. Refuses to know how a process model is
judged: it asks the verdict only which columns matter more.

Long-lived children come first and in order of birth, so that workers keep their lines; the gone
follow, newest first, each with its lifetime, its exit status and the request it answered. That
order makes a pool stand still and a process-per-request gateway rain.
"""

from collections.abc import Iterator

from gwtop.model import Snapshot
from gwtop.model.processes import ProcessRow
from gwtop.nouns.facts import UNSET, InFlight, UnixWork
from gwtop.nouns.hosts import HostPid
from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS, nanos
from gwtop.panels._base import HOST, PLAIN, Cell, Column, Look, Row, Style
from gwtop.panels._safe import safe
from gwtop.panels._sorting import Keys, Sort, arranged
from gwtop.panels._text import UNKNOWN, duration, idle_time, n_bytes, n_many, percent, plural

NAME = "processes"
TITLE = "processes"
ORDER = 30
COLUMNS = (
    Column("pid", 11, "<", "process id, under its parent"),
    Column("role", 8, "<", "● answering, ○ idle, † gone, · not known; and what it is for", keep=8),
    Column("doing", 40, "<", "the request it answers, or the last one it answered", grow=True),
    Column("age", 6, ">", "how long it has lived; of the gone, how long it lived", keep=6),
    Column("exit", 6, ">", "exit status, or the signal that ended it", keep=5),
    Column("cpu", 5, ">", "of one core, over the last second", keep=4),
    Column("rss", 5, ">", "resident memory", keep=3),
    Column("req", 6, ">", "requests it answered", keep=7),
    Column("gone", 6, ">", "children of it that ended: in a pool, respawns", keep=1, room=40),
)
SHOWN_GONE = 100
BLINK_NS = 300 * MILLISECOND_NS
"""What takes no longer is not worth a word: more than a tick of a screen."""
GONE_SHOWN_NS = 60 * SECOND_NS
"""How long a process that answered nothing (a killed worker) stays on the screen."""
MAX_DEPTH = 3
"""Deeper processes are drawn at this depth, with a mark: the pid must stay readable."""


def columns(snapshot: Snapshot) -> tuple[Column, ...]:
    """COLUMNS, with those kept longest that tell most under this process model."""
    if snapshot.model == "process-per-request" or _is_raining(snapshot):
        weights = {"cpu": (2, 24), "rss": (3, 24), "req": (4, 24)}
    else:
        weights = {"exit": (2, 24), "age": (3, 24), "rss": (5, 18), "cpu": (6, 14)}
    n_digits = len(str(max((p.pid for p in snapshot.processes), default=0)))
    chosen = [COLUMNS[0]._replace(width=max(6, n_digits + 4))]
    chosen += [HOST] if snapshot.hosts else []
    for column in COLUMNS[1:]:
        keep, room = weights.get(column.name, (column.keep, column.room))
        chosen.append(column._replace(keep=keep, room=room))
    return tuple(chosen)


SORTS = ("pid", "role", "doing", "age", "exit", "cpu", "rss", "req", "gone")


def rows(snapshot: Snapshot, look: Look = PLAIN, sort: Sort | None = None) -> list[Row]:
    """The tree; sorted, a list without guides."""
    now_doing = _doing_by_pid(snapshot)
    shown, is_known = _shown(snapshot), _is_known_who(snapshot)
    if sort is None:
        placed = list(_tree(shown))
    else:
        placed = [(p, "") for p in arranged(shown, sort, _keys(snapshot, now_doing))]
    return [
        Row(process.key, _cells(snapshot, process, guide, now_doing, is_known))
        for process, guide in placed
    ]


def why_empty(snapshot: Snapshot) -> str:
    """Nothing, unless somebody was there whom we may not see."""
    hidden = any(note.code == "owner-hidden" for note in snapshot.notes)
    return "hidden from us: sudo, or --pid PID of the server, shows them" if hidden else ""


def _keys(snapshot: Snapshot, now_doing: dict[int, InFlight]) -> Keys[ProcessRow]:
    now_at = snapshot.now_at or 0

    def age_ns(process: ProcessRow) -> int | None:
        gone = process.died_at is not None
        since = None if process.born_at is None else now_at - process.born_at
        return process.lifetime_ns if gone else since

    def busy_ns(process: ProcessRow) -> int | None:
        """The longest at work first, then those that came to rest last."""
        request = now_doing.get(process.pid)
        if request is not None and process.died_at is None:
            return now_at - nanos(request.began_at)
        return None if process.answered is None else process.answered.at - now_at

    return {
        "pid": lambda p: p.pid,
        "role": lambda p: p.role,
        "doing": busy_ns,
        "age": age_ns,
        "exit": lambda p: p.code if p.signal is None else 1_000 + p.signal,
        "cpu": lambda p: p.cpu_percent,
        "rss": lambda p: p.rss_bytes,
        "req": lambda p: p.requests,
        "gone": lambda p: p.n_children_gone,
    }


def _is_raining(snapshot: Snapshot) -> bool:
    return snapshot.model is None and snapshot.n_exited > snapshot.n_requests // 2 > 0


def _shown(snapshot: Snapshot) -> list[ProcessRow]:
    living = [p for p in snapshot.processes if p.died_at is None]
    gone = [p for p in snapshot.processes if p.died_at is not None]
    now_at = snapshot.now_at or 0
    return living + [
        p for p in gone[-SHOWN_GONE:] if p.answered or now_at - (p.died_at or 0) < GONE_SHOWN_NS
    ]


def _tree(processes: list[ProcessRow]) -> Iterator[tuple[ProcessRow, str]]:
    """Each process with its guide ("├ ", "│ ╰ "), parents before children."""
    by_pid: dict[int, ProcessRow] = {}
    for process in sorted(processes, key=lambda p: p.died_at is None):
        by_pid[process.pid] = process
    children: dict[int | None, list[ProcessRow]] = {}
    for process in processes:
        parent = by_pid.get(process.parent) if process.parent is not None else None
        own = parent is not None and _may_be_parent(parent, process)
        children.setdefault(parent.key if own and parent else None, []).append(process)
    for siblings in children.values():
        siblings.sort(key=_place)
    yield from _walk(children, None, "", 0)


def _may_be_parent(parent: ProcessRow, child: ProcessRow) -> bool:
    """No younger than its child: a pid that came back would make a circle that nobody reaches."""
    return parent.key < child.key or (parent.was_there and parent.key != child.key)


def _place(process: ProcessRow) -> tuple[bool, int]:
    gone = process.died_at is not None
    return gone, -process.key if gone else process.key


def _walk(
    children: dict[int | None, list[ProcessRow]], key: int | None, guide: str, depth: int
) -> Iterator[tuple[ProcessRow, str]]:
    siblings = children.get(key, [])
    for place, process in enumerate(siblings):
        last = place == len(siblings) - 1
        own = guide + ("╰ " if last else "├ ") if depth else ""
        yield process, own
        if depth < MAX_DEPTH:
            below = guide + ("  " if last else "│ ") if depth else ""
            yield from _walk(children, process.key, below, depth + 1)
        else:
            yield from _flat(children, process.key, own)


def _flat(
    children: dict[int | None, list[ProcessRow]], key: int, guide: str
) -> Iterator[tuple[ProcessRow, str]]:
    """Everything below `key` on one level: no recursion that a chain of forks could exhaust."""
    waiting = list(reversed(children.get(key, [])))
    while waiting:
        process = waiting.pop()
        yield process, guide[:-2] + "… "
        waiting.extend(reversed(children.get(process.key, [])))


def _doing_by_pid(snapshot: Snapshot) -> dict[int, InFlight]:
    by_id = {request.id: request for request in snapshot.in_flight}
    doing = {r.pid: r for r in snapshot.in_flight if r.pid is not None}
    for process in snapshot.processes:
        for request_id in process.busy_with:
            if request_id in by_id and process.died_at is None:
                doing.setdefault(process.pid, by_id[request_id])
    return doing


def _is_known_who(snapshot: Snapshot) -> bool:
    """Whether a worker without a request has nothing to do. Not, where one is being answered for
    longer than a blink and nobody sees by whom: through a relay that is told with the answer."""
    until = (snapshot.now_at or 0) - BLINK_NS
    return not any(
        r.pid is None and r.queue_ns is not None and nanos(r.began_at) <= until
        for r in snapshot.in_flight
    )


def _cells(
    snapshot: Snapshot,
    process: ProcessRow,
    guide: str,
    now_doing: dict[int, InFlight],
    is_known: bool,
) -> tuple[Cell, ...]:
    gone = process.died_at is not None
    request = None if gone else now_doing.get(process.pid)
    base: Style = "dim" if gone else ""
    return (
        Cell(guide + str(process.pid), "" if gone else "accent"),
        *([Cell(_host(snapshot, process), base)] if snapshot.hosts else ()),
        _role(process, request, is_known),
        _doing(snapshot, process, request, is_known),
        Cell(_age(snapshot, process), base),
        _exit(process),
        Cell("" if gone else percent(process.cpu_percent), base),
        Cell(n_bytes(process.rss_bytes), base),
        Cell(n_many(process.requests) if process.requests else UNKNOWN, base),
        Cell(n_many(process.n_children_gone) if process.n_children_gone else UNKNOWN, base),
    )


def _host(snapshot: Snapshot, process: ProcessRow) -> str:
    pid = process.pid
    return safe(snapshot.hosts[pid.host - 1]) if isinstance(pid, HostPid) else UNKNOWN


def _role(process: ProcessRow, request: InFlight | None, is_known: bool) -> Cell:
    if process.died_at is not None:
        return Cell(f"† {process.role}", "dim")
    if request is not None:
        return Cell(f"● {process.role}", "good")
    if process.role == "worker":
        is_idle = process.unix is not None or (process.answered is not None and is_known)
        return Cell(f"{'○' if is_idle else '·'} {process.role}")
    return Cell(f"· {process.role}" if process.role == "cgi" else f"  {process.role}")


def _doing(
    snapshot: Snapshot, process: ProcessRow, request: InFlight | None, is_known: bool
) -> Cell:
    if request is not None:
        return _tailed(_flight(request), duration(_worked_ns(snapshot, request)))
    answered = process.answered
    if process.died_at is not None:
        if answered is None:
            return Cell(command(process), "dim")
        status = UNKNOWN if answered.status is None else answered.status
        return _tailed(_words(answered.method, answered.target), f"→ {status}")
    if process.role == "worker" and process.unix is not None:
        return _unix_idle(snapshot, process.unix)
    if process.role == "worker":
        if answered is None or snapshot.now_at is None:
            return Cell(UNKNOWN, "dim")
        since = idle_time(snapshot.now_at - answered.at)
        return (
            _tailed("idle", since, "dim")
            if is_known
            else _tailed("answered", f"{since} ago", "dim")
        )
    return Cell(command(process), "dim")


def _worked_ns(snapshot: Snapshot, request: InFlight) -> int | None:
    """How long its worker has been at it; what it waited for a worker before is not the worker's
    doing. Where nobody sees reads it is all one."""
    if snapshot.now_at is None:
        return None
    queue_ns = 0 if request.queue_ns is UNSET or request.queue_ns is None else request.queue_ns
    return snapshot.now_at - nanos(request.began_at) - queue_ns


def _flight(request: InFlight) -> str:
    """Of a unix connection whose bytes nobody sees: how many went."""
    if request.read_bytes is UNSET or request.wrote_bytes is UNSET:
        return _words(request.method, request.target)
    return _moved("a connection", request.read_bytes, request.wrote_bytes)


def _unix_idle(snapshot: Snapshot, done: UnixWork) -> Cell:
    words = _moved(plural(done.connections, "connection"), done.read_bytes, done.wrote_bytes)
    if done.idle_since is None or snapshot.now_at is None:
        return Cell(f"idle  {words}", "dim")
    return _tailed(
        f"idle after {words}", idle_time(snapshot.now_at - nanos(done.idle_since)), "dim"
    )


def _moved(what: str, read_bytes: int, wrote_bytes: int) -> str:
    return f"{what}: {n_bytes(read_bytes)} read, {n_bytes(wrote_bytes)} written"


def process_of(pid: int | None, snapshot: Snapshot) -> ProcessRow | None:
    """The newest one of this pid: the dead stand behind the living, and pids are used again."""
    found = [p for p in snapshot.processes if p.pid == pid]
    return max(found, key=lambda p: p.key, default=None)


def command(process: ProcessRow) -> str:
    """What was started, without the folders that would push it out of sight."""
    command = process.argv or process.name
    if command is None:
        return UNKNOWN
    head, *rest = command.split(" ", 2)
    short = [word.rpartition("/")[2] or word for word in (head, *rest[:1])]
    return safe(" ".join([*short, *rest[1:]]))


def _tailed(words: str, tail: str, style: Style = "") -> Cell:
    return Cell(f"{words}  {tail}", style, len(tail) + 1)


def _words(method: str | None, target: str | None) -> str:
    return f"{UNKNOWN if method is None else safe(method)} {safe((target or UNKNOWN)[:400])}"


def _age(snapshot: Snapshot, process: ProcessRow) -> str:
    if process.died_at is not None:
        return duration(process.lifetime_ns)
    if process.born_at is None or snapshot.now_at is None:
        return UNKNOWN
    return duration(snapshot.now_at - process.born_at)


def _exit(process: ProcessRow) -> Cell:
    if process.died_at is None:
        return Cell("")
    if process.signal is not None:
        return Cell(f"sig {process.signal}", "bad")
    if process.code is None:
        return Cell(UNKNOWN, "dim")
    return Cell(str(process.code), "dim" if process.code == 0 else "bad")
