"""The lines under the head: the one thing that must not be overlooked, if there is any.

In: what is shown, how the engine ended, what went wrong beside it, the room. Out: lines, or ().
Refuses to know where they are painted.
"""

import textwrap

from gwtop.model import Snapshot
from gwtop.nouns.facts import Tap
from gwtop.nouns.times import SECOND_NS
from gwtop.panels import Cell, Line, safe
from gwtop.panels import _standing as standing

NO_SUMMARY = "it told no summary, so the last totals may be short"
FRESH_NS = 10 * SECOND_NS
"""So long a note hides what is missing all the time."""
SHOW_REQUESTS = frozenset({"ring", "libpcap", "calls"})
HIDE_LITTLE = frozenset({"taskstats", "taskclock"})
"""What they tell of short processes is no worth a line for ever: it stands in `gwtop doctor`."""
LENGTHS_ONLY = "calls' bytes are not copied, so they tell of no request"
AGAIN = "; {}: copy again"
MIN_WIDTH = len(" ■ engine ended:  …") + 2  # textwrap raises where the mark alone has no room
MAX_LINES = 2  # a remedy is worthless when its end is cut off; a note stands in full in its pane


def alert(
    shown: Snapshot,
    engine_ended: str | None,
    trouble: str | None,
    width: int,
    copy_key: str = "b",
) -> tuple[Line, ...]:
    """`engine_ended`: without its summary. `copy_key`: has calls' bytes copied again. The worst
    comes first, and hides the others."""
    if engine_ended is not None:
        return _folded(Cell(" ■ engine ended: ", "bad"), engine_ended, width)
    if trouble is not None:
        return _folded(Cell(" ■ ", "bad"), trouble, width)
    note = shown.newest_note
    if note is None and not shown.processes and not shown.n_requests:
        note = next(reversed(shown.notes), None)  # why there is nothing to see: nobody listens
    is_fresh = note is not None and (shown.now_at or 0) - note.last_at < FRESH_NS
    tap = _refused(shown)
    if tap is not None and (not is_fresh or hides_requests(shown)):
        return _folded(Cell(f" ⚑ {tap.name} refused: ", "warn"), tap.needs or "", width)
    if shown.calls is not None and not shown.calls.copy_bytes and shown.summary is None:
        return _folded(
            Cell(" ⚑ ", "warn"), LENGTHS_ONLY + (copy_key and AGAIN.format(copy_key)), width
        )
    if note is not None:
        mark = Cell(" ⚑ ", "bad" if note.severity == "error" else "warn")
        return ((mark, Cell(safe(standing.text(note, shown)))),)
    return ()


def hides_requests(shown: Snapshot) -> bool:
    """No request is seen, because what would show them is refused."""
    tap = _refused(shown)
    return tap is not None and tap.name in SHOW_REQUESTS and not shown.n_requests


def _refused(shown: Snapshot) -> Tap | None:
    """The one whose refusal hides most."""
    taps = shown.hello.taps if shown.hello else ()
    refused = [t for t in taps if t.state == "refused" and t.needs and t.name not in HIDE_LITTLE]
    return min(refused, key=lambda tap: tap.name not in SHOW_REQUESTS, default=None)


def _folded(mark: Cell, text: str, width: int) -> tuple[Line, ...]:
    """At spaces, so that a path that fits on a line can be copied from it."""
    first, *rest = textwrap.wrap(
        safe(text),
        max(width, MIN_WIDTH),
        initial_indent=" " * len(mark.text),
        subsequent_indent="   ",
        break_on_hyphens=False,
        max_lines=MAX_LINES,
        placeholder=" …",
    ) or [""]
    return ((mark, Cell(first[len(mark.text) :])), *((Cell(line),) for line in rest))
