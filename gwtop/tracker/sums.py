"""Sums: the `tick` and the `summary`. In: what the other files of this room know. Out: two facts.

It counts nothing itself and refuses to judge: `totals` counts, `verdict` judges, `workload` says
who is at work. This is where their words are put side by side, each total with its loss.
"""

from collections.abc import Sequence

from gwtop.nouns.facts import UNSET, Calls, Model, Request, Summary, Watched
from gwtop.nouns.facts import Tick as TickFact
from gwtop.nouns.records import Metered, Missed, Observed, TapState
from gwtop.nouns.times import Nanos, instant
from gwtop.tracker import telling
from gwtop.tracker.connections import Connections
from gwtop.tracker.exchange import Exchange
from gwtop.tracker.lineage import Lineage
from gwtop.tracker.totals import Totals
from gwtop.tracker.verdict import Answered, Verdict
from gwtop.tracker.workload import Workload

MAX_TOLD_IN_FLIGHT = 50  # INTERFACE.md, `tick.in_flight`


class Sums:
    """Reads the tables of one watch; `live`: there are processes to speak of."""

    def __init__(
        self,
        live: bool,
        lineage: Lineage,
        workload: Workload,
        verdict: Verdict,
        totals: Totals,
    ) -> None:
        self._live = live
        self._lineage = lineage
        self._workload = workload
        self._verdict = verdict
        self._totals = totals
        self.metered: Metered | None = None
        """What the newest second of a tap has cost those it watches."""

    def opened(self, tap: TapState) -> None:
        """What an open tap lets us know."""
        if tap.state != "open":
            return
        self._workload.sees_reads |= tap.sees_reads
        for what in tap.counts:
            self._totals.can_count(what)

    def missed(self, record: Missed) -> None:
        """A tap's loss. The census tells of one when it has to look for births by itself: it goes
        on missing them; a tap that is told of births and once fell behind does not."""
        if record.tap == "census" and record.what == "process_events":
            self._verdict.misses_births = True
        self._totals.missed(record.what, record.n)

    def told(self, fact: Request, is_judged: bool) -> None:
        """A request has been told; `is_judged`: it says something of the process model."""
        self._totals.told(fact)
        if is_judged:
            own_birth = fact.pid in fact.births
            self._verdict.answered(
                Answered(
                    fact.pid,
                    fact.thread,
                    fact.reader,
                    len(fact.births),
                    own_birth,
                    fact.duration_ns,
                )
            )

    def judge(self) -> tuple[Model | None, str | None]:
        """Nothing where no process was ever seen: a capture of frames knows no process model."""
        if not self._lineage.any_seen:
            return None, None
        able = self._lineage.answerers()
        embedded = next((p.embeds for p in able if p.embeds is not None), None)
        return self._verdict.judge([p.pid for p in able], embedded, self._lineage.n_born)

    def tick(
        self, at: Nanos, flying: Sequence[Exchange], watch: list[Watched]
    ) -> tuple[TickFact, list[Observed]]:
        """And what it has to say besides; `flying` in order of their ids."""
        model, evidence = self.judge()
        worker_of = self._workload.worker_of
        n_busy, n_idle = self._workload.counts(flying) if self._live else (None, None)
        queued_ns = self._workload.queued_ns
        oldest = flying[:MAX_TOLD_IN_FLIGHT]
        asked = [telling.in_flight(e, worker_of(e), queued_ns(e)) for e in oldest]
        told = TickFact(
            at=instant(at),
            requests=self._totals.n_requests,
            missed=self._totals.missing(),
            in_flight=(asked + self._workload.unseen.in_flight())[:MAX_TOLD_IN_FLIGHT],
            busy=n_busy,
            idle=n_idle,
            queues=self._workload.queues(),
            model=model,
            model_evidence=evidence,
            watch=watch,
            calls=UNSET if self.metered is None else _calls(self.metered),
        )
        return told, self._workload.remarks(n_busy, n_idle, at)

    def summary(self, at: Nanos, connections: Connections, n_unsettled: int) -> Summary:
        """`n_unsettled`: exchanges that are over and have not been told."""
        model, evidence = self.judge()
        totals, lineage = self._totals, self._lineage
        born_per_request = None
        if totals.n_requests and lineage.any_seen:
            born_per_request = totals.n_births / totals.n_requests
        return Summary(
            at=instant(at),
            requests=totals.n_requests,
            in_flight=len(connections.open_exchanges()) + n_unsettled,
            outcomes=dict(totals.outcomes),
            statuses=dict(totals.statuses),
            duration_ns=totals.durations.percentiles(),
            queue_ns=totals.queued.percentiles() if totals.any_queued else None,
            processes_born=lineage.n_born if lineage.any_seen else None,
            processes_exited=lineage.n_exited if lineage.any_seen else None,
            processes_per_request=born_per_request,
            workers=len(totals.workers),
            model=model,
            model_evidence=evidence,
            evidence=dict(totals.evidence),
            frames=totals.n_frames,
            connections=connections.n_opened,
            missed=totals.missing(),
            notes=dict(totals.notes),
        )


def _calls(seen: Metered) -> Calls:
    return Calls(per_s=seen.events_per_s, missed=seen.n_missed, copy_bytes=seen.copy_bytes)
