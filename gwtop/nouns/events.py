"""Events: what any gateway protocol can say. Types only; no protocol is named here.

A decoder turns bytes into these; the tracker turns these into requests. Events carry no `at` of
their own: they happened at the `at` the decoder was fed with, except `began_at`, which is the
`at` of an earlier feed, the one that brought the first byte of that head.

`stream` is the protocol's own request id (FastCGI), else 0. On one stream exchanges follow one
another: a request event belongs to the newest exchange of its stream, an answer event to the
oldest one that is unanswered. That rule covers pipelining and reused ids without a second key.
"""

from typing import Literal, NamedTuple, TypeAlias

from gwtop.nouns.times import Nanos
from gwtop.nouns.wire import Side


class RequestHead(NamedTuple):
    """A request's head is complete."""

    stream: int
    began_at: Nanos
    """When the first byte of this request (BEGIN_REQUEST included) was fed."""
    method: bytes | None
    target: bytes | None
    """As sent, with the query; rebuilt from parts where the protocol sends parts."""
    keep_alive: bool | None
    """The front asked for the connection to stay. None: the protocol cannot ask."""
    head_bytes: int
    """INTERFACE.md `request_head_bytes`."""
    block: bytes
    """The raw head (variable block, HTTP head); the protocol's `request_fields(block)` names its
    parts. Kept raw because most requests are never looked at in detail."""


class ResponseHead(NamedTuple):
    """The final answer's head is complete (1xx heads are `Control`)."""

    stream: int
    began_at: Nanos
    status: int | None
    head_bytes: int
    block: bytes
    """Raw, for `response_fields(block)`."""


class Body(NamedTuple):
    """Bytes of a body, without framing."""

    stream: int
    side: Side
    data: bytes


class Hole(NamedTuple):
    """`n_bytes` of this exchange were not seen."""

    stream: int
    side: Side
    n_bytes: int
    in_body: bool
    """True: the framing shows that all of them are body bytes, and the decoder is still in step."""
    in_framing: bool = False
    """True: all of them are framing that could be nothing else; in step, too."""

    @property
    def is_placed(self) -> bool:
        return self.in_body or self.in_framing


class ErrorText(NamedTuple):
    """What the worker wrote to the protocol's error stream."""

    stream: int
    data: bytes


class Control(NamedTuple):
    """A message that is no part of a body or a final head: management, ping, 1xx, end of a
    stream, padding. Counted, shown in detail, never an exchange."""

    stream: int
    side: Side
    name: str
    n_bytes: int


class RequestEnd(NamedTuple):
    """The request's body has reached its end."""

    stream: int


class ResponseEnd(NamedTuple):
    """The answer has reached its end by the protocol's own rule."""

    stream: int
    failed: bool
    """The protocol itself said that it failed (FastCGI protocolStatus is not 0)."""


class Aborted(NamedTuple):
    """The exchange ended before that, by the protocol's own word or by a close."""

    stream: int


class Confused(NamedTuple):
    """Bytes seen, not understood."""

    side: Side
    n_bytes: int
    why: str


class Resynced(NamedTuple):
    """Back in step after a hole or a confusion: the next byte begins a message."""

    side: Side


class Remark(NamedTuple):
    """What an expert would say. stream None: of the connection, given to its newest request."""

    stream: int | None
    code: str
    severity: Literal["info", "warn", "error"]
    text: str


Event: TypeAlias = (
    RequestHead
    | ResponseHead
    | Body
    | Hole
    | ErrorText
    | Control
    | RequestEnd
    | ResponseEnd
    | Aborted
    | Confused
    | Resynced
    | Remark
)
