"""Facts: what a program or a screen may know. One frozen struct per line type of the interface.

One definition gives the JSON (keys in the order of the fields, `type` first), its decoding and
its schema. Instants are text (`gwtop.nouns.times.instant`), durations int nanoseconds (`*_ns`),
sizes int bytes (`*_bytes`). Unknown is null, never 0 or "". Strings from outside are the latin-1
decoding of the bytes; the journal escapes what a terminal would act on.

A field that is only there when asked for (`--details`, `--bodies`) is UNSET otherwise, which
leaves its key out of the JSON.
"""

from typing import Literal, TypeAlias

import msgspec
from msgspec import UNSET as UNSET
from msgspec import UnsetType as UnsetType

from gwtop.nouns.times import Instant

FORMAT = 1
"""Raised when the meaning of a key changes; additions do not raise it."""

Severity: TypeAlias = Literal["info", "warn", "error"]
Outcome: TypeAlias = Literal["done", "failed", "aborted", "partial"]
Evidence: TypeAlias = Literal["environ", "kernel", "socket", "relay", "spawn", "sole"]
Role: TypeAlias = Literal["master", "worker", "cgi", "front", "other"]
Model: TypeAlias = Literal[
    "process-per-request", "embedded", "threaded", "worker-pool", "single-process"
]
Pairs: TypeAlias = list[tuple[str, str]]


class Part(msgspec.Struct, frozen=True):
    """A piece of a fact; no line of its own."""


class Line(msgspec.Struct, frozen=True, tag_field="type", kw_only=True):
    """A fact: one line of the journal."""

    host: str | UnsetType = UNSET
    """Whose it is, where several machines' facts were merged (`gwtop view A B`); the last key."""


class Watched(Part, frozen=True):
    listen: str
    protocol: str | None
    """None until detected."""


class Tap(Part, frozen=True):
    name: str
    state: Literal["open", "refused", "absent"]
    needs: str | None


class Hello(msgspec.Struct, frozen=True, tag_field="type", tag="hello"):
    """First line, written when every tap is open: what happens later is seen."""

    format: int
    gwtop: str
    host: str
    source: Literal["live", "file"]
    at: Instant
    watch: list[Watched]
    taps: list[Tap]


class NoteText(Part, frozen=True):
    """What an expert would say of one request."""

    code: str
    severity: Severity
    text: str


class Request(Line, frozen=True, tag="request"):
    """One exchange that is over."""

    id: int
    connection: int
    stream: int
    sequence: int
    at: Instant
    began_at: Instant
    protocol: str
    client: str
    server: str
    method: str | None
    target: str | None
    status: int | None
    outcome: Outcome
    duration_ns: int | None
    first_byte_ns: int | None
    queue_ns: int | None
    request_head_bytes: int | None
    response_head_bytes: int | None
    request_body_bytes: int
    response_body_bytes: int
    lost_bytes: int
    keep_alive: bool | None
    stderr: str | None
    pid: int | None
    thread: int | None
    reader: int | None
    evidence: Evidence | None
    births: list[int]
    pair: int | None
    notes: list[NoteText]
    fields: Pairs | UnsetType = UNSET
    response_fields: Pairs | UnsetType = UNSET
    request_body: str | UnsetType = UNSET
    response_body: str | UnsetType = UNSET


class ProcessBorn(Line, frozen=True, tag="process_born"):
    at: Instant
    """The fork."""
    pid: int
    parent: int
    name: str | None
    argv: list[str] | None
    role: Role
    request: int | None
    environ: Pairs | UnsetType | None = UNSET


class ProcessSeen(Line, frozen=True, tag="process_seen"):
    """Was there before we were."""

    at: Instant
    pid: int
    parent: int | None
    name: str | None
    argv: list[str] | None
    role: Role
    born_at: Instant | None


class ProcessExited(Line, frozen=True, tag="process_exited"):
    at: Instant
    pid: int
    lifetime_ns: int | None
    code: int | None
    signal: int | None
    cpu_ns: int | None
    max_rss_bytes: int | None
    requests: int
    role: Role | UnsetType = UNSET
    """Where it became clear only after the last word about it: a CGI process that was told before
    its exec."""


class UnixWork(Part, frozen=True):
    """What a process did with connections of a watched unix listener, or of a port that is watched
    in calls (`--capture calls --copy 0`), whose bytes nobody shows."""

    connections: int
    """Taken since we watch."""
    read_bytes: int
    wrote_bytes: int
    idle_since: Instant | None
    """When it last had nothing to do any more; null: not yet."""


class ProcessSample(Line, frozen=True, tag="process_sample"):
    at: Instant
    pid: int
    role: Role
    cpu_percent: float | None
    rss_bytes: int | None
    threads: int | None
    fds: int | None
    state: str | None
    requests: int
    busy_with: list[int]
    """Ids of the requests it is answering now; [] when none is known."""
    unix: UnixWork | UnsetType = UNSET
    """Where a unix listener is watched and the bytes are not seen."""


class Missing(Part, frozen=True):
    """What was not seen; null where no tap could count it."""

    frames: int | None
    process_events: int | None
    bytes: int | None
    requests: int | None


