"""The verdict: which process model this gateway lives by, and the numbers that say so.

In: each answered request as it is told, each life as it ends, who can answer now. Out: a `Model`
and a sentence. Null below five answered requests: four say nothing about a pool.

The rules are those of INTERFACE.md in its order; the first that holds wins. They look at the
newest thousand requests, so that the verdict changes when the facts do.

Where births are only looked for ten times a second, a process that lived 40 ms was most likely not
seen, and a CGI gateway looks like the one process that hands its requests on. That nothing was
born for them is known only of requests that took much longer than from one look to the next;
without some of these, nothing that rests on "none born" is a verdict.
"""

from collections import Counter, deque
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from gwtop.nouns.facts import Model
from gwtop.nouns.times import MILLISECOND_NS, Nanos

MIN_REQUESTS = 5  # INTERFACE.md, `model`
WINDOW = 1000  # requests the verdict looks back on: a minute of a slow site, a second of a fast one
BORN_SHARE = 0.9  # INTERFACE.md, "process-per-request"
LONG_NS = 180 * MILLISECOND_NS  # a look each 100 ms, and what lies before and behind its process
MIN_LONG = 3
MOST_BORN = 0.05  # a pool's respawns fall on some request
DOUBT = "what lived less than 0.1 s may have been missed: no verdict"


class Answered(NamedTuple):
    """What the verdict needs of one request."""

    pid: int | None
    thread: int | None
    reader: int | None
    n_births: int
    born_for_it: bool
    """`births` contains `pid`."""
    took_ns: Nanos | None = None


class Verdict:
    """Judges the newest requests."""

    def __init__(self) -> None:
        self._answered: deque[Answered] = deque(maxlen=WINDOW)
        self._lives_ns: deque[Nanos] = deque(maxlen=WINDOW)
        self.n_answered = 0
        self.misses_births = False
        """Births are looked for, and nobody tells of them: short lives are not seen."""

    def answered(self, request: Answered) -> None:
        self.n_answered += 1
        self._answered.append(request)

    def lived(self, lifetime_ns: Nanos) -> None:
        """A process that was made for a request is gone."""
        self._lives_ns.append(lifetime_ns)

    def judge(
        self, able: Sequence[int], embedded: str | None, n_born: int = 0
    ) -> tuple[Model | None, str | None]:
        """`able`: pids of the processes that can answer now. `embedded`: the interpreter mapped
        into the web server that reads the requests itself, such as "libphp8.2.so". `n_born`: all
        births in the tree so far, for whatever they were."""
        if self.n_answered < MIN_REQUESTS:
            return None, None
        if self._are_born_for_requests(n_born):
            return "process-per-request", self._born_sentence(n_born)
        if embedded is not None and self._readers_answered():
            return "embedded", f"{self._n()} by a web server with {embedded} inside"
        model, sentence = self._lasting(able, n_born)
        if self.misses_births and not self._are_long_ones_without_births():
            return None, f"{sentence}; {DOUBT}"
        return model, sentence

    def _lasting(self, able: Sequence[int], n_born: int) -> tuple[Model, str]:
        """Of a gateway whose processes outlive their requests."""
        pids = {a.pid for a in self._answered if a.pid is not None}
        threads = {a.thread for a in self._answered if a.thread is not None}
        if len(pids) == 1 and len(threads) >= 2:
            return "threaded", f"{self._n()} by {len(threads)} threads of one process"
        if len(pids | set(able)) >= 2 or self._are_handed_on():
            return "worker-pool", self._pool_sentence(len(able), n_born)
        return "single-process", f"{self._n()} by one process, {self._births(n_born)}"

    def _are_born_for_requests(self, n_born: int) -> bool:
        """Nine in ten are; or of those whose process is known, while as many were born as there
        were requests (one that is gone too soon to be matched was born all the same)."""
        n_born_for = self._n_born_for()
        if n_born_for >= BORN_SHARE * len(self._answered):
            return True
        n_known = len(self._answered) - self._n_unknown()
        is_each = n_known >= MIN_REQUESTS and n_born_for >= BORN_SHARE * n_known
        return is_each and n_born >= BORN_SHARE * self.n_answered

    def _are_long_ones_without_births(self) -> bool:
        """Requests for which a process would have been seen, had there been one. (One that waited
        long for a short process is told from them by those for which a birth was seen.)"""
        with_births = sum(1 for a in self._answered if a.n_births)
        long = (a for a in self._answered if a.took_ns is not None and a.took_ns >= LONG_NS)
        n_long = sum(1 for a in long if not a.n_births)
        return n_long >= MIN_LONG and with_births < MOST_BORN * len(self._answered)

    def _n_born_for(self) -> int:
        return sum(1 for a in self._answered if a.born_for_it)

    def _n_unknown(self) -> int:
        return sum(1 for a in self._answered if a.pid is None)

    def _readers_answered(self) -> bool:
        """Whoever read a request answered it, as far as known, and of some it is known."""
        known = [a for a in self._answered if a.pid is not None and a.reader is not None]
        return bool(known) and all(a.reader == a.pid for a in known)

    def _are_handed_on(self) -> bool:
        """Who reads requests has others answer them, and may make more of those."""
        return any(a.pid is not None and a.reader not in (None, a.pid) for a in self._answered)

    def _n(self) -> str:
        n = len(self._answered)
        if self.n_answered > n:
            return f"the newest {n} of {self.n_answered} requests"
        return f"{n} requests"

    def _births(self, n_born: int) -> str:
        n_births = sum(a.n_births for a in self._answered)
        if n_births:
            return f"{n_births} processes born for them"
        if n_born and self._n_unknown():
            return f"{n_born} processes born meanwhile"
        return "none born for them"

    def _born_sentence(self, n_born: int) -> str:
        n_births = sum(a.n_births for a in self._answered)
        sentence = f"{self._n()}, {n_births} processes born for them"
        if self._n_born_for() < BORN_SHARE * len(self._answered):
            sentence = f"{self._n()}, {n_born} processes born, {n_births} of them matched"
        if self._lives_ns:
            life_ms = median(self._lives_ns) / MILLISECOND_NS
            sentence += f", median life {life_ms:.0f} ms"
        return sentence

    def _pool_sentence(self, n_able: int, n_born: int) -> str:
        """Processes that were born for a request are no workers."""
        answered = [a for a in self._answered if a.pid is not None and not a.born_for_it]
        by_pid = Counter(a.pid for a in answered)
        if not by_pid:
            return f"{self._n()}, {n_able} processes able to answer, {self._births(n_born)}"
        _, busiest = by_pid.most_common(1)[0]
        workers = "1 worker" if len(by_pid) == 1 else f"{len(by_pid)} workers"
        births = self._births(n_born)
        return f"{self._n()} by {workers}, {births}, busiest worker served {busiest}"
