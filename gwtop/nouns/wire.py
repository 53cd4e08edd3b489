"""Wire: TCP segments and what reassembly makes of them. Types only.

Above `wire/` there is no source and destination, only `Side.CLIENT` and `Side.SERVER`, and no
4-tuple, only `conn`: an id of ours that is never reused.
"""

from enum import Enum
from typing import Final, Literal, NamedTuple

from gwtop.nouns.times import Nanos


class Side(Enum):
    """Who sent the bytes: the one that connected, or the one that accepted."""

    CLIENT = "client"
    SERVER = "server"

    # Identity hash: Enum's own hashes the name, in Python code, at every dict lookup.
    __hash__ = object.__hash__


CLIENT: Final = Side.CLIENT
SERVER: Final = Side.SERVER
"""For what runs once a packet: the attribute of an Enum costs 100 ns in Python 3.11."""


class Segment(NamedTuple):
    """One TCP segment that is not a pure ACK."""

    at: Nanos
    flow: bytes
    """Sender address, receiver address, sender port, receiver port, as on the wire: 12 bytes for
    IPv4, 36 for IPv6. The other direction's flow is the same with both pairs swapped."""
    seq: int
    ack: int
    flags: int
    """The low byte of the TCP flags (RFC 9293 3.1): FIN 1, SYN 2, RST 4, PSH 8, ACK 16."""
    data: bytes
    cut_bytes: int
    """Payload bytes that were on the wire and not captured (snaplen), after `data`."""


class Opened(NamedTuple):
    at: Nanos
    conn: int
    client: str
    """ "127.0.0.1:50412", "[::1]:9000" or "unix:"."""
    server: str
    from_start: bool
    """False: the connection was there before the capture."""
    peer: str = ""
    """The client as the server sees it, where a relay is between them; "": as it is."""


class Chunk(NamedTuple):
    """The next bytes of one direction, in order, none twice."""

    at: Nanos
    conn: int
    side: Side
    data: bytes


class Lost(NamedTuple):
    """The next `n_bytes` of one direction were not seen."""

    at: Nanos
    conn: int
    side: Side
    n_bytes: int
    left_out: bool
    """True: a tap left them out on purpose and their length is exact (copy limit, sendfile)."""


class Closed(NamedTuple):
    """One side will send no more ("fin"), or the whole connection is over ("rst", "reused",
    "end"). After "rst", "reused" and "end" nothing follows for this `conn`."""

    at: Nanos
    conn: int
    side: Side
    how: Literal["fin", "rst", "reused", "end"]
    """ "reused": its 4-tuple began a new connection unseen; "end": the capture ended."""
