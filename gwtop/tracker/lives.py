"""Lives: a process in, the facts of its life out. Pure; decides nothing but words.

When a fact is told is `lineage`'s business, what it says is written here. What was asked for
(`--details`, redaction) is applied where the fact is made.
"""

from gwtop.nouns.facts import UNSET, Pairs, ProcessBorn, ProcessExited, ProcessSeen, Role
from gwtop.nouns.records import Present
from gwtop.nouns.times import instant
from gwtop.protocols._base import Pair
from gwtop.redaction import redact_pairs
from gwtop.tracker import answerers, spending
from gwtop.tracker.process import Process

CGI_MARK = b"GATEWAY_INTERFACE"  # RFC 3875 4.1.4: every CGI process has it, no other should


def role(process: Process, front: int | None) -> Role:
    """`front`: the pid of the front server, where a demo said so."""
    if process.pid == front:
        return "front"
    if process.environ is not None and process.execed and CGI_MARK in process.environ:
        return "cgi"
    if process.request is not None and process.execed and process.n_requests:
        return "cgi"
    above = _front_above(process, front)
    if process.holds_listener:
        if not answerers.answers(process):
            return "master"
        return "front" if above is not None and answerers.passes_on(process) else "worker"
    if process.n_requests:
        return "worker"  # one that others pass requests on to: mod_wsgi's daemon, mod_fcgid's
    # What a front before a gateway has below it is front, too: nginx's worker, Apache's children.
    # Below one that listens itself there may be workers that have not answered yet.
    return "front" if above is not None and not above.holds_listener else "other"


def _front_above(process: Process, front: int | None) -> Process | None:
    above = process.parent
    while above is not None and above.pid != front:
        above = above.parent
    return above


def seen(process: Process, record: Present, role: Role) -> ProcessSeen:
    return ProcessSeen(
        at=instant(record.at),
        pid=record.pid,
        parent=record.parent,
        name=process.name,
        argv=texts(record.argv),
        role=role,
        born_at=None if record.born_at is None else instant(record.born_at),
    )


def born(process: Process, role: Role, details: bool, show_secrets: bool) -> ProcessBorn:
    assert process.born_at is not None
    return ProcessBorn(
        at=instant(process.born_at),
        pid=process.pid,
        parent=process.parent_pid,
        name=process.name,
        argv=texts(process.argv),
        role=role,
        request=process.request,
        environ=_environ(process, show_secrets) if details else UNSET,
    )


def _environ(process: Process, show_secrets: bool) -> Pairs | None:
    if process.environ is None or not process.execed:
        return None
    pairs: list[Pair] = list(process.environ.items())
    if not show_secrets:
        pairs = redact_pairs(pairs)
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs]


def exited(process: Process, role: Role) -> ProcessExited:
    """Its role only where it turned out to be a CGI process: roles that hang on those around it
    change when all go."""
    assert process.exited_at is not None
    lifetime_ns = None if process.born_at is None else process.exited_at - process.born_at
    return ProcessExited(
        at=instant(process.exited_at),
        pid=process.pid,
        lifetime_ns=lifetime_ns,
        code=process.code,
        signal=process.signal,
        cpu_ns=spending.cpu_ns_of(process),
        max_rss_bytes=process.max_rss_bytes,
        requests=process.n_requests,
        role="cgi" if role == "cgi" != process.told_role else UNSET,
    )


def texts(argv: tuple[bytes, ...] | None) -> list[str] | None:
    return None if argv is None else [word.decode("latin-1") for word in argv]


def name_of(argv: tuple[bytes, ...] | None, other: bytes | None) -> str | None:
    """What people call it: the script for an interpreter's child is in argv, so keep it short.

    A program may call itself otherwise, and the kernel keeps 15 bytes of that: mod_perl calls
    Apache "/usr/sbin/apach"."""
    if argv and other and b"/" in other and argv[0].startswith(other):
        other = argv[0]
    name = other or (argv[0] if argv else None)
    return None if not name else name.rsplit(b"/", 1)[-1].decode("latin-1")
