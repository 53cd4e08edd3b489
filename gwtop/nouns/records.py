"""Records: what a tap saw, and when. In: nothing; out: types. They know no protocol.

Every record carries `at`, the instant of the thing itself (kernel stamp where there is one), not
of our reading it. Taps arrive with different delays, so records of different taps are not in
order of `at`; records of one tap are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from gwtop.nouns.times import Nanos
from gwtop.nouns.wire import Chunk, Closed, Lost, Opened


class Span(NamedTuple):
    """Where one captured frame lies in its batch's buffer."""

    at: Nanos
    start: int
    end: int
    """One past the last captured byte; `end - start` may be less than `wire_bytes` (snaplen)."""
    wire_bytes: int


Spanned: TypeAlias = tuple[Nanos, int, int, int]
"""What a `Span` is to those who unpack it. A busy tap makes these: the named one costs four times
as much, for every frame of a capture."""


class Frames(NamedTuple):
    """A batch of link-layer frames that share a buffer (a ring block, a window of a file).

    A batch and not a frame: a tuple and a call per frame is what a reader in Python spends most
    of its time on. `buffer` is only valid until the tap's next `read`; whoever keeps bytes
    copies them.
    """

    tap: str
    link: int
    """LINKTYPE_* (pcap-linktype(7)): 1 Ethernet, 0 BSD loopback, 113 SLL, 276 SLL2, 101 raw."""
    buffer: bytes | memoryview
    spans: Sequence[Spanned]

    @classmethod
    def of(cls, tap: str, link: int, frames: Iterable[tuple[Nanos, bytes]]) -> "Frames":
        """A batch from whole frames; for tests and slow taps."""
        parts: list[bytes] = []
        spans: list[Span] = []
        start = 0
        for at, data in frames:
            spans.append(Span(at, start, start + len(data), len(data)))
            parts.append(data)
            start += len(data)
        return cls(tap, link, b"".join(parts), spans)


@dataclass(frozen=True, slots=True)
class Forked:
    """A process (never a thread) was made."""

    at: Nanos
    pid: int
    parent: int


@dataclass(frozen=True, slots=True)
class Execed:
    """A process became another program. Vanished before /proc was read: the fields are None."""

    at: Nanos
    pid: int
    argv: tuple[bytes, ...] | None
    exe: bytes | None
    environ: tuple[tuple[bytes, bytes], ...] | None


@dataclass(frozen=True, slots=True)
class Exited:
    """A process (not a thread) ended; exactly one of `code` and `signal` is known, or neither."""

    at: Nanos
    pid: int
    code: int | None
    signal: int | None


@dataclass(frozen=True, slots=True)
class Present:
    """A process of the watched tree that was there when we looked."""

    at: Nanos
    pid: int
    parent: int
    born_at: Nanos | None
    argv: tuple[bytes, ...] | None
    exe: bytes | None
    name: bytes
    holds_listener: bool | None
    """Has a watched listening socket among its descriptors. None: we may not read them."""
    embeds: str | None = None
    """Interpreters mapped into it as a web server's modules: "libphp8.2.so". None: none seen."""
    listens: frozenset[str] = frozenset()
    """Which watched listeners, as they were bound: "0.0.0.0:9000", "unix:/run/app.sock"."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """One look at a live process; counters are cumulative."""

    at: Nanos
    pid: int
    cpu_ns: int | None
    rss_bytes: int | None
    n_threads: int | None
    n_fds: int | None
    state: str | None
    """The letter of /proc/PID/stat: R S D Z T ..."""
    holds_listener: bool | None
    embeds: str | None = None
    """As in `Present`; told once, None afterwards."""
    listens: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Spent:
    """What a process that ends has spent; of any process of the machine."""

    at: Nanos
    """When we were told; the end itself was up to a second before."""
    pid: int
    cpu_ns: int
    """At least so much; several taps may tell, and the most is the nearest."""
    max_rss_bytes: int | None
    lifetime_ns: int


@dataclass(frozen=True, slots=True)
class Touched:
    """A thread of a process read, wrote, closed or accepted a connection (kernel evidence), or
    was seen to hold its socket."""

    at: Nanos
    pid: int | None
    """None: the thread was gone before anybody knew whose it was."""
    thread: int
    """The kernel's thread id; for "holds", where no thread did anything, the pid."""
    local: str
    remote: str
    verb: Literal["read", "wrote", "closed", "accepted", "holds"]
    n_bytes: int | None
    """None: not told."""
    sock: int | None = None
    """Names the socket, so that one that follows it on the same addresses is not taken for it."""
    conn: int | None = None
    """The connection itself, where the tap that tells its bytes tells this: its addresses name no
    other, and who read is certain."""
    sees_arrivals: bool = False
    """With `conn`: the `Chunk` that follows is stamped with the arrival of its bytes, else with
    this very read."""


