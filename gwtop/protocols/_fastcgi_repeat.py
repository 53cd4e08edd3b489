"""A FastCGI request once more: a line for cgi-fcgi, and a script that builds the records.

In: what was asked. Out: lines for a shell. Spec: FastCGI 1.0, sections 3.3 (records), 3.4
(name-value pairs), 5.1 (BEGIN_REQUEST, role 1 RESPONDER, flags 0: close), 5.2, 5.3, 5.5.

cgi-fcgi (libfcgi 2.4.2) sends its whole environment as PARAMS and CONTENT_LENGTH bytes of its
input as STDIN; so its environment is emptied first, and what an environment cannot say is left
to the script.
"""

from gwtop.nouns.repeat import Again, Asked, Line
from gwtop.protocols._repeat import address, http_of_variables, octal, quoted, script

_CODE = """
def length(n):  # FastCGI 3.4
    return bytes([n]) if n < 128 else struct.pack('>I', n | 1 << 31)
def stream(kind, data):  # FastCGI 3.3: records, and an empty one at the end
    parts = [data[i:i + 65535] for i in range(0, len(data), 65535)] + [b'']
    return b''.join(struct.pack('>BBHHBx', 1, kind, 1, len(p), 0) + p for p in parts)
params = b''.join(length(len(n)) + length(len(v)) + n + v for n, v in fields)
begin = struct.pack('>BBHHBx', 1, 1, 1, 8, 0) + struct.pack('>HB5x', 1, 0)  # 5.1
s.sendall(begin + stream(4, params) + stream(5, body))
while len(head := told.read(8)) == 8:
    _, kind, _, size, padding = struct.unpack('>BBHHBx', head)
    data = told.read(size)
    told.read(padding)
    if kind == 6:
        out.write(data)
    elif kind == 7:
        sys.stderr.buffer.write(data)
    elif kind == 3:
        break
"""


def repeat(asked: Asked) -> Again:
    """A FastCGI request for cgi-fcgi, and for Python."""
    lines = [script(asked, _CODE)]
    by_program = _cgi_fcgi(asked)
    return Again(http_of_variables(asked), lines if by_program is None else [by_program, *lines])


def _cgi_fcgi(asked: Asked) -> Line | None:
    """None: an environment, or cgi-fcgi's -connect, cannot say it."""
    where = address(asked.server)
    names = [name for name, _ in asked.fields]
    if len(set(names)) < len(names) or any(b"=" in n or not n or n[:1] == b"-" for n in names):
        return None
    if isinstance(where, str):
        socket = quoted(where.encode("latin-1", "replace"))
    else:
        socket = None if ":" in where[0] else f"{where[0]}:{where[1]}"
    told = [quoted(name + b"=" + value) for name, value in asked.fields]
    if socket is None or None in told:
        return None
    words = ["env", "-i", *(word for word in told if word), "cgi-fcgi", "-bind", "-connect", socket]
    text = " ".join(words)
    return Line(
        "cgi-fcgi", f"printf {octal(asked.body)} | {text}" if asked.body else f"{text} </dev/null"
    )
