"""Several hosts in one model: their pids kept apart, their ticks put together.

In: facts that say of which host they are (`gwtop view` of several files says so). Out: the same
with pids that are unique; and of all hosts' newest ticks one, with every loss. Facts of an engine
alone name no host and come out as they are.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace

from gwtop.nouns.facts import (
    UNSET,
    Calls,
    Fact,
    Hello,
    InFlight,
    Missing,
    Percentiles,
    QueueState,
    Summary,
    Tick,
    Watched,
)
from gwtop.nouns.hosts import HostPid, changed

PIDS = ("pid", "parent", "reader", "thread")
"""Fields of facts that are process ids, or None."""


@dataclass(frozen=True, slots=True)
class Latest:
    """What the newest tick (or the summary) said."""

    watch: tuple[Watched, ...] = ()
    model: str | None = None
    model_evidence: str | None = None
    n_counted: int | None = None
    busy: int | None = None
    idle: int | None = None
    queues: tuple[QueueState, ...] = ()
    missed: Missing | None = None
    calls: Calls | None = None
    """What seeing calls costs the watched processes. None: none are seen."""

    @classmethod
    def of(cls, fact: Tick) -> "Latest":
        return cls(
            watch=tuple(fact.watch),
            model=fact.model,
            model_evidence=fact.model_evidence,
            n_counted=fact.requests,
            busy=fact.busy,
            idle=fact.idle,
            queues=tuple(fact.queues),
            missed=fact.missed,
            calls=None if fact.calls is UNSET else fact.calls,
        )

    def ended(self, fact: Summary) -> "Latest":
        """The last word stands beside what was gauged last."""
        return replace(
            self,
            model=fact.model,
            model_evidence=fact.model_evidence,
            n_counted=fact.requests,
            missed=fact.missed,
        )


class Hosts:
    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._latest: dict[str, Latest] = {}
        self._in_flight: dict[str, tuple[InFlight, ...]] = {}
        self._summaries: dict[str, Summary] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """In the order in which they were met; () while no fact named one."""
        return tuple(self._numbers)

    def scoped(self, fact: Fact) -> Fact:
        """With pids that are no other host's."""
        if isinstance(fact, Hello) or fact.host is UNSET:
            return fact
        number = self._numbers.setdefault(fact.host, len(self._numbers) + 1)
        new: dict[str, object] = {
            name: HostPid.of(pid, number)
            for name in PIDS
            if (pid := getattr(fact, name, None)) is not None
        }
        births = getattr(fact, "births", None)
        if births:
            new["births"] = [HostPid.of(pid, number) for pid in births]
        if isinstance(fact, Tick):
            new["in_flight"] = [
                one if one.pid is None else changed(one, pid=HostPid.of(one.pid, number))
                for one in fact.in_flight
            ]
        return changed(fact, **new) if new else fact

    def ticked(self, fact: Tick) -> tuple[Latest, tuple[InFlight, ...]]:
        """This host's newest tick with those of the others."""
        host = _host(fact)
        self._latest[host] = Latest.of(fact)
        self._in_flight[host] = tuple(fact.in_flight)
        return self._joined()

    def finished(self, fact: Summary) -> tuple[Latest, tuple[InFlight, ...], Summary | None]:
        """The same at its end; the summary of them all, once each has told its own."""
        host = _host(fact)
        self._latest[host] = self._latest.get(host, Latest()).ended(fact)
        self._in_flight[host] = ()
        self._summaries[host] = fact
        left = self._numbers.keys() - self._summaries.keys()
        return *self._joined(), None if left else _sums(list(self._summaries.values()))

    def _joined(self) -> tuple[Latest, tuple[InFlight, ...]]:
        return _together(self._latest), tuple(one for t in self._in_flight.values() for one in t)


def _host(fact: Tick | Summary) -> str:
    return "" if fact.host is UNSET else fact.host


def _together(by_host: dict[str, Latest]) -> Latest:
    every = list(by_host.values())
    if len(every) == 1:
        return every[0]
    models = {one.model for one in every if one.model is not None}
    evidence = [f"{host}: {t.model_evidence}" for host, t in by_host.items() if t.model_evidence]
    return Latest(
        watch=tuple(watched for one in every for watched in one.watch),
        model=models.pop() if len(models) == 1 else None,
        model_evidence="; ".join(evidence) or None,
        n_counted=_sum([one.n_counted for one in every]),
        busy=_sum([one.busy for one in every]),
        idle=_sum([one.idle for one in every]),
        queues=tuple(queue for one in every for queue in one.queues),
        missed=_missed([one.missed for one in every if one.missed is not None]),
        calls=_calls([one.calls for one in every if one.calls is not None]),
    )


def _calls(every: Collection[Calls]) -> Calls | None:
    if not every:
        return None
    return Calls(
        per_s=sum(one.per_s for one in every),
        missed=sum(one.missed for one in every),
        copy_bytes=max(one.copy_bytes for one in every),
    )


def _sum(values: Collection[int | None]) -> int | None:
    """Of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _missed(every: Collection[Missing]) -> Missing | None:
    """A loss that one host could not count is not counted in all."""
    if not every:
        return None
    sums: dict[str, int | None] = {}
    for name in Missing.__struct_fields__:
        values = [getattr(one, name) for one in every]
        sums[name] = None if None in values else sum(values)
    return Missing(**sums)


def _sums(every: list[Summary]) -> Summary:
    """Sums; percentiles of all cannot be had from each one's, but for the largest."""
    if len(every) == 1:
        return every[0]
    last = max(every, key=lambda one: one.at)
    slowest = [one.duration_ns.max for one in every if one.duration_ns.max is not None]
    n_requests = sum(one.requests for one in every)
    return changed(
        last,
        host=UNSET,
        requests=n_requests,
        in_flight=sum(one.in_flight for one in every),
        outcomes=_added([one.outcomes for one in every]),
        statuses=_added([one.statuses for one in every]),
        duration_ns=Percentiles(None, None, None, max(slowest, default=None)),
        queue_ns=None,
        processes_born=_sum([one.processes_born for one in every]),
        processes_exited=_sum([one.processes_exited for one in every]),
        processes_per_request=None,
        workers=sum(one.workers for one in every),
        model=last.model if len({one.model for one in every}) == 1 else None,
        model_evidence=None,
        evidence=_added([one.evidence for one in every]),
        frames=sum(one.frames for one in every),
        connections=sum(one.connections for one in every),
        missed=_missed([one.missed for one in every]),
        notes=_added([one.notes for one in every]),
    )


def _added(every: list[dict[str, int]]) -> dict[str, int]:
    return dict(sum((Counter(one) for one in every), Counter()))
