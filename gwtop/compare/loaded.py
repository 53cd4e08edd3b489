"""A demo under load: how many answers a second, how long they took, what CPU they cost.

In: a running demo. Out: cells. The load asks for one short page over and over, as fast as the
answers come, without anybody watching.
"""

import select
from dataclasses import dataclass

from gwtop import clock
from gwtop.compare import client, machine
from gwtop.demos import Ready
from gwtop.errors import GwtopError
from gwtop.load import RunningLoad, Summary, start_load
from gwtop.nouns.comparison import Cell
from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS

PATH = "/"
SETTLE = "slow?ms=200"
BEGIN_DEADLINE_NS = 20 * SECOND_NS


@dataclass(frozen=True, slots=True)
class Driven:
    n_answers: int
    n_asked: int
    """With those that were in flight at the end: they cost CPU, too."""
    elapsed_ns: int
    took_ns: tuple[int, ...]
    """Sorted."""
    cpu_ns: int
    """Of the tree, with what its dead children had used."""
    reaped_cpu_ns: int
    """Of the dead children alone."""


def drive(ready: Ready, concurrency: int, seconds: float) -> Driven:
    before = machine.cpu(ready["pid"])
    load = start_load(ready["url"], rate=0, concurrency=concurrency, path=PATH, driven=True)
    try:
        _await_answer(load)
        select.select([], [], [], seconds)
    finally:
        summary = load.stop()
    client.ask(f"{ready['url']}{SETTLE}")  # what was in flight comes to its end
    after = machine.cpu(ready["pid"])
    if summary is None or not summary["statuses"].get("200"):
        raise GwtopError(f"demo {ready['name']}: no answer under load; {load.trouble() or ''}")
    return driven_of(summary, after.all_ns - before.all_ns, after.reaped_ns - before.reaped_ns)


def _await_answer(load: RunningLoad) -> None:
    """On a busy machine the load may need seconds to begin, which are none of the demo's."""
    deadline_ns = clock.monotonic_ns() + BEGIN_DEADLINE_NS
    while load.poll() is None and clock.monotonic_ns() < deadline_ns:
        select.select([load], [], [], 1.0)  # it tells how it goes each second
        state = load.state()
        if state is not None and state["answered"]:
            return


def driven_of(summary: Summary, cpu_ns: int, reaped_cpu_ns: int) -> Driven:
    n_answers = summary["statuses"].get("200", 0)
    took = tuple(sorted(summary["took_ns"]))
    return Driven(
        n_answers=n_answers,
        n_asked=summary["sent"],
        elapsed_ns=summary["elapsed_ns"],
        took_ns=took,
        cpu_ns=cpu_ns,
        reaped_cpu_ns=reaped_cpu_ns,
    )


def cells(
    one: Driven, eight: Driven, makes_processes: bool, program_cpu_ns: float | None
) -> dict[str, Cell]:
    """`makes_processes`: requests are answered by processes that were made for them;
    `program_cpu_ns`: what each of those spent, of which a parent that collects none of its children
    (fcgiwrap) knows nothing."""
    n_asked = one.n_asked + eight.n_asked
    cpu_ns = (one.cpu_ns + eight.cpu_ns) / n_asked
    cpu = Cell(cpu_ns / MILLISECOND_NS)
    if makes_processes and eight.reaped_cpu_ns <= 0:
        cpu = Cell(None, "its parent does not collect its children, so their CPU time is lost")
        if program_cpu_ns is not None:
            cpu = Cell((cpu_ns + program_cpu_ns) / MILLISECOND_NS)
    return {
        "requests_per_s_1": Cell(one.n_answers * SECOND_NS / one.elapsed_ns),
        "requests_per_s_8": Cell(eight.n_answers * SECOND_NS / eight.elapsed_ns),
        "p50_ms": Cell(quantile(eight.took_ns, 0.5) / MILLISECOND_NS),
        "p99_ms": Cell(quantile(eight.took_ns, 0.99) / MILLISECOND_NS),
        "cpu_ms": cpu,
    }


def quantile(ordered: tuple[int, ...], share: float) -> int:
    """The smallest value that at least this share of all does not exceed."""
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]
