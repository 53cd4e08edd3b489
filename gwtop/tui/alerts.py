"""The line under the head: the one thing that must not be overlooked, if there is any.

In: what is shown, how the engine ended, what went wrong beside it. Out: a line, or (). Refuses to
know where it is painted.
"""

from gwtop.model import Snapshot
from gwtop.panels import Cell, Line, safe

NO_SUMMARY = "it told no summary, so the last totals may be short"


def alert(shown: Snapshot, engine_ended: str | None, trouble: str | None) -> Line:
    """`engine_ended`: without its summary. The worst comes first, and hides the others."""
    if engine_ended is not None:
        return (Cell(" ■ engine ended: ", "bad"), Cell(safe(engine_ended)))
    if trouble is not None:
        return (Cell(" ■ ", "bad"), Cell(safe(trouble)))
    refused = [t for t in (shown.hello.taps if shown.hello else ()) if t.needs]
    if refused and refused[0].state == "refused":
        tap = refused[0]
        return (Cell(f" ⚑ {tap.name} refused: ", "warn"), Cell(safe(tap.needs or "")))
    note = shown.newest_note
    if note is not None:
        return (Cell(" ⚑ ", "bad" if note.severity == "error" else "warn"), Cell(safe(note.text)))
    return ()
