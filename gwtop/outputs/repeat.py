"""A request fact as lines for a shell that ask the same again.

In: a `request` fact told with its fields. Out: what the protocol's own file builds, each line with
what it cannot say in front of it. Refuses to know any protocol.

What a line lacks is said in the line, for lines are mailed and kept: as the argument of `:`, which
every shell passes over (a "#" is no comment in an interactive zsh, and what stands behind it may
come from the wire).
"""

from collections.abc import Sequence

from gwtop.nouns.facts import Request
from gwtop.nouns.repeat import REDACTED, Again, Asked, Field, Line
from gwtop.protocols import discover
from gwtop.protocols._repeat import curl, quoted

NAMED_SECRETS = 6


def asked_of(fact: Request) -> Asked:
    """As it was seen. A body that was not kept whole is told as long as what was kept."""
    body = _bytes(fact.request_body) if isinstance(fact.request_body, str) else b""
    fields = [(_bytes(name), _bytes(value)) for name, value in pairs(fact.fields)]
    if len(body) < fact.request_body_bytes:  # else a server would wait for the rest
        fields = [_with_length(field, len(body)) for field in fields]
    method = None if fact.method is None else _bytes(fact.method)
    target = None if fact.target is None else _bytes(fact.target)
    return Asked(fact.server, method, target, fields, body)


def again_of(fact: Request) -> Again | None:
    """None: its fields were not told, or its protocol is not known here."""
    module = discover().get(fact.protocol)
    if module is None or not isinstance(fact.fields, list):
        return None
    return module.repeat(asked_of(fact))


def lines_of(fact: Request) -> list[Line]:
    """What repeats it where it was asked, each with a warning of what it lacks; [] if nothing."""
    again = again_of(fact)
    return [] if again is None else [_warned(line, fact) for line in again.lines]


def curl_of(fact: Request) -> Line | None:
    """The request as a client in front would ask; None where that is not known."""
    again = again_of(fact)
    if again is None:
        return None
    if again.lines and again.lines[0].tool == "curl":
        return _warned(again.lines[0], fact)
    if not again.http.authority:
        return None
    return _warned(curl(again.http, body=asked_of(fact).body), fact)


def pairs(fields: object) -> Sequence[tuple[str, str]]:
    """Fields, where they were told."""
    return fields if isinstance(fields, list) else ()


def _bytes(text: str) -> bytes:
    """Facts are latin-1 of bytes; what a foreign file says beyond that is no byte."""
    return text.encode("latin-1", "replace")


def _with_length(field: Field, n_bytes: int) -> Field:
    name, value = field
    is_length = name.lower().replace(b"_", b"-") == b"content-length" and value
    return (name, b"%d" % n_bytes) if is_length else field


def _warned(line: Line, fact: Request) -> Line:
    words = warnings(fact, line.lacks)
    told = [f": {quoted(word.encode('ascii', 'replace'))}" for word in words]
    return line._replace(text="\n".join([*told, line.text]))


def warnings(fact: Request, lacks: str = "") -> list[str]:
    """What a line that repeats it does not say, in words."""
    words = []
    hidden = [_named(name) for name, value in pairs(fact.fields) if REDACTED in _bytes(value)]
    hidden += ["the target"] * (REDACTED in _bytes(fact.target or ""))
    if hidden:
        shown = ", ".join(hidden[:NAMED_SECRETS]) + (" ..." if len(hidden) > NAMED_SECRETS else "")
        words.append(
            f"{REDACTED.decode()} stands for secrets in {shown}; --show-secrets tells them"
        )
    n_kept = len(fact.request_body) if isinstance(fact.request_body, str) else 0
    if n_kept < fact.request_body_bytes:
        words.append(
            f"{n_kept} bytes of its body of {fact.request_body_bytes} were kept, and the length "
            f"says so; --bodies {fact.request_body_bytes} keeps all"
        )
    if lacks:
        words.append(f"left out: {lacks}")
    return words


def _named(name: str) -> str:
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in name[:40])
