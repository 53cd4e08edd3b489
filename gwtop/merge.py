"""Facts of several engines as one stream: by time, with whose they are, no id twice.

In: lines of facts from numbered sources, each in its own order. Out: lines. Pure: it knows no
file and no clock, only how long a line has waited, as its caller counts.

A source's own order is kept: facts come in the order in which they settled, so each line counts as
late as the latest one before it. A line is due when every other source has something to say too,
has ended, or has kept silent while it waited for `GRACE_NS`.

Ids are unique per engine: with n sources, id i of source k becomes i * n + k, which no two share
and which needs no table. Pids stay what their host knows; `host` says whose they are.
"""

from collections import deque

from gwtop import journal
from gwtop.errors import GwtopError
from gwtop.nouns.facts import UNSET, Fact, Hello, ProcessBorn, ProcessSample, Tick
from gwtop.nouns.hosts import changed
from gwtop.nouns.times import MILLISECOND_NS, Nanos

GRACE_NS = 500 * MILLISECOND_NS
"""An engine ticks four times a second for a screen, else once: a silent source is an idle one."""
MAX_WAITING = 5_000
"""Lines of one source; whoever reads stops reading it then."""
IDS = ("id", "connection", "pair")


class Source:
    """One of several: its lines so far, and what is known of it."""

    def __init__(self, name: str, number: int, n_sources: int, taken: set[str]) -> None:
        """`name`: of its host, until its hello says another. `taken`: names of hosts by now."""
        self.ended = False
        """No line will come any more."""
        self.finished = False
        """It has told its summary."""
        self._name = name
        self._number = number
        self._n_sources = n_sources
        self._taken = taken
        self._named: dict[str, str] = {}
        """Host: what it is called here."""
        self._host: str | None = None
        self._latest = ""
        self.n_lines = 0
        self._waiting: deque[tuple[str, Nanos, bytes]] = deque()

    @property
    def is_full(self) -> bool:
        return len(self._waiting) >= MAX_WAITING

    def put(self, line: bytes, now: Nanos) -> None:
        """A line without its newline. Raises GwtopError for what is no fact."""
        self.n_lines += 1
        if not line.strip():
            return
        try:
            fact = journal.decode(line)
        except GwtopError as wrong:
            where = f"{self._name}, line {self.n_lines}"
            raise GwtopError(f"{where}: {wrong.message}", wrong.remedy) from None
        self._latest = max(self._latest, getattr(fact, "at", ""))
        told = line + b"\n"
        if not isinstance(fact, journal.Unknown):
            self.finished = fact.__struct_config__.tag == "summary"
            if self._n_sources > 1:
                told = journal.encode(self._own(fact))
        self._waiting.append((self._latest, now, told))

    @property
    def head(self) -> tuple[str, Nanos] | None:
        """The instant of its next line, and since when that waits."""
        return self._waiting[0][:2] if self._waiting else None

    def take(self) -> bytes:
        return self._waiting.popleft()[2]

    def _own(self, fact: Fact) -> Fact:
        if isinstance(fact, Hello):
            self._host = self._own_name(fact.host)
            return fact
        new: dict[str, object] = {
            name: self._id(value)
            for name in IDS
            if isinstance(value := getattr(fact, name, None), int)
        }
        if fact.host is UNSET:
            new["host"] = self._host or self._name
        if isinstance(fact, ProcessBorn) and fact.request is not None:
            new["request"] = self._id(fact.request)
        elif isinstance(fact, ProcessSample):
            new["busy_with"] = [self._id(one) for one in fact.busy_with]
        elif isinstance(fact, Tick):
            new["in_flight"] = [
                changed(one, id=self._id(one.id), connection=self._id(one.connection))
                for one in fact.in_flight
            ]
        return changed(fact, **new)

    def _own_name(self, host: str) -> str:
        """Two files of one machine, of two runs or two gateways, have their own sums each."""
        if host not in self._named:
            names = (host, f"{host} ({self._name})", f"{host} ({self._number + 1})")
            free = [name for name in names if name not in self._taken]
            self._named[host] = free[0] if free else names[-1]
            self._taken.add(self._named[host])
        return self._named[host]

    def _id(self, number: int) -> int:
        return number * self._n_sources + self._number


class Merge:
    def __init__(self, names: tuple[str, ...]) -> None:
        taken: set[str] = set()
        self.sources = [Source(name, n, len(names), taken) for n, name in enumerate(names)]

    @property
    def is_over(self) -> bool:
        return all(one.ended and one.head is None for one in self.sources)

    def due(self, now: Nanos) -> list[bytes]:
        """The lines that need wait no longer, in order."""
        found: list[bytes] = []
        while (one := self._next(now)) is not None:
            found.append(one.take())
        return found

    def _next(self, now: Nanos) -> Source | None:
        waiting = [(head, one) for one in self.sources if (head := one.head) is not None]
        if not waiting:
            return None
        (_, since), first = min(waiting, key=lambda pair: pair[0][0])
        all_speak = all(one.ended or one.head is not None for one in self.sources)
        return first if all_speak or now - since >= GRACE_NS or first.is_full else None

    def wait_ns(self, now: Nanos) -> int | None:
        """How long until a line is due even if nothing comes; None: nothing waits."""
        since = [head[1] for one in self.sources if (head := one.head) is not None]
        return max(0, min(since) + GRACE_NS - now) if since else None
