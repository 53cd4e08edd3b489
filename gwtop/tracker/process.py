"""A process: one life of one pid, as far as we know it. In: what `lineage` writes. Out: itself.

Knows no other process but its parent and children. A pid is reused, a `Process` is not.
"""

from gwtop.nouns.facts import Role
from gwtop.nouns.times import MILLISECOND_NS, Nanos

DISORDER_NS = 5 * MILLISECOND_NS  # the connector's per-CPU buffers are merged roughly in order


class Process:
    """One life of one pid."""

    __slots__ = (
        "accounted",
        "argv",
        "birth",
        "born_at",
        "children",
        "clocked",
        "code",
        "cpu_ns",
        "due_at",
        "embeds",
        "environ",
        "execed",
        "exited_at",
        "holds_listener",
        "listens",
        "max_rss_bytes",
        "n_passed",
        "n_requests",
        "name",
        "parent",
        "parent_pid",
        "pid",
        "request",
        "sampled_at",
        "signal",
        "spent_cpu_ns",
        "told",
        "told_role",
    )

    def __init__(self, pid: int, parent_pid: int, parent: "Process | None") -> None:
        self.pid = pid
        self.parent_pid = parent_pid
        self.parent = parent
        self.children: list[Process] = []
        self.birth = False
        """Born while we watched (else: was there before)."""
        self.born_at: Nanos | None = None
        self.name: str | None = None
        self.argv: tuple[bytes, ...] | None = None
        self.environ: dict[bytes, bytes] | None = None
        self.execed = False
        """Became another program since its birth was seen."""
        self.holds_listener: bool | None = None
        """None: its descriptors may not be read."""
        self.listens: frozenset[str] = frozenset()
        """Which watched listeners, as they were bound; empty while it holds one: not told which."""
        self.exited_at: Nanos | None = None
        self.code: int | None = None
        self.signal: int | None = None
        self.cpu_ns: int | None = None
        """At the last sample."""
        self.spent_cpu_ns: int | None = None
        """At its end, by the kernel's account."""
        self.accounted = self.clocked = False
        """Its account with its memory has come; that of its time alone."""
        self.sampled_at: Nanos | None = None
        self.max_rss_bytes: int | None = None
        self.n_requests = 0
        self.n_passed = 0
        """Requests it read that another process was born for."""
        self.request: int | None = None
        """Id of the request it was made for."""
        self.told = False
        self.told_role: Role | None = None
        """What was last said of it."""
        self.due_at: Nanos = 0
        """When its birth is told at the latest."""
        self.embeds: str | None = None
        """The interpreters mapped into it as libraries, such as "libphp8.2.so"."""

    @property
    def alive(self) -> bool:
        return self.exited_at is None

    def descends_from(self, other: "Process") -> bool:
        node: Process | None = self
        while node is not None and node is not other:
            node = node.parent
        return node is not None

    def lived_at(self, at: Nanos) -> bool:
        if self.born_at is not None and at < self.born_at - DISORDER_NS:
            return False
        return self.exited_at is None or at <= self.exited_at + DISORDER_NS
