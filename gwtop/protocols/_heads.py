"""Heads of CGI and HTTP: where an answer's head ends, what it says, fields in wire order.

In: bytes of an answer, or a block of header fields, or CGI variables. Out: status, lengths, pairs.
Refuses to know streams, sides and connections.

Spec: RFC 3875 (CGI/1.1) section 6; RFC 9112 (HTTP/1.1) sections 2 to 5. Several gateways carry the
same answers, so this is theirs together.
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from gwtop.nouns.times import Nanos

Pair: TypeAlias = tuple[bytes, bytes]

MAX_ANSWER_HEAD_BYTES = 64 * 1024
"""Fronts stop at 4 to 64 KiB (nginx fastcgi_buffer_size, Apache LimitRequestFieldSize); what is
longer has no head that any of them would take."""


NO_BODY_STATUSES = frozenset({204, 304})
"""RFC 9110 6.4.1: their Content-Length, if any, is that of another answer."""


class Answer(NamedTuple):
    """A complete answer head and what came behind it in the same bytes."""

    status: int | None
    """None: no head (see `AnswerHead`), or a status that is no number."""
    block: bytes
    """Start line and blank line included; b"" when there is no head."""
    content_length: int | None
    rest: bytes
    """The first bytes of the body."""
    why_not: str | None
    """Why there is no head. None: there is one."""


class AnswerHead:
    """Finds the end of an answer's head: CGI header fields (RFC 3875 6.2) or an HTTP status line
    and fields (RFC 3875 5, "non-parsed header"; what uWSGI sends), then a blank line.

    Lines end in LF or CRLF (RFC 3875 6.2 leaves NL to the system). No head: the first line is
    neither a field nor a status line, or no blank line within MAX_ANSWER_HEAD_BYTES. Then all
    bytes so far are the `rest`.
    """

    __slots__ = ("_held", "began_at")

    def __init__(self) -> None:
        self._held = bytearray()
        self.began_at: Nanos = 0
        """When the first byte came; 0 before that."""

    def __len__(self) -> int:
        """Bytes held."""
        return len(self._held)

    def peek(self) -> bytes:
        """What is held, left in place."""
        return bytes(self._held)

    def take(self, data: bytes, at: Nanos) -> Answer | None:
        """None: the head goes on. After an Answer the reader is empty, for the next one."""
        held = self._held
        if not held:
            self.began_at = at
            end = head_end(data)
            if end > 0 and _is_head_line(data):
                return answer(data[:end], data[end:])
            if not (end == 0 and may_begin_head(data)):
                return self._give_up(data)
            held += data
        else:
            scanned = max(len(held) - 2, 0)
            held += data
            end = head_end(held, scanned)
            if end > 0 and _is_head_line(held):
                whole = self.flush()
                return answer(whole[:end], whole[end:])
            if end > 0 or (scanned < 256 and not may_begin_head(held)):
                return self._give_up(self.flush())
        if len(held) > MAX_ANSWER_HEAD_BYTES:
            return self._give_up(self.flush())
        return None

    def flush(self) -> bytes:
        """What is held of an unfinished head; the reader is empty afterwards."""
        whole = bytes(self._held)
        self._held.clear()
        return whole

    def _give_up(self, data: bytes) -> Answer:
        return Answer(None, b"", None, data, "answer without any header block")


def head_end(data: bytes | bytearray, scanned: int = 0) -> int:
    """Length of the head with its blank line, or 0 when that has not come.

    A head that is nothing but a blank line has its length too."""
    if not scanned:
        if data.startswith(b"\n"):
            return 1
        if data.startswith(b"\r\n"):
            return 2
    crlf = data.find(b"\n\r\n", scanned)
    bare = data.find(b"\n\n", scanned, crlf + 1 if crlf >= 0 else len(data))
    if bare >= 0:
        return bare + 2
    return crlf + 3 if crlf >= 0 else 0


def may_begin_head(data: bytes | bytearray) -> bool:
    """Whether these first bytes can still become a head: False once they show they cannot."""
    line_end = data.find(b"\n", 0, 256)
    if line_end >= 0:
        return _is_head_line(data)
    if data == b"\r":
        return True
    colon = data.find(b":", 0, 256)
    if colon >= 0:
        return _is_head_line(data)
    if data.startswith(b"HTTP/") or b"HTTP/".startswith(data[:5]):
        return True
    return len(data) < 256 and _is_token(bytes(data).rstrip(b" \t"))


def _is_head_line(data: bytes | bytearray) -> bool:
    """The first line is blank, a status line, or `name:`."""
    if data.startswith((b"HTTP/", b"\n", b"\r\n")):
        return True
    colon = data.find(b":", 0, 256)
    return colon > 0 and _is_token(bytes(data[:colon]).rstrip(b" \t"))


# RFC 9110 5.6.2: what a field name is made of. Deleting these from a name must leave nothing.
_TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _is_token(name: bytes) -> bool:
    return name != b"" and not name.translate(None, _TOKEN)


def answer(block: bytes, rest: bytes) -> Answer:
    """What a complete answer head says."""
    lower = block.lower()
    return Answer(_status(lower), block, content_length(lower), rest, None)


def answer_status(block: bytes) -> int | None:
    """The status of an answer head: its status line, else its Status field (RFC 3875 6.3.3), else
    302 with Location (6.2.3, 6.2.4), else 200. None: a status that is no number."""
    return _status(block.lower())


def known_status(block: bytes) -> int | None:
    """The status of a head whose end was not seen: None unless the status's own line was whole."""
    lower = block[: block.rfind(b"\n") + 1].lower()
    if lower.startswith(b"http/") or _field(lower, b"status:") is not None:
        return _status(lower)
    return None


