"""uwsgi packets taken apart: header, variables, the body behind them; answers, which have none.

In: the bytes of one direction of one exchange. Out: records and fields. Refuses to know where a
body should end: that is `uwsgi`, whose docstring names the sources.
"""

from gwtop.nouns.wire import CLIENT, Side
from gwtop.protocols import _uwsgi_wire as wire
from gwtop.protocols._dissect import Content, Dissected, Field, Span, text_of
from gwtop.protocols._dissect_heads import take_answer

_ASKING = {  # Protocol.rst, table of modifier1
    0: "WSGI",
    5: "PSGI",
    6: "LUA/WSAPI",
    7: "RACK",
    8: "JWSGI/Ring",
    9: "CGI",
    14: "PHP",
    15: "Mono",
    18: "symcall",
    23: "XSLT",
    24: "V8",
    25: "GridFS",
    26: "GlusterFS",
    27: "FastFuncs",
    30: "WSGI, SCRIPT_NAME stripped",
}


def dissect(side: Side, data: bytes, stream: int) -> Dissected:
    found = Dissected(data)
    if side is not CLIENT:
        take_answer(found)
        return found
    at = 0
    while len(data) - at >= wire.HEADER_BYTES and data[at] in wire.CONTROLS:
        at = _packet(found, at)  # pings come before a request
    if len(data) - at >= wire.HEADER_BYTES and data[at] in wire.ASKING:
        at = _packet(found, at)
        found.body_record(at, len(data))
    found.rest(at if not found.body else len(data))
    return found


def _packet(found: Dissected, at: int) -> int:
    """Protocol.rst, "uwsgi packet header"; where the packet ends."""
    data = found.data
    begin = at + wire.HEADER_BYTES
    size = wire.datasize(data[at:begin])
    end = min(begin + size, len(data))
    kind = _ASKING.get(data[at]) or wire.CONTROLS.get(data[at], "")
    fields = [
        Field("modifier1", Span(at, 1), f"{data[at]} ({kind})"),
        Field("datasize", Span(at + 1, 2), str(size)),
        Field("modifier2", Span(at + 3, 1), str(data[at + 3])),
    ]
    content = Content(found)
    if begin < end:
        fields.append(Field("vars", Span(begin, end - begin), f"{end - begin:,} bytes"))
    content.add(Span(begin, end - begin), fields)
    if data[at] in wire.ASKING:
        _variables(content)
    name = f"uwsgi packet: {kind}" + ("" if end == begin + size else ", cut")
    found.record(name, at, end, fields)
    return end


def _variables(content: Content) -> None:
    """Protocol.rst, "the uwsgi vars": size (little-endian), bytes, twice."""
    data, at = content.data, 0
    while at < len(data):
        key = at + 2
        key_end = key + int.from_bytes(data[at:key], "little")
        value = key_end + 2
        if value > len(data):
            content.field("a variable, cut", at, len(data))
            return
        size = int.from_bytes(data[key_end:value], "little")
        end = min(value + size, len(data))
        spans = content.named(data[key:key_end], value, end)
        content.field(text_of(data[key:key_end]), at, end, spans)
        content.field("key_size", at, key, str(key_end - key))
        content.field("key", key, key_end)
        content.field("val_size", key_end, value, str(size))
        content.field("val", value, end)
        at = end
