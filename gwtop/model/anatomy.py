"""Processes that were looked at closely: the newest look at each, and the one before it.

In: `process_detail` facts, and which row their pid means now. Out: `Looked`, by the row's key.
Refuses to know who asked and how often.

A look at a pid that was reused is not a look at the row: the instants of birth are compared, and
from the first look on the kernel's own number of it. A process that has ended keeps its last look.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from gwtop.model.processes import ProcessRow
from gwtop.nouns.facts import ProcessDetail
from gwtop.nouns.times import SECOND_NS, Nanos, nanos

KEPT_LOOKS = 8
"""An environ may be 2 MB, and one looks at one process at a time."""
SAME_BIRTH_NS = SECOND_NS
"""/proc tells births in clock ticks, on a clock that is slewed."""


class Looked(NamedTuple):
    fact: ProcessDetail
    """The newest look at which it was there."""
    at: Nanos
    cpu_percent: Mapping[int, float]
    """Of one core, by thread, since the look before. Empty: it was the first."""
    is_gone: bool = False
    """It was not there when it was last looked for."""


@dataclass(slots=True)
class Anatomies:
    _looks: OrderedDict[int, Looked] = field(default_factory=OrderedDict)

    def told(self, fact: ProcessDetail, row: ProcessRow | None) -> None:
        """`row`: what the pid means now."""
        if row is None:
            return
        before = self._looks.get(row.key)
        if fact.state is None:
            if before is not None:
                self._looks[row.key] = before._replace(is_gone=True)
            return
        if not _is_of(fact, row, before):
            return
        at = nanos(fact.at)
        self._looks[row.key] = Looked(fact, at, _cpu_percent(fact, at, before))
        self._looks.move_to_end(row.key)
        if len(self._looks) > KEPT_LOOKS:
            self._looks.popitem(last=False)

    def looks(self) -> dict[int, Looked]:
        """A copy, which stays as it is."""
        return dict(self._looks)


def _is_of(fact: ProcessDetail, row: ProcessRow, before: Looked | None) -> bool:
    if before is not None:
        return fact.start_ticks == before.fact.start_ticks
    if fact.born_at is None or row.born_at is None:
        return True
    return abs(nanos(fact.born_at) - row.born_at) < SAME_BIRTH_NS


def _cpu_percent(fact: ProcessDetail, at: Nanos, before: Looked | None) -> dict[int, float]:
    if before is None or at <= before.at:
        return {}
    spent_ns = {thread.id: thread.cpu_ns for thread in before.fact.threads or ()}
    return {
        thread.id: 100 * (thread.cpu_ns - spent_ns[thread.id]) / (at - before.at)
        for thread in fact.threads or ()
        if thread.id in spent_ns
    }