def _status(lower: bytes) -> int | None:
    if lower.startswith(b"http/"):
        return _three_digits(lower[: lower.find(b"\n")].partition(b" ")[2].lstrip())
    value = _field(lower, b"status:")
    if value is not None:
        return _three_digits(value)
    return 200 if _field(lower, b"location:") is None else 302


def _three_digits(text: bytes) -> int | None:
    return int(text[:3]) if len(text) >= 3 and text[:3].isdigit() else None


def content_length(lower: bytes) -> int | None:
    """The Content-Length field of a head in lower case; None when absent or no number."""
    value = _field(lower, b"content-length:")
    return None if value is None else decimal(value)


def decimal(text: bytes) -> int | None:
    """A length in ASCII digits; None for anything else, more than 18 digits included (the wire
    may say what it likes, and int() of a long number is slow)."""
    return int(text) if text.isdigit() and len(text) <= 18 else None


def _field(lower: bytes, name: bytes) -> bytes | None:
    """The value of the first field `name` (with its colon, lower case) in a lower-case head."""
    if lower.startswith(name):
        begin = len(name)
    else:
        begin = lower.find(b"\n" + name) + len(name) + 1
        if begin <= len(name):
            return None
    end = lower.find(b"\n", begin)
    return lower[begin : end if end >= 0 else len(lower)].strip()


def header_fields(block: bytes) -> list[Pair]:
    """The fields of a CGI or HTTP head in wire order, without start line and blank line.

    A folded line (RFC 9112 5.2) belongs to the field before it; a line without colon is no field.
    """
    pairs: list[Pair] = []
    for n, raw in enumerate(block.split(b"\n")):
        line = raw.rstrip(b"\r")
        if not line:
            break
        if line[0] in b" \t" and pairs:
            name, value = pairs[-1]
            pairs[-1] = (name, value + b" " + line.strip(b" \t"))
            continue
        name, colon, value = line.partition(b":")
        if colon and name and not (n == 0 and (b" " in name or name.startswith(b"HTTP/"))):
            pairs.append((name.rstrip(b" \t"), value.strip(b" \t")))
    return pairs


def cgi_target(variables: Mapping[bytes, bytes], whole: bool = True) -> bytes | None:
    """The request's target by its CGI variables: REQUEST_URI (not in RFC 3875, sent by all fronts),
    else what RFC 3875 4.1.5, 4.1.7 and 4.1.13 give; None without any of them, or when the block is
    not `whole`: what was lost of it may be a part of the target."""
    uri = variables.get(b"REQUEST_URI")
    if uri or not whole:
        return uri
    path = variables.get(b"SCRIPT_NAME", b"") + variables.get(b"PATH_INFO", b"")
    query = variables.get(b"QUERY_STRING")
    if query:
        return path + b"?" + query
    return path or None
