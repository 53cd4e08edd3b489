"""An HTTP request once more, as a line for curl.

In: what was asked. Out: a line for a shell. Spec: RFC 9112 3.2 (forms of the target), RFC 9110 7.2
(Host, which stays what it was though the line asks the server that was asked).
"""

from gwtop.nouns.repeat import Again, Asked, Http
from gwtop.protocols._repeat import curl


def repeat(asked: Asked) -> Again:
    """An HTTP request for curl."""
    hosts = [value for name, value in asked.fields if name.lower() == b"host"]
    authority = hosts[0] if hosts else asked.server.encode("ascii", "replace")
    method, target = asked.method or b"GET", asked.target or b"/"
    http = Http(method, "http://", authority, target, asked.fields)
    return Again(http, [curl(http, asked.server, asked.body)])
