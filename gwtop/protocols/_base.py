"""What a protocol file must offer, and what several of them share.

A protocol is a module of this folder without a leading underscore that has:

    NAME: str                                    "fastcgi"
    claims(prefix: bytes) -> Claim               do a client's first bytes look like ours?
    Decoder(from_start: bool)                    one per connection, see below
    request_fields(block) -> list[Pair]          what `RequestHead.block` says, in wire order
    response_fields(block) -> list[Pair]         what `ResponseHead.block` says, in wire order

It is found by `gwtop.protocols.discover()`; nothing registers.

A decoder is sans-IO. It never raises on input, never invents bytes, never buffers past a stated
limit. Times come in as arguments. The seven laws in tests/protocols/test_laws.py run over every
protocol that is found.
"""

from enum import Enum
from typing import Protocol, TypeAlias

from gwtop.nouns.events import Event
from gwtop.nouns.times import Nanos
from gwtop.nouns.wire import Side

Pair: TypeAlias = tuple[bytes, bytes]


class Claim(Enum):
    YES = "yes"
    NO = "no"
    MORE = "more"
    """The prefix is too short to say; ask again with more of it."""


class Decoder(Protocol):
    """One connection's two byte streams in, events out."""

    def feed(self, side: Side, data: bytes, at: Nanos) -> list[Event]:
        """The next bytes of one side, in order. `data` is never empty."""

    def lost(self, side: Side, n_bytes: int, at: Nanos) -> list[Event]:
        """The next `n_bytes` of one side were not seen. `Hole`s tell where they lay."""

    def close(self, side: Side, at: Nanos) -> list[Event]:
        """This side has sent its FIN. (A reset is no close: the tracker aborts what is open.)"""


class Module(Protocol):
    """The shape of a protocol's module, for the type checker."""

    NAME: str

    def claims(self, prefix: bytes) -> Claim: ...

    def Decoder(self, from_start: bool) -> Decoder: ...  # noqa: N802

    def request_fields(self, block: bytes) -> list[Pair]: ...

    def response_fields(self, block: bytes) -> list[Pair]: ...