class InFlight(Part, frozen=True):
    id: int
    connection: int
    method: str | None
    target: str | None
    began_at: Instant
    pid: int | None
    queue_ns: int | UnsetType | None = UNSET
    """From `began_at` to its worker's first read; null: nobody has read it yet, it waits. Not
    there where nobody sees reads."""
    read_bytes: int | UnsetType = UNSET
    """Where only this is seen of it: a unix connection, and how much its worker has read so far."""
    wrote_bytes: int | UnsetType = UNSET


class Calls(Part, frozen=True):
    """Probed system calls of the watched processes, of any descriptor."""

    per_s: int
    missed: int
    """Since the start."""
    copy_bytes: int
    """Of each call at most; 0: lengths only."""


class QueueState(Part, frozen=True):
    listen: str
    pending: int | None
    limit: int | None


class Tick(Line, frozen=True, tag="tick"):
    at: Instant
    requests: int
    missed: Missing
    in_flight: list[InFlight]
    busy: int | None
    idle: int | None
    queues: list[QueueState]
    model: Model | None
    model_evidence: str | None
    watch: list[Watched]
    """As in `hello`, with what has been detected since."""
    calls: Calls | UnsetType = UNSET
    """Where bytes are seen through the system calls of the watched processes: what that costs."""


class Note(Line, frozen=True, tag="note"):
    """What concerns no single request."""

    at: Instant
    code: str
    severity: Severity
    text: str
    pid: int | None
    listen: str | None


class Connection(Line, frozen=True, tag="connection"):
    id: int
    client: str
    server: str
    protocol: str | None
    opened_at: Instant
    closed_at: Instant
    requests: int
    how: str


class DetailRecord(Part, frozen=True):
    """A record on the wire: a FastCGI record, a packet, a head, a chunk."""

    side: Literal["client", "server"]
    at: Instant
    """Of its first byte."""
    offset: int
    """In `data`, as all offsets here."""
    bytes_long: int
    name: str
    fields: list[tuple[str, str, int, int]]
    """Name, value, offset, length. One that lies inside another before it is its part."""


class Detail(Line, frozen=True, tag="detail"):
    """The bytes of one exchange: those of the client, then those of the server."""

    id: int
    kept: bool
    """False: no longer, or never; the rest is empty then."""
    records: list[DetailRecord]
    """In the order of their instants."""
    data: str
    """Base64. Secrets are blanked by as many `*`."""
    answer_offset: int = 0
    """Where in `data` the server's bytes begin."""
    bodies: list[tuple[Literal["client", "server"], int, int]] = []
    """Side, offset, length: the pieces of both bodies, in order, without framing."""
    gaps: list[tuple[int, int]] = []
    """Offset, length: bytes that were not seen; `data` has zeros there."""
    masked: list[tuple[int, int]] = []
    """Offset, length: secrets."""
    left_out: tuple[int, int] = (0, 0)
    """Bytes of the client and of the server that came behind those that are kept."""


class ProcessMemory(Part, frozen=True):
    rss_bytes: int | None
    peak_rss_bytes: int | None
    swap_bytes: int | None
    virtual_bytes: int | None


class ProcessThread(Part, frozen=True):
    id: int
    name: str
    state: str
    cpu_ns: int
    """Since its birth."""


class ProcessSocket(Part, frozen=True):
    fd: int
    kind: str
    local: str | None
    remote: str | None
    state: str | None
    connection: int | None
    """Id of the watched connection whose server's end it is."""


class ProcessDetail(Line, frozen=True, tag="process_detail"):
    """Answers a wish: one process of the watched tree, as it is now."""

    at: Instant
    pid: int
    state: str | None
    """A letter of proc_pid_stat(5). None: not there (any more), or not of the watched tree."""
    born_at: Instant | None
    start_ticks: int | None
    """Clock ticks from boot to birth: with the pid it names a process for good."""
    parent: int | None
    uid: int | None
    exe: str | None
    cwd: str | None
    language: str | None
    """Of the interpreter in it. None: none that we know."""
    argv: list[str] | None
    environ: Pairs | None
    memory: ProcessMemory | None
    cpu_ns: int | None
    fds: int | None
    sockets: list[ProcessSocket] | None
    threads: list[ProcessThread] | None
    n_threads: int | None
    unread: dict[str, str]
    """Why a part is null, by its key."""


class Percentiles(Part, frozen=True):
    p50: int | None
    p90: int | None
    p99: int | None
    max: int | None


class Summary(Line, frozen=True, tag="summary"):
    """Last line, always."""

    at: Instant
    requests: int
    in_flight: int
    outcomes: dict[str, int]
    statuses: dict[str, int]
    duration_ns: Percentiles
    queue_ns: Percentiles | None
    processes_born: int | None
    """None: no process was ever seen (a capture of frames alone)."""
    processes_exited: int | None
    processes_per_request: float | None
    workers: int
    model: Model | None
    model_evidence: str | None
    evidence: dict[str, int]
    frames: int
    connections: int
    missed: Missing
    notes: dict[str, int]


Fact: TypeAlias = (
    Hello
    | Request
    | ProcessBorn
    | ProcessSeen
    | ProcessExited
    | ProcessSample
    | Tick
    | Note
    | Connection
    | Detail
    | ProcessDetail
    | Summary
)
