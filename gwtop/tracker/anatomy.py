"""A process looked at closely, as a fact: its bytes as text, secrets blanked, its connections ours.

In: an `Anatomy` that a tap read, the process that the tracker means by its pid, the connections.
Out: a `process_detail` fact. Refuses to know /proc.

The pid was asked for, and by the time it was read it may have been another process's: one whose
birth is more than `SAME_BIRTH_NS` from that of ours is not the one that was meant.
"""

from collections.abc import Collection, Mapping

from gwtop.nouns.anatomy import Anatomy
from gwtop.nouns.facts import ProcessDetail, ProcessMemory, ProcessSocket, ProcessThread
from gwtop.nouns.times import SECOND_NS, instant
from gwtop.redaction import redact_pairs
from gwtop.tracker.connections import Connection
from gwtop.tracker.process import Process

SAME_BIRTH_NS = SECOND_NS
"""/proc tells births in clock ticks, on a clock that NTP slews; and no machine comes round to the
same pid within a second."""


def told(
    seen: Anatomy, process: Process | None, open_now: Collection[Connection], show_secrets: bool
) -> ProcessDetail:
    if process is None or not _is_same(seen, process):
        seen = Anatomy(seen.at, seen.pid, None)
    ours = {(c.opened.server, c.opened.client): c.id for c in open_now}
    return ProcessDetail(
        at=instant(seen.at),
        pid=seen.pid,
        state=seen.state,
        born_at=None if seen.born_at is None else instant(seen.born_at),
        start_ticks=seen.start_ticks,
        parent=seen.parent,
        uid=seen.uid,
        exe=_text(seen.exe),
        cwd=_text(seen.cwd),
        language=seen.language,
        argv=None if seen.argv is None else [part.decode("latin-1") for part in seen.argv],
        environ=_environ(seen, show_secrets),
        memory=None if seen.memory is None else ProcessMemory(*seen.memory),
        cpu_ns=seen.cpu_ns,
        fds=seen.n_fds,
        sockets=_sockets(seen, ours),
        threads=_threads(seen),
        n_threads=seen.n_threads,
        unread=dict(seen.unread),
    )


def _is_same(seen: Anatomy, process: Process) -> bool:
    if seen.born_at is None or process.born_at is None:
        return True
    return abs(seen.born_at - process.born_at) < SAME_BIRTH_NS


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode("latin-1")


def _environ(seen: Anatomy, show_secrets: bool) -> list[tuple[str, str]] | None:
    if seen.environ is None:
        return None
    pairs = list(seen.environ)
    if not show_secrets:
        pairs = redact_pairs(pairs)
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs]


def _sockets(seen: Anatomy, ours: Mapping[tuple[str, str], int]) -> list[ProcessSocket] | None:
    if seen.sockets is None:
        return None
    return [
        ProcessSocket(*held, ours.get((held.local or "", held.remote or "")))
        for held in seen.sockets
    ]


def _threads(seen: Anatomy) -> list[ProcessThread] | None:
    if seen.threads is None:
        return None
    return [ProcessThread(t.id, t.name.decode("latin-1"), t.state, t.cpu_ns) for t in seen.threads]
