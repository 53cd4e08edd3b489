"""What became of a request between two hops: what the front end added, renamed, joined, changed
and dropped, and what it made of the answer on the way back.

In: the facts of both hops. Out: changes, and lines that show them. Refuses to know why: a limit, a
rule of the configuration and a habit of the program look the same on the wire.

A header `User-Agent` is the variable `HTTP_USER_AGENT` behind (RFC 3875 4.1.18); the two headers
that describe the body lose the prefix (4.1.2, 4.1.3). Repeated headers may be joined with ", "
(RFC 9110 5.3), cookies with "; " (RFC 9113 8.2.3). Names compare without case, values exactly.
"""

from typing import Literal, NamedTuple, TypeAlias

from gwtop.nouns.facts import Pairs, Request
from gwtop.panels._base import Cell, Line, Style
from gwtop.panels._linked import between
from gwtop.panels._safe import safe
from gwtop.panels._text import UNKNOWN, duration, n_bytes, plural

Kind: TypeAlias = Literal["dropped", "changed", "joined", "added", "renamed", "kept"]

PREFIX = "HTTP_"  # RFC 3875 4.1.18
GATEWAY = "GATEWAY_INTERFACE"  # RFC 3875 4.1.4
OF_THE_BODY = ("CONTENT_LENGTH", "CONTENT_TYPE")  # RFC 3875 4.1.2, 4.1.3
GLUES = (", ", "; ", ",")
REDACTED = "[redacted]"
STATUS = "STATUS"  # RFC 3875 6.3.3: the front's own status line says it
MARKS: dict[Kind, tuple[str, Style]] = {
    "dropped": ("−", "bad"),
    "changed": ("~", "warn"),
    "joined": ("⊕", "warn"),
    "added": ("+", "good"),
}
SHOWN_NAME = 40


class Change(NamedTuple):
    kind: Kind
    name: str
    """As the first hop that has it writes it."""
    here: tuple[str, ...]
    """Its values where the message came from; () for what was added."""
    there: tuple[str, ...]
    """Its values where it arrived; () for what was dropped."""


def changes(here: Pairs, there: Pairs) -> list[Change]:
    """What became of each field, in the order of `here`; then what was added."""
    arrived = _by_name(there, has_variables=_has_variables(there))
    found = []
    for key, (name, values) in _by_name(here, has_variables=_has_variables(here)).items():
        other = arrived.pop(key, None)
        if other is None:
            found.append(Change("dropped", name, values, ()))
        else:
            found.append(Change(_kind(name, values, *other), name, values, other[1]))
    return found + [Change("added", name, (), values) for name, values in arrived.values()]


def _has_variables(pairs: Pairs) -> bool:
    return any(name.startswith(PREFIX) or name == GATEWAY for name, _ in pairs)


def _by_name(pairs: Pairs, has_variables: bool) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Key: the name that both hops' spellings have in common; what is no header keeps apart."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for name, value in pairs:
        key = name.upper().replace("-", "_")
        if not has_variables or key in OF_THE_BODY:
            key = PREFIX + key
            if has_variables and any(n == key for n, _ in pairs):
                key = name  # sent both ways: the one with the prefix is the header
        first, values = found.get(key, (name, ()))
        found[key] = first, (*values, value)
    return found


def _kind(name: str, here: tuple[str, ...], other: str, there: tuple[str, ...]) -> Kind:
    if here == there:
        return "kept" if name.upper() == other.upper() else "renamed"
    if len(there) == 1 < len(here):
        blanked = set(here) | set(there) == {REDACTED}
        if blanked or any(glue.join(here) == there[0] for glue in GLUES):
            return "joined"
    return "changed"


def lines(front: Request, back: Request, shown: Request, width: int) -> list[Line]:
    """`shown` is the one of the two whose detail this is part of."""
    other = back if shown is front else front
    word = "behind" if other is back else "in front"
    found: list[Line] = [
        (),
        (Cell(f"the hop {word}: request {other.id}, {safe(other.protocol)}", "bold"),),
        between(other.client, other.server),
        _named("took", _took(front, back)),
    ]
    found += _difference("target", safe(front.target or UNKNOWN), safe(back.target or UNKNOWN))
    found += _difference(
        "body asked", _exactly(front.request_body_bytes), _exactly(back.request_body_bytes)
    )
    found += fields("asked: client → gateway", front.fields, back.fields, width)
    found += [()]
    found += _difference("status", _status(back), _status(front))
    found += _difference(
        "body told", _exactly(back.response_body_bytes), _exactly(front.response_body_bytes)
    )
    answered = _without_status(back.response_fields)
    return found + fields("answered: gateway → client", answered, front.response_fields, width)


def _took(front: Request, back: Request) -> str:
    text = f"{duration(front.duration_ns)} in front, {duration(back.duration_ns)} behind"
    if front.duration_ns is None or back.duration_ns is None:
        return text
    return f"{text}: the front adds {duration(max(front.duration_ns - back.duration_ns, 0))}"


def _exactly(size_bytes: int) -> str:
    """A difference of 4 bytes must show."""
    return f"{size_bytes:,} bytes"


def _status(fact: Request) -> str:
    return UNKNOWN if fact.status is None else str(fact.status)


def _without_status(pairs: object) -> object:
    if not isinstance(pairs, list):
        return pairs
    return [(name, value) for name, value in pairs if name.upper() != STATUS]


def _difference(name: str, here: str, there: str) -> list[Line]:
    return [] if here == there else [_named(name, f"{here} → {there}", "warn")]


def fields(title: str, here: object, there: object, width: int) -> list[Line]:
    """What differs of two messages' fields. Nothing where one of them was not told."""
    if not (isinstance(here, list) and isinstance(there, list)):
        return []
    found = changes(here, there)
    n_same = {k: sum(1 for c in found if c.kind == k) for k in ("renamed", "kept")}
    told = [plural(n, kind, kind) for kind, n in n_same.items() if n]
    rows: list[Line] = [_rule(title, told)]
    for kind in MARKS:
        rows += [_row(change, width) for change in found if change.kind == kind]
    return rows


def _rule(title: str, told: list[str]) -> Line:
    return (Cell(title, "bold"), Cell("  " + ", ".join(told), "dim"))


def _row(change: Change, width: int) -> Line:
    mark, style = MARKS[change.kind]
    name = safe(change.name[:SHOWN_NAME])
    room = max(8, width - len(name) - 4)
    return (Cell(f"{mark} ", style), Cell(name, "accent"), Cell("  "), Cell(_values(change, room)))


def _values(change: Change, room: int) -> str:
    """Both where they differ; of what is gone or long its size too."""
    sides = [side for side in (change.here, change.there) if side]
    if len(sides) == 1:
        return _clipped(sides[0], room)
    each = (room - 3) // 2
    return f"{_clipped(sides[0], each)} → {_clipped(sides[1], each)}"


def _clipped(values: tuple[str, ...], room: int) -> str:
    text = safe(" | ".join(value[: 4 * room] for value in values))
    size = sum(map(len, values))
    if len(text) <= room:
        return text
    told = f"… ({n_bytes(size)})"
    return text[: max(1, room - len(told))] + told


def _named(name: str, text: str, style: Style = "") -> Line:
    return (Cell(name.ljust(13), "dim"), Cell(text, style))
