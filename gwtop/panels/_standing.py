"""Notes of a state that lasts: their words with the numbers of now, or that it is over.

In: a note, a snapshot. Out: a sentence. Knows the few codes that tell of a state; any other note
is an event, and its words stay what they were.

The engine tells a state once when it has lasted, and again after a while: the numbers in its words
are those of that moment, and beside a queue that grows they would soon be wrong.
"""

from gwtop.model import Snapshot
from gwtop.model.notes import NoteRow
from gwtop.panels._header import longest_wait_ns
from gwtop.panels._text import idle_time


def text(note: NoteRow, snapshot: Snapshot) -> str:
    """As the engine said it where nobody counts workers (any longer), or several machines do."""
    busy, idle = snapshot.busy, snapshot.idle
    if busy is None or idle is None or snapshot.summary is not None or snapshot.hosts:
        return note.text
    n_pending = sum(queue.pending or 0 for queue in snapshot.queues)
    match note.code:
        case "all-workers-busy":
            return _all_busy(busy, idle, n_pending, snapshot)
        case "queue-while-idle":
            return _idle(busy, idle, n_pending, snapshot)
        case _:
            return note.text


def _all_busy(busy: int, idle: int, n_pending: int, snapshot: Snapshot) -> str:
    if idle > 0 or busy == 0:
        return f"All workers were busy; now {busy} of {busy + idle} are{_still(n_pending)}."
    who = "The only worker is" if busy == 1 else f"All {busy} workers are"
    return f"{who} busy, and {_connections(n_pending)} waiting to be accepted{_wait(snapshot)}."


def _idle(busy: int, idle: int, n_pending: int, snapshot: Snapshot) -> str:
    if n_pending == 0:
        return "Connections waited although workers had nothing to do; now none waits."
    if idle == 0:
        return _all_busy(busy, idle, n_pending, snapshot)
    return (
        f"Although {idle} of {busy + idle} workers have nothing to do, "
        f"{_connections(n_pending)} waiting to be accepted{_wait(snapshot)}."
    )


def _still(n_pending: int) -> str:
    return f", and {_connections(n_pending)} waiting to be accepted" if n_pending else ""


def _wait(snapshot: Snapshot) -> str:
    longest_ns = longest_wait_ns(snapshot)
    return "" if longest_ns is None else f", the longest for {idle_time(longest_ns)}"


def _connections(n: int) -> str:
    if n == 0:
        return "no connection is"
    return "1 connection is" if n == 1 else f"{n} connections are"
