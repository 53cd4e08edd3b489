"""Who answered a request, and whose children they are: from the top of the tree down.

In: a request's fact and the processes that are known. Out: lines of cells, and the row that is
the process's own. Refuses to know more of a process than its line: it has a sheet of its own.
"""

from gwtop.model import Snapshot
from gwtop.model.processes import ProcessRow
from gwtop.nouns.facts import Request
from gwtop.nouns.times import Nanos, nanos
from gwtop.panels._base import PLAIN, Cell, Line, Look
from gwtop.panels._detail import who
from gwtop.panels._text import duration
from gwtop.panels.processes import command, process_of

MAX_DEPTH = 12
"""Of ancestors; a loop of pids that were used again ends here too."""


def lines(fact: Request, snapshot: Snapshot, look: Look = PLAIN) -> list[Line]:
    answered = process_of(fact.pid, snapshot)
    found = [who(fact, snapshot)]
    if fact.reader is not None and fact.reader != fact.pid:
        reader = process_of(fact.reader, snapshot)
        name = "" if reader is None else f"  {command(reader)}"
        words = f"{fact.reader}{name}, which passed the work on"
        found.append((Cell("read by".ljust(13), "dim"), Cell(words)))
    if answered is None:
        known = [] if fact.pid is None else [(), (Cell(UNKNOWN_PROCESS, "dim"),)]
        return [*found, *known]
    found += [()]
    chain = _ancestors(answered, snapshot)
    for depth, process in enumerate(chain):
        found.append(_line(process, depth, process is answered, fact, look))
    for pid in fact.births:
        child = process_of(pid, snapshot)
        if child is not None and child.parent == answered.pid:
            found.append(_line(child, len(chain), False, fact, look))
    return [*found, (), (Cell(OPENS, "dim"),)]


UNKNOWN_PROCESS = "of that process nothing else is kept"
OPENS = "Enter: the process in full"


def _ancestors(process: ProcessRow, snapshot: Snapshot) -> list[ProcessRow]:
    """Topmost first, the process itself last."""
    chain = [process]
    while len(chain) < MAX_DEPTH:
        parent = process_of(chain[0].parent, snapshot)
        if parent is None or parent in chain:
            break
        chain.insert(0, parent)
    return chain


def _line(process: ProcessRow, depth: int, is_it: bool, fact: Request, look: Look) -> Line:
    branch = "" if depth == 0 else "   " * (depth - 1) + ("`- " if look.ascii else "╰─ ")
    return (
        Cell(branch, "dim"),
        Cell(f"{process.pid}", "accent" if is_it else ""),
        Cell(f" {process.role}  ", "" if is_it else "dim"),
        Cell(command(process), "bold" if is_it else "dim"),
        Cell(_life(process, nanos(fact.began_at)), "dim"),
    )


def _life(process: ProcessRow, began_at: Nanos) -> str:
    """Its birth and end beside the request's first byte."""
    words = ""
    if process.born_at is not None and not process.was_there:
        words += f"  born {_beside(process.born_at - began_at)}"
    if process.died_at is not None:
        words += f"  gone {_beside(process.died_at - began_at)}"
        if process.signal is not None:
            words += f", killed by signal {process.signal}"
        elif process.code:
            words += f", exit status {process.code}"
    return words


def _beside(after_ns: int) -> str:
    if after_ns < 0:
        return f"{duration(-after_ns)} before the request"
    return f"{duration(after_ns)} into it"
