"""How a demo's load goes, as a line; and the steps by which rate and concurrency change.

In: a load's state. Out: cells, numbers. Refuses to know keys and processes.
"""

from gwtop.nouns.driving import State
from gwtop.panels._base import Cell, Line
from gwtop.panels._safe import safe
from gwtop.panels._text import n_times, plural

RATES = (0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
"""Requests per second; above the last, as fast as it goes, which a load writes as 0."""
CROWDS = (1, 2, 4, 8, 16, 32, 64, 128)


def next_rate(rate: float, direction: int) -> float:
    """The step above or below; 0 (as fast as it goes) stands above them all."""
    if direction > 0:
        return 0 if rate == 0 else next((step for step in RATES if step > rate), 0)
    return RATES[-1] if rate == 0 else next((s for s in RATES[::-1] if s < rate), RATES[0])


def next_crowd(concurrency: int, direction: int) -> int:
    if direction > 0:
        return next((step for step in CROWDS if step > concurrency), max(CROWDS[-1], concurrency))
    return next((step for step in CROWDS[::-1] if step < concurrency), 1)


def rate_text(rate: float) -> str:
    return "as fast as it goes" if rate == 0 else f"{rate:g}/s"


def state_line(name: str, state: State | None, has_stopped: bool, has_load: bool = True) -> Line:
    """ "demo cgi  load ▶ 5/s, 1 at a time, the mix   sent 203, answered 201, in flight 2"."""
    head = Cell(f" demo {name} ", "bold")
    if has_stopped:
        return (head, Cell(" ■ stopped", "bad"), Cell("  r starts it again, a another one", "dim"))
    if not has_load:
        return (head, Cell(" no load: it needs pip install 'gwtop[demos]'", "dim"))
    if state is None:
        return (head, Cell(" load starting …", "dim"))
    sign = Cell(" ⏸ load stopped ", "warn") if state["paused"] else Cell(" ▶ load ", "good")
    crowd = "one at a time" if state["concurrency"] == 1 else f"{state['concurrency']} at a time"
    what = "the mix" if state["path"] is None else safe(state["path"][:60])
    line = [
        head,
        sign,
        Cell(rate_text(state["rate"]), "bold"),
        Cell(f", {crowd}, {what}   ", "dim"),
        Cell(f"sent {n_times(state['sent'])}", ""),
    ]
    if state["in_flight"]:
        line.append(Cell(f"  in flight {state['in_flight']}"))
    if state["failed"]:
        line.append(Cell(f"  unanswered {n_times(state['failed'])}", "bad"))
    if state["bad_wishes"]:
        line.append(Cell(f"  {plural(state['bad_wishes'], 'wish', 'wishes')} refused", "warn"))
    return tuple(line)
