"""The last hop of a CGI request: from the wire into the variables of the program that was run.

In: a request's fact and the processes that are known. Out: the process that was born for it with
its variables, and lines that show what the front end set, renamed and dropped. Refuses to know
whether a variable is CGI's or the server's own: the program was given all of them.

A CGI program has no other wire (RFC 3875 4.1): its head is its environment. What a front leaves
out is as telling as what it adds: Authorization (4.1.18 lets it), Proxy (httpoxy), names that
another header would be mistaken for.
"""

from gwtop.model import Snapshot
from gwtop.model.processes import ProcessRow
from gwtop.nouns.facts import Request
from gwtop.nouns.times import MILLISECOND_NS, nanos
from gwtop.panels import _hop_diff
from gwtop.panels._base import Cell, Line
from gwtop.panels._safe import safe

STAMPS_SLACK_NS = MILLISECOND_NS
"""Two kernel clocks: a process may seem older than the first byte of its request."""


def of(fact: Request, snapshot: Snapshot) -> ProcessRow | None:
    """The program that answered it. A pid is used again, so it must have been born within."""
    if fact.pid is None or fact.pid not in fact.births:
        return None
    began_at, ended_at = nanos(fact.began_at) - STAMPS_SLACK_NS, nanos(fact.at) + STAMPS_SLACK_NS
    for row in reversed(snapshot.processes):
        born_at = row.born_at or 0
        if row.pid == fact.pid and row.environ is not None and began_at <= born_at <= ended_at:
            return row
    return None


def lines(fact: Request, snapshot: Snapshot, width: int) -> list[Line]:
    row = of(fact, snapshot)
    if row is None:
        return []
    name = safe(row.name or "a program")
    return [
        (),
        (Cell(f"the program: process {row.pid}, {name}, by its environ", "bold"),),
        *_hop_diff.fields("given: request → variables", fact.fields, row.environ, width),
    ]
