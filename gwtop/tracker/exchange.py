"""One exchange: a request and its answer, while we learn about it. A mutable row, nothing else.

In: what `exchanges` and `attribution` write on it. Out: what `telling` makes a fact of, and its
outcome. It refuses to know how any of it was found out.
"""

from typing import NamedTuple

from gwtop.nouns.events import Body, Confused, Remark
from gwtop.nouns.facts import Evidence, Outcome
from gwtop.nouns.times import Nanos
from gwtop.nouns.wire import Side
from gwtop.protocols._base import Module

OPENING_BYTES = 512  # Apache's page for 500 is 530 bytes, and says what it is in the first half
MAX_REMARKS = 32  # a hostile peer can earn one per byte; nobody reads the 33rd


class Hop(NamedTuple):
    """The connection an exchange went over."""

    connection: int
    client: str
    server: str
    protocol: Module
    relayed: str = ""
    """The client as the server sees it, where a relay is between them; "": as it is."""

    @property
    def peer(self) -> str:
        """The client as the server sees it."""
        return self.relayed or self.client

    @property
    def is_unix(self) -> bool:
        return self.server.startswith("unix:")


class Exchange:
    """One request and its answer, while we learn about it."""

    __slots__ = (
        "aborted",
        "answered_at",
        "asked",
        "began_at",
        "births",
        "block",
        "confused",
        "cut",
        "evidence",
        "failed",
        "first_byte_at",
        "hop",
        "id",
        "keep_alive",
        "last_at",
        "lost_bytes",
        "method",
        "opening",
        "outcome",
        "over_at",
        "pair",
        "pid",
        "queue_ns",
        "reader",
        "remarks",
        "request_body",
        "request_body_bytes",
        "request_head_bytes",
        "response_block",
        "response_body",
        "response_body_bytes",
        "response_head_bytes",
        "sequence",
        "status",
        "stderr",
        "stream",
        "target",
        "thread",
    )

    def __init__(self, id: int, hop: Hop, stream: int, sequence: int, at: Nanos) -> None:
        self.id = id
        self.hop = hop
        self.stream = stream
        self.sequence = sequence
        self.began_at = at
        self.last_at = at
        self.over_at: Nanos | None = None
        self.asked = False
        """Its request head was seen."""
        self.method: bytes | None = None
        self.target: bytes | None = None
        self.keep_alive: bool | None = None
        self.block: bytes | None = None
        self.request_head_bytes: int | None = None
        self.request_body_bytes = 0
        self.answered_at: Nanos | None = None
        """First answer byte of any kind."""
        self.first_byte_at: Nanos | None = None
        """First byte of the final answer head."""
        self.status: int | None = None
        self.response_block: bytes | None = None
        self.response_head_bytes: int | None = None
        self.response_body_bytes = 0
        self.failed = False
        self.aborted = False
        self.cut = False
        """The edge of the capture or a gap went through it."""
        self.lost_bytes = 0
        self.outcome: Outcome | None = None
        self.opening: bytes | None = None
        """How the answer's body begins, where it is a server's error page or a script's text."""
        self.stderr: bytearray | None = None
        self.remarks: list[Remark] = []
        self.confused: Confused | None = None
        """What the remark of that code speaks of: one side, one reason, all its bytes so far."""
        self.request_body: bytearray | None = None
        self.response_body: bytearray | None = None
        self.births: list[int] = []
        self.pid: int | None = None
        self.thread: int | None = None
        self.reader: int | None = None
        self.evidence: Evidence | None = None
        self.queue_ns: int | None = None
        self.pair: int | None = None
        """Id of the front hop's exchange that it was made for."""

    def remark(self, remark: Remark) -> None:
        """Adds what an expert would say; each code once."""
        if len(self.remarks) < MAX_REMARKS and all(r.code != remark.code for r in self.remarks):
            self.remarks.append(remark)

    def confuse(self, event: Confused) -> None:
        """Bytes not understood: of those that came first, however many pieces they came in."""
        before = self.confused
        if before is None:
            self.confused = event
            self.remark(_confusion(event))
        elif (before.side, before.why) == (event.side, event.why):
            self.confused = event._replace(n_bytes=before.n_bytes + event.n_bytes)
            old, new = _confusion(before), _confusion(self.confused)
            self.remarks = [new if remark == old else remark for remark in self.remarks]

    def keep(self, event: Body, n_bodies_bytes: int) -> None:
        """Bytes of a body: as many as were asked for, and how an error's page begins."""
        if event.side is Side.CLIENT:
            kept = self.request_body = self.request_body or bytearray()
        else:
            kept = self.response_body = self.response_body or bytearray()
            if self.response_body_bytes == len(event.data):
                self.opening = bytes(event.data[:OPENING_BYTES])
        room = n_bodies_bytes - len(kept)
        if room > 0:
            kept += event.data[:room]

    def lose(self, n_bytes: int, at: Nanos) -> None:
        """Bytes of it were not seen; 0: a gap elsewhere may have hurt it. An exchange that is over
        may still lose some, of a body that nobody read, until its fact is told."""
        self.lost_bytes += n_bytes
        self.cut = True
        self.last_at = max(self.last_at, at)
        if self.outcome is not None:
            self.judge()

    def judge(self) -> None:
        """Settles the outcome. A loss wins over everything else (INTERFACE.md, `outcome`)."""
        if self.lost_bytes or self.cut:
            self.outcome = "partial"
        elif self.aborted:
            self.outcome = "aborted"
        else:
            self.outcome = "failed" if self.failed else "done"


def _confusion(event: Confused) -> Remark:
    side, n_bytes, why = event
    text = f"{n_bytes} bytes from the {side.value} could not be understood: {why}."
    return Remark(None, "confused", "warn", text)
