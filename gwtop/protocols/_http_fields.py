"""HTTP/1.x messages taken apart: heads, bodies, chunks, trailers.

In: the bytes of one direction of one exchange. Out: records and fields. Refuses to know where a
body ends that has no chunks: all that follows the head is body.

Spec: RFC 9112; names are those of its grammar (3 request line, 4 status line, 5 fields, 7.1
chunks). Interim answers (RFC 9110 15.2) are heads of their own.
"""

import re

from gwtop.nouns.wire import CLIENT, Side
from gwtop.protocols._dissect import Content, Dissected, Field, Span, plain
from gwtop.protocols._dissect_heads import looks_like_head, record_head, take_head
from gwtop.protocols._heads import answer_status, head_end
from gwtop.protocols._http_heads import REQUEST_LINE, field_values, is_chunked

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(;[^\n]*?)?\r?\n")  # RFC 9112 7.1
_INTERIM = frozenset(range(100, 200)) - {101}
_MAX_INTERIM = 16


def dissect(side: Side, data: bytes, stream: int) -> Dissected:
    found = Dissected(data)
    at = len(data) - len(data.lstrip(b"\r\n"))  # RFC 9112 2.2: empty lines before a request line
    if at:
        found.record("empty line", 0, at, [plain("CRLF", 0, at)])
    if side is CLIENT:
        head = at if REQUEST_LINE.match(data, at) else -1
        begin = record_head(found, "request head", at) if head >= 0 else at
    else:
        head, begin = _answer_heads(found, at)
    if head < 0 and side is CLIENT:
        found.rest(begin)
    elif head < 0:
        found.body_record(begin, len(data))
    elif _is_chunked(data[head:begin]):
        _chunks(found, begin)
    else:
        found.body_record(begin, len(data))
    return found


def _answer_heads(found: Dissected, at: int) -> tuple[int, int]:
    """Where the final answer's head begins, -1 without one, and where it ends."""
    data = found.data
    for _ in range(_MAX_INTERIM):
        if not data.startswith(b"HTTP/", at) or not looks_like_head(data[at : at + 256]):
            return -1, at
        end = at + (head_end(data[at:]) or len(data) - at)
        status = answer_status(data[at:end])
        if status not in _INTERIM:
            return at, record_head(found, "response head", at)
        at = record_head(found, f"interim head {status}", at)
    return -1, at


def _is_chunked(head: bytes) -> bool:
    codings = field_values(head.lower(), b"\ntransfer-encoding:")
    return bool(codings) and is_chunked(codings)


def _chunks(found: Dissected, at: int) -> None:
    """RFC 9112 7.1"""
    data = found.data
    while at < len(data) and not found.is_full:
        line = _SIZE_LINE.match(data, at)
        if line is None:
            found.rest(at)
            return
        size = int(line[1], 16)
        fields = [Field("chunk-size", Span(at, len(line[1])), f"{size} (0x{line[1].decode()})")]
        if line[2]:
            fields.append(plain("chunk-ext", *line.span(2)))
        if not size:
            _last_chunk(found, at, line.end(), fields)
            return
        at = _chunk(found, at, line.end(), size, fields)
    found.rest(at, "not taken apart")


def _chunk(found: Dissected, at: int, begin: int, size: int, fields: list[Field]) -> int:
    data = found.data
    stop = min(begin + size, len(data))
    if begin < stop:
        fields.append(plain("chunk-data", begin, stop))
        found.body.append(Span(begin, stop - begin))
    end = stop
    for newline in (b"\r\n", b"\n"):
        if data.startswith(newline, stop):
            end = stop + len(newline)
            break
    found.record("chunk" if stop == begin + size else "chunk, cut", at, end, fields)
    return end


def _last_chunk(found: Dissected, at: int, begin: int, fields: list[Field]) -> None:
    """RFC 9112 7.1.2: trailers may follow."""
    data = found.data
    size = head_end(data[begin:]) or len(data) - begin
    content = Content(found)
    content.add(Span(begin, size), fields)
    take_head(content)
    found.record("last chunk", at, begin + size, fields)
    found.rest(begin + size)
