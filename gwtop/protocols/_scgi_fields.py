"""SCGI requests taken apart: the netstring of headers, then the body; answers are CGI's.

In: the bytes of one direction of one exchange. Out: records and fields. Refuses to know which
headers there should be.

Spec: "SCGI", Neil Schemenauer, 2008-06-23, 3; netstrings: D. J. Bernstein, 1997.
"""

import re

from gwtop.nouns.wire import CLIENT, Side
from gwtop.protocols._dissect import Content, Dissected, Field, Span, plain, text_of
from gwtop.protocols._dissect_heads import take_answer

_LENGTH = re.compile(rb"([0-9]{1,9}):")


def dissect(side: Side, data: bytes, stream: int) -> Dissected:
    found = Dissected(data)
    if side is not CLIENT:
        take_answer(found)
        return found
    length = _LENGTH.match(data)
    if length is None:
        found.rest(0)
        return found
    begin = length.end()
    stop = min(begin + int(length[1]), len(data))
    fields = [Field("length", Span(0, begin), length[1].decode())]
    if begin < stop:
        fields.append(Field("headers", Span(begin, stop - begin), f"{stop - begin:,} bytes"))
    content = Content(found)
    content.add(Span(begin, stop - begin), fields)
    _headers(content)
    if stop < len(data):
        fields.append(plain("comma", stop, stop + 1))
    end = min(stop + 1, len(data))
    name = "netstring" if stop == begin + int(length[1]) and end > stop else "netstring, cut"
    found.record(name, 0, end, fields)
    found.body_record(end, len(data))
    return found


def _headers(content: Content) -> None:
    """3: name NUL value NUL, again and again."""
    data, at = content.data, 0
    while at < len(data):
        name_end = data.find(b"\0", at)
        value_end = data.find(b"\0", name_end + 1) if name_end >= 0 else -1
        if name_end < 0:
            content.field("a header, cut", at, len(data))
            return
        stop = value_end if value_end >= 0 else len(data)
        end = min(stop + 1, len(data))
        spans = content.named(data[at:name_end], name_end + 1, stop)
        content.field(text_of(data[at:name_end]), at, end, spans)
        content.field("header_name", at, name_end + 1, content.spans(at, name_end))
        content.field("header_value", name_end + 1, end, spans)
        at = end