@dataclass(frozen=True, slots=True)
class Passed:
    """A thread of the watched tree put bytes into a unix socket, or took some out."""

    at: Nanos
    pid: int | None
    thread: int
    sock: int
    """Names this end of the socket; the other end has another name."""
    verb: Literal["sent", "received"]
    n_bytes: int
    arrives_at: int | None = None
    """The name of the other end, for bytes that were sent. None: not told."""


@dataclass(frozen=True, slots=True)
class Wrote:
    """A process wrote the answer's bytes that come next on a connection through a relay."""

    at: Nanos
    conn: int
    pid: int


@dataclass(frozen=True, slots=True)
class Hidden:
    """This process and those below it may pass what they read on to others, and nobody sees to
    whom: the reader of a request is not known to be the one who answers it."""

    at: Nanos
    pid: int


@dataclass(frozen=True, slots=True)
class Worked:
    """A thread of the watched tree did something with a connection that its process took from a
    unix listener and whose bytes nobody shows."""

    at: Nanos
    pid: int
    thread: int
    """For what was found by looking, the pid."""
    listen: str
    connection: int
    """The tap's number for it, never used again."""
    verb: Literal["accepted", "read", "wrote", "closed", "holds", "waits"]
    """"holds": was found to have it. "waits": was found to wait for more from it."""
    n_bytes: int | None
    """Of "read" and "wrote"."""


@dataclass(frozen=True, slots=True)
class Named:
    """A process became the program in this file, as the caller of exec wrote it. Comes for every
    process of the machine and for those that are gone before /proc could be read."""

    at: Nanos
    pid: int
    name: bytes


@dataclass(frozen=True, slots=True)
class ExecRefused:
    """A process asked to become another program and could not. Comes for every process of the
    machine; a search along PATH is refused once in each folder that lacks the program."""

    at: Nanos
    pid: int
    """A thread's id; that of a process with one thread is its pid."""
    error: int
    """The errno: 13 permission denied, 2 no such file, 8 no format that the kernel knows."""


@dataclass(frozen=True, slots=True)
class Queue:
    """How many connections wait at a listener, and how many may."""

    at: Nanos
    listener: str
    pending: int
    limit: int


@dataclass(frozen=True, slots=True)
class Missed:
    """The kernel dropped (or a poller could not see) `n` more of `what`. n None: cannot tell."""

    at: Nanos
    tap: str
    what: Literal["frames", "process_events", "bytes", "requests"]
    n: int | None


@dataclass(frozen=True, slots=True)
class Metered:
    """What a tap that slows those it watches has had to do lately."""

    at: Nanos
    tap: str
    events_per_s: int
    n_missed: int
    """Since the start."""
    copy_bytes: int
    """Of each event at most; 0: lengths only."""


@dataclass(frozen=True, slots=True)
class TapState:
    """A tap opened, was refused or is absent here; `needs` is what would change that."""

    at: Nanos
    tap: str
    state: Literal["open", "refused", "absent"]
    needs: str | None
    counts: tuple[Literal["frames", "process_events"], ...] = ()
    """Which losses this tap can count; a `missed` that no open tap counts is null in facts."""
    sees_reads: bool = False
    """Every read of a watched connection is told: who is told of none is idle."""
    tells_spent: bool = False
    """A `Spent` comes for every process that ends, before or with its `Exited`."""


@dataclass(frozen=True, slots=True)
class Observed:
    """A tap has something to say to the user that concerns no request (becomes a `note`)."""

    at: Nanos
    code: str
    severity: Literal["info", "warn", "error"]
    text: str
    pid: int | None = None
    listen: str | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """The engine's heartbeat (or, in a file, trace time having moved on by one period)."""

    at: Nanos


Record: TypeAlias = (
    Frames
    | Opened
    | Chunk
    | Lost
    | Closed
    | Forked
    | Execed
    | Exited
    | Present
    | Sampled
    | Spent
    | Touched
    | Passed
    | Wrote
    | Hidden
    | Worked
    | Named
    | ExecRefused
    | Queue
    | Missed
    | Metered
    | TapState
    | Observed
    | Tick
)
