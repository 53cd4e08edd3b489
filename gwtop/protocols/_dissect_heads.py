"""Heads of CGI and HTTP taken apart: their first line, their fields, the blank line.

In: a stream of bytes that begins with a head. Out: fields put into it, and where the head ends.
Refuses to know which protocol carries it.

Spec: RFC 9112 (HTTP/1.1) 3, 4 and 5; RFC 3875 (CGI/1.1) 6.2. Names are those of their grammars.
"""

import re

from gwtop.protocols._dissect import FOLDED, Content, Dissected, Field, Span, text_of
from gwtop.protocols._heads import head_end

_REQUEST_LINE = re.compile(rb"([!-~]{1,32}) ([^\r\n]*) (HTTP/[0-9.]+) *\r?\n")  # RFC 9112 3
_STATUS_LINE = re.compile(rb"(HTTP/[0-9.]+) ([0-9]{3})(?: ([^\r\n]*))?\r?\n")  # RFC 9112 4
_LINE = re.compile(rb"[^\n]*\n?")


def take_head(content: Content, begin: int = 0) -> int:
    """Puts the head's fields into the content; where it ends. What is cut is taken as it is."""
    data = content.data
    size = head_end(data[begin:])
    end = begin + size if size else len(data)
    at = begin + _start_line(content, begin)
    name = b""
    while at < end:
        line = _LINE.match(data, at, end)
        assert line is not None  # it matches nothing, too
        if not line[0].rstrip(b"\r\n"):
            content.field("end of head", at, line.end())
            break
        name = _field_line(content, line[0], at, name)
        at = line.end()
    return end


def _start_line(content: Content, begin: int) -> int:
    """The bytes of a request line or a status line; 0 where there is none."""
    found = _REQUEST_LINE.match(content.data, begin)
    if found is not None:
        target = content.named(b"request-target", *found.span(2))
        content.field("request-line", begin, found.end(), text_of(found[1]))
        content.field("method", *found.span(1))
        content.field("request-target", *found.span(2), target)
        content.field("HTTP-version", *found.span(3))
        return found.end() - begin
    found = _STATUS_LINE.match(content.data, begin)
    if found is None:
        return 0
    content.field("status-line", begin, found.end(), text_of(found[2]))
    content.field("HTTP-version", *found.span(1))
    content.field("status-code", *found.span(2))
    if found[3]:
        content.field("reason-phrase", *found.span(3))
    return found.end() - begin


def _field_line(content: Content, line: bytes, at: int, before: bytes) -> bytes:
    """Returns the field's name; `before`: that of the line before, which may go on here."""
    name, colon, value = line.partition(b":")
    if line[:1] in b" \t" or not colon or not name:
        # RFC 9112 5.2: it goes on with the field before it, a secret as well
        content.named(before, at, at + len(line.rstrip(b"\r\n")))
        content.field("field-line" + FOLDED, at, at + len(line))
        return before
    name = name.rstrip(b" \t")
    first = at + len(line) - len(value.lstrip(b" \t"))
    last = max(first, at + len(line.rstrip(b"\r\n \t")))
    spans = content.named(name, first, last)
    content.field(text_of(name), at, at + len(line), spans)
    content.field("field-name", at, at + len(name))
    if first < last:
        content.field("field-value", first, last)
    return name


def take_answer(found: Dissected) -> None:
    """An answer that is a head and then a body, up to the end (RFC 3875 6; HTTP's status line)."""
    if not looks_like_head(found.data):
        found.body_record(0, len(found.data))
        return
    end = record_head(found, "answer head", 0)
    found.body_record(end, len(found.data))


def record_head(found: Dissected, name: str, begin: int) -> int:
    """One record that is a head; where it ends."""
    content = Content(found)
    size = head_end(found.data[begin:]) or len(found.data) - begin
    fields: list[Field] = []
    content.add(Span(begin, size), fields)
    take_head(content)
    found.record(name, begin, begin + size, fields)
    return begin + size


def looks_like_head(data: bytes) -> bool:
    """Whether a CGI or HTTP answer begins here: a status line, a field, or the blank line."""
    first = data[:256].partition(b"\n")[0].rstrip(b"\r")
    name, colon, _ = first.partition(b":")
    is_field = bool(colon) and bool(name) and b" " not in name.rstrip() and name.isascii()
    return is_field or first.startswith(b"HTTP/") or (not first and b"\n" in data[:2])
