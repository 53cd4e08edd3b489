"""Repeating: what was once asked, and the lines that ask it again.

In: nothing; out: types. A protocol's file turns an `Asked` into an `Again`; who offers it to a
person knows neither bytes nor quoting.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

Field: TypeAlias = tuple[bytes, bytes]

REDACTED = b"[redacted]"
"""What stands for a secret that was taken out where the fact was made."""


class Asked(NamedTuple):
    """A request as it was seen; secrets may stand as `REDACTED`."""

    server: str
    """As "ADDR:PORT", "[ADDR]:PORT" or "unix:PATH"."""
    method: bytes | None
    target: bytes | None
    fields: Sequence[Field]
    body: bytes


class Http(NamedTuple):
    """The request as HTTP, whatever it came as."""

    method: bytes
    scheme: str
    """As a URL begins: "http://"."""
    authority: bytes
    """Host and port, as the client named them; b"" when nobody did."""
    target: bytes
    headers: Sequence[Field]


class Line(NamedTuple):
    """A command for a POSIX shell; several lines where it carries a script."""

    tool: str
    """What must be there to run it: "curl"."""
    text: str
    lacks: str = ""
    """What of the request it cannot say; "" when nothing."""


class Again(NamedTuple):
    http: Http
    lines: Sequence[Line]
