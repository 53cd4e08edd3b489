"""What the protocols' own `repeat` functions share: safe quoting, addresses, a script's frame.

In: bytes that anybody may have sent. Out: text that is safe to paste into a shell, whatever they
were, and that gives the very same bytes again. Refuses to know any protocol's framing.

A pasted line runs with the rights of whoever pastes it, so nothing from the wire may be more than
data in it: values stand in single quotes (POSIX shell 2.2.2), or as octal escapes of printf where
they hold what no terminal should see; scripts stand in a quoted here-document (2.7.4), their
values as Python literals in ASCII, which hold no newline and so cannot end it. An argument cannot
hold NUL, and an environment no name with "=": then there is no such line, and it is said.
"""

import re
from collections.abc import Sequence

from gwtop.nouns.repeat import Asked, Field, Http, Line

HERE_END = "GWTOP"
_PLAIN = re.compile(rb"[A-Za-z0-9_@%+=:,./-]+")
_PRINTABLE = re.compile(rb"[\x20-\x7e]*")
TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 5.6.2


def quoted(value: bytes) -> str | None:
    """One argument of a POSIX shell. None: there is no safe way, as with NUL."""
    if _PLAIN.fullmatch(value):
        return value.decode("ascii")
    if b"\0" in value:
        return None
    if _PRINTABLE.fullmatch(value):
        return "'" + value.decode("ascii").replace("'", "'\\''") + "'"
    if value.endswith(b"\n"):
        return None  # $(...) takes newlines from the end (POSIX shell 2.6.3)
    return f'"$(printf {octal(value)})"'


def octal(value: bytes) -> str:
    """A format for printf(1) that writes these bytes, NUL included."""
    told = "".join(chr(c) if chr(c).isalnum() and c < 0x80 else f"\\{c:03o}" for c in value)
    return f"'{told}'"


def address(server: str) -> tuple[str, int] | str:
    """Where to connect: host and port, or a path."""
    if server.startswith("unix:"):
        return server.removeprefix("unix:")
    host, _, port = server.rpartition(":")
    return host.strip("[]"), int(port) if port.isdecimal() else 0


def script(asked: Asked, code: str, names: str = "fields") -> Line:
    """A Python script, standard library alone, that connects and runs `code`.

    `code` finds `fields`, `body`, an open `s`, its reader `told`, and `out` for the answer.
    """
    where = address(asked.server)
    kind = "AF_UNIX" if isinstance(where, str) else "AF_INET6" if ":" in where[0] else "AF_INET"
    lines = [
        f"python3 - <<'{HERE_END}'",
        "import socket, struct, sys",
        f"{names} = [",
        *(f"    ({name!r}, {value!r})," for name, value in asked.fields),
        "]",
        f"body = {asked.body!r}",
        f"s = socket.socket(socket.{kind})",
        f"s.connect({_literal(where)})",
        "told, out = s.makefile('rb'), sys.stdout.buffer",
        *code.strip("\n").split("\n"),
        HERE_END,
    ]
    return Line("python3", "\n".join(lines))


def _literal(where: tuple[str, int] | str) -> str:
    """Paths as bytes: they need not be UTF-8."""
    return ascii(where.encode("latin-1", "replace") if isinstance(where, str) else where)


UNTIL_THE_END = """
while data := told.read(65536):
    out.write(data)
"""


def http_of_variables(asked: Asked) -> Http:
    """CGI variables as the HTTP request they were made of (RFC 3875 4.1)."""
    values = dict(asked.fields)
    host = values.get(b"HTTP_HOST") or _named_host(values)
    secure = values.get(b"HTTPS", b"").lower() in (b"on", b"1")
    headers = [
        (_header(name.removeprefix(b"HTTP_")), value)
        for name, value in asked.fields
        if name.startswith(b"HTTP_")
    ]
    for name in (b"CONTENT_TYPE", b"CONTENT_LENGTH"):  # RFC 3875 4.1.2, 4.1.3
        if values.get(name):
            headers.append((_header(name), values[name]))
    method, target = asked.method or b"GET", asked.target or b"/"
    return Http(method, "https://" if secure else "http://", host, target, headers)


def _named_host(values: dict[bytes, bytes]) -> bytes:
    name, port = values.get(b"SERVER_NAME", b""), values.get(b"SERVER_PORT", b"")
    return name + b":" + port if name and port not in (b"", b"80", b"443") else name


def _header(variable: bytes) -> bytes:
    """RFC 3875 4.1.18 backwards; the case that was sent is not known."""
    return b"-".join(part.capitalize() for part in variable.split(b"_"))


def curl(http: Http, server: str = "", body: bytes = b"") -> Line:
    """The request for curl, at `server` or else where its authority says.

    What curl would add by itself is taken away (an empty header), what it would read from a file
    ("@") is never given as such.
    """
    words, lacks = ["curl", "-sS", "-g", "--path-as-is"], []
    method = http.method if TOKEN.fullmatch(http.method) else b"GET"
    if method != http.method:
        lacks.append("its method, which is no token")
    words += ["-I"] if method == b"HEAD" else ["-X", method.decode("ascii")]
    words += _headers(http.headers, bool(body), lacks)
    target = http.target if http.target.startswith(b"/") else b"/"
    if not PLAIN_TARGET.fullmatch(http.target):  # or no origin form at all: RFC 9112 3.2
        target = b"/"
        words += ["--request-target", _or(quoted(http.target), lacks, "its target")]
    where = address(server) if server else ""
    host = http.authority if TOKEN_OF_HOST.fullmatch(http.authority) else b"localhost"
    if server and isinstance(where, str):
        words += ["--unix-socket", _or(quoted(where.encode("latin-1", "replace")), lacks, "path")]
    elif server:
        host = server.encode("ascii", "replace")
    words.append(_or(quoted(http.scheme.encode() + host + target), lacks, "its target"))
    text = " ".join(words)
    if body:
        text = f"printf {octal(body)} | {text} --data-binary @-"
    return Line("curl", text, ", ".join(lacks))


PLAIN_TARGET = re.compile(rb"/[!$-~]*")
"""What curl takes in a URL and sends as it is: no "#", no quotes, nothing but ASCII."""
TOKEN_OF_HOST = re.compile(rb"[A-Za-z0-9._-]+(?::\d{1,5})?|\[[0-9A-Fa-f:.]+\](?::\d{1,5})?")


def _headers(headers: Sequence[Field], has_body: bool, lacks: list[str]) -> list[str]:
    words: list[str] = []
    given = {name.lower() for name, _ in headers}
    for name, value in headers:
        if name.lower() == b"content-length" and has_body:
            continue  # curl counts it, and a wrong one would hang
        header = quoted(name + b": " + value if value else name + b";")
        if not TOKEN.fullmatch(name) or header is None or b"\n" in value:
            lacks.append(f"a header {name[:40]!r}"[:60])
        else:
            words += ["-H", header]
    own = [b"User-Agent", b"Accept"] + [b"Content-Type", b"Expect"] * has_body
    for name in own:
        if name.lower() not in given:
            words += ["-H", f"{name.decode()}:"]
    return words


def _or(text: str | None, lacks: list[str], what: str) -> str:
    if text is None:
        lacks.append(f"{what}, which holds NUL or ends in a newline")
        return "''"
    return text
