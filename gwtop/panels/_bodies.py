"""Bodies of a request and its answer: as text, JSON, a form, or hex.

In: the bytes, what the head says of them, how one wants to see them. Out: lines of cells. Refuses
to know how they were framed on the wire.

A body is anybody's: what is compressed is opened only up to a limit, and what is not what its type
says is shown as text, with the reason.
"""

import json
import zlib
from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias
from urllib.parse import unquote_to_bytes

from gwtop.panels import _hex
from gwtop.panels._base import Cell, Line
from gwtop.panels._safe import safe
from gwtop.panels._text import n_bytes
from gwtop.panels._wrap import wrap

Mode: TypeAlias = Literal["auto", "text", "JSON", "form", "hex"]
MODES: tuple[Mode, ...] = ("auto", "text", "JSON", "form", "hex")
MAX_OPENED_BYTES = 1024 * 1024
"""Of a compressed body: a kilobyte of deflate may hold a megabyte of zeros."""
MAX_LINES = 5_000
FORM = "application/x-www-form-urlencoded"
_NAME_WIDTH = 24
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS  # zlib manual, inflateInit2: finds the header out by itself


class Body(NamedTuple):
    data: bytes
    type: str
    """What the head says, "" where it says nothing."""
    coding: str
    """Content-Encoding, likewise."""


def body_of(data: bytes, pairs: Iterable[tuple[str, str]]) -> Body:
    """`pairs`: header fields or CGI variables."""
    said = {name.lower().replace("_", "-").removeprefix("http-"): value for name, value in pairs}
    return Body(data, said.get("content-type", ""), said.get("content-encoding", ""))


def opened(body: Body) -> tuple[Body, str]:
    """The body without its coding, and what is to be said of that."""
    coding = body.coding.strip().lower()
    if coding in ("", "identity"):
        return body, ""
    if coding not in ("gzip", "x-gzip", "deflate"):
        return body, f"coded as {safe(coding[:40])}, which is not opened here"
    try:
        stream = zlib.decompressobj(_GZIP_OR_ZLIB)
        data = stream.decompress(body.data, MAX_OPENED_BYTES)
    except zlib.error:
        return body, f"said to be {coding}, and is not"
    told = f"{coding}, {n_bytes(len(body.data))} on the wire"
    if stream.unconsumed_tail:
        told += f"; the first {n_bytes(len(data))} are opened"
    elif not stream.eof:
        told += "; its end is not there"
    return Body(data, body.type, ""), told


def mode_of(body: Body) -> Mode:
    """How a body is shown by what its type says and, where it says nothing, by how it looks."""
    kind = body.type.partition(";")[0].strip().lower()
    if kind == FORM:
        return "form"
    if kind.endswith(("/json", "+json")):
        return "JSON"
    if kind.startswith("text/") or kind.endswith(("xml", "/javascript", "/x-ndjson")):
        return "text"
    if kind.startswith("multipart/") or not kind:
        return "text" if _looks_like_text(body.data) else "hex"
    return "text" if _looks_like_text(body.data) and b"\0" not in body.data else "hex"


def _looks_like_text(data: bytes) -> bool:
    part = data[:2_000]
    odd = sum(byte < 0x20 and byte not in b"\t\n\r\x1b" for byte in part)
    try:
        part.decode("utf-8")
    except UnicodeDecodeError as wrong:
        if wrong.start < len(part) - 4:
            return False
    return odd * 20 <= len(part)


def lines(body: Body, mode: Mode, width: int) -> list[Line]:
    """`mode` "auto": as its type says."""
    wanted = mode_of(body) if mode == "auto" else mode
    if wanted == "JSON":
        return _json(body.data, width)
    if wanted == "form":
        return _form(body.data, width)
    if wanted == "hex":
        n_columns = _hex.n_columns(width)
        return _hex.lines(_hex.Bytes(body.data), n_columns, MAX_LINES)
    return _text(body.data.decode("latin-1"), width)


def _text(text: str, width: int) -> list[Line]:
    found: list[Line] = []
    for line in text.split("\n"):
        shown = safe(line.removesuffix("\r").expandtabs())
        found += [(Cell(part),) for part in wrap(shown, width)]
        if len(found) > MAX_LINES:
            return [*found[:MAX_LINES], (Cell("… and more", "dim"),)]
    return found


def _json(data: bytes, width: int) -> list[Line]:
    try:
        parsed = json.loads(data)
        pretty = json.dumps(parsed, indent=2, ensure_ascii=False)
    except (ValueError, RecursionError) as wrong:  # UnicodeDecodeError is a ValueError
        why = f"no JSON ({safe(str(wrong)[:80])}); as text:"
        return [(Cell(why, "warn"),), *_text(data.decode("latin-1"), width)]
    text = pretty.encode("utf-8", "surrogatepass").decode("latin-1")
    found: list[Line] = []
    for line in text.split("\n")[:MAX_LINES]:
        name, colon, value = line.partition('": ')
        cells = (Cell(safe(name) + '"', "accent"), Cell(": " + safe(value)))
        found.append(cells if colon and name.lstrip().startswith('"') else (Cell(safe(line)),))
    return _wrapped(found, width)


def _form(data: bytes, width: int) -> list[Line]:
    """Decoded pairs, in order (URL Standard, application/x-www-form-urlencoded)."""
    found: list[Line] = []
    for part in data.split(b"&")[:MAX_LINES]:
        if not part:
            continue
        name, equals, value = part.partition(b"=")
        label = safe(_decoded(name)[:200]) or '""'
        text = safe(_decoded(value)) if equals else "(no value)"
        for place, piece in enumerate(wrap(text, width - _NAME_WIDTH - 2)):
            head = label.ljust(_NAME_WIDTH) if place == 0 else " " * _NAME_WIDTH
            found.append((Cell(head, "accent"), Cell("  "), Cell(piece)))
    return found


def _decoded(raw: bytes) -> str:
    return unquote_to_bytes(raw.replace(b"+", b" ")).decode("latin-1")


def _wrapped(found: list[Line], width: int) -> list[Line]:
    """Lines that are too long go on in the next."""
    result: list[Line] = []
    for line in found:
        text = "".join(cell.text for cell in line)
        if len(text) <= width:
            result.append(line)
        else:
            result += [(Cell(part),) for part in wrap(text, width)]
    return result
