"""The engine: taps in, facts out; one thread, one `poll`.

In: a plan, taps, a tracker, wishes. Out: facts into a sink, `hello` first and `summary` last. It
refuses to know what is in a record or a fact, beyond the few it makes or filters itself.

Everything that can keep the program busy stands in one `poll`: taps, wishes, a sink that can take
more, a sink whose reader has gone (an idle engine must notice that too), signals, the end of a
load; and the nearest of the timers is its timeout. The loop's own timers run on the monotonic
clock, so that a stepped wall clock neither stops the ticks nor ends a `--for`.

A live source never waits for a slow reader: the sink drops and counts. A file does wait: it is not
read while the sink is full, so nothing of it is lost.

An error of ours ends the run, loudly: a `note`, the summary where it can still be made, status 1.
Going on with tables that may be half-written would be telling guesses as facts.
"""

import os
import select
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import assert_never

from gwtop import __version__, clock
from gwtop.errors import GwtopError
from gwtop.nouns import facts, records, wishes
from gwtop.nouns.anatomy import Anatomy
from gwtop.nouns.facts import Fact
from gwtop.nouns.plan import Plan
from gwtop.nouns.run import Driven, Retires, Sink, TakesCopy, TakesPorts, Terms, Tracking
from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS, Nanos, instant
from gwtop.taps import Tap, anatomy

SETTLE_NS = 1_500 * MILLISECOND_NS  # after the load has ended, at most; taps lag 100 ms
QUIET_NS = 200 * MILLISECOND_NS  # no frame and no process event for so long: all has been seen
REST_NS = SECOND_NS  # for what the taps still hold when the end comes
LAST_WORDS_NS = 2 * SECOND_NS  # for a reader to take the summary, once a signal has come
EXIT_OF_SIGNAL = 128  # plus its number, as shells have it
GONE = select.POLLERR | select.POLLHUP | select.POLLNVAL


class Engine:
    """One run."""

    # Times named `_ns` are CLOCK_MONOTONIC here; epoch instants end in `at`.

    def __init__(
        self, plan: Plan, taps: list[Tap], tracker: Tracking, sink: Sink, terms: Terms
    ) -> None:
        self._plan = plan
        self._taps = taps
        self._tracker = tracker
        self._sink = sink
        self._terms = terms
        self._is_live = plan.file is None
        self._tick_ns = SECOND_NS
        self._followed_version: int | None = None
        self._driven: Driven | None = None
        self._driven_ended_ns: int | None = None
        self._subject_lost = False
        self._began_ns = self._next_tick_ns = self._last_seen_ns = 0
        self._failure: Exception | None = None
        self._polled_at: Nanos = 0
        """What happened before this and is in no kernel buffer any more has been told to us."""

    def run(self) -> int:
        """The exit status. Raises GwtopError when nothing can be watched, or when we failed."""
        try:
            status = self._guard(self._watch)
            self._guard(self._end)
            self._drain()
        finally:
            for tap in self._taps:
                tap.close()
        self._linger()
        if self._failure is not None:
            raise GwtopError(_failure_text(self._failure), "--debug FILE says where")
        first = self._terms.signals.first
        if first is not None:  # also when it came while the reader was given its time
            return EXIT_OF_SIGNAL + first
        return 1 if status is None else status

    def _guard(self, step: Callable[[], int | None]) -> int | None:
        """The loop's top: an error of ours ends the loop, is told, and leaves the end its try."""
        try:
            return step()
        except GwtopError:
            raise
        except Exception as error:  # noqa: BLE001  # the one place (STYLE 15)
            if self._terms.report is not None:
                self._terms.report.exception(error)
            self._note("engine-failed", "error", _failure_text(error))
            self._failure = self._failure or error
            return None

    # -- beginning and end --------------------------------------------------------------------

    def _begin(self) -> None:
        """Who was there before is known to every tap before `hello`, and told after it."""
        states = [tap.state for tap in self._taps]
        if not any(state.state == "open" for state in states):
            raise GwtopError(*_why_blind(states))
        before = self._ingest(states)
        for tap in self._taps:
            if self._is_live and tap.fileno() < 0 and tap.state.state == "open":
                before += self._ingest(tap.read(clock.now()))
        self._follow()
        at = clock.now()
        self._tracker.begin(at)
        self._tell([self._hello(at), *before])
        self._sink.flush()
        if self._terms.report is not None:
            self._terms.report.write("plan", plan=repr(self._plan))
            self._terms.report.write("taps", states=[repr(state) for state in states])
        self._began_ns = self._last_seen_ns = clock.monotonic_ns()
        self._next_tick_ns = self._began_ns + self._tick_ns
        self._driven = self._terms.on_hello()

    def _hello(self, at: Nanos) -> Fact:
        return facts.Hello(
            format=facts.FORMAT,
            gwtop=__version__,
            host=os.uname().nodename,
            source="live" if self._is_live else "file",
            at=instant(at),
            watch=self._tracker.watch(),
            taps=[
                facts.Tap(name=state.tap, state=state.state, needs=state.needs)
                for state in (tap.state for tap in self._taps)
            ],
        )

    def _watch(self) -> int:
        self._begin()
        while (status := self._status()) is None:
            self._turn(self._wait())
        return status

    def _status(self) -> int | None:
        """The exit status when there is a reason to stop, else None."""
        if self._terms.signals.first is not None:
            return EXIT_OF_SIGNAL + self._terms.signals.first
        if self._sink.closed or self._tracker.satisfied or self._nobody_wishes():
            return 0
        if not self._is_live and all(_has_ended(tap) for tap in self._taps):
            return 0
        if self._subject_lost:
            return 1
        now_ns = clock.monotonic_ns()
        for_ns = self._plan.for_ns
        if for_ns is not None and now_ns >= self._began_ns + for_ns:
            return 0
        return 0 if self._load_has_settled(now_ns) else None

    def _nobody_wishes(self) -> bool:
        reader = self._terms.wishes
        return reader is not None and reader.ended and reader.ends_the_run

    def _load_has_settled(self, now_ns: int) -> bool:
        if self._driven_ended_ns is None:
            return False
        quiet = now_ns >= max(self._last_seen_ns, self._driven_ended_ns) + QUIET_NS
        if quiet and self._tracker.due_at() is None:
            return True
        return now_ns >= self._driven_ended_ns + SETTLE_NS

    def _end(self) -> None:
        for tap in self._open_taps():
            if isinstance(tap, Retires):
                self._tell(self._ingest(tap.retire(clock.now())))
        if self._is_live and not self._tracker.satisfied and not self._sink.closed:
            self._read_the_rest()
        self._count_dropped()
        self._tell(self._tracker.finish(clock.now()))

    def _read_the_rest(self) -> None:
        """All that happened before now, however far behind a busy machine has left us."""
        end, late_ns, unread = clock.now(), clock.monotonic_ns() + REST_NS, self._open_taps()
        while unread and clock.monotonic_ns() < late_ns:
            for tap in self._open_taps():  # all: a request has its reader from another tap
                self._tell(self._ingest(tap.read(clock.now())))
            self._follow()
            unread = [tap for tap in self._open_taps() if (tap.behind_at or end) < end]
        for name, what in [(tap.name, what) for tap in unread for what in tap.state.counts]:
            self._tell(self._ingest([records.Missed(end, name, what, None)]))

    def _drain(self) -> None:
        """Gives the reader all its time, and once a signal has come a little of it."""
        signals, n_seen = self._terms.signals, self._terms.signals.n_seen
        signalled_ns: int | None = None
        self._sink.flush()
        while self._sink.queued_bytes and not self._sink.closed:
            if signalled_ns is None and signals.first is not None:
                signalled_ns = clock.monotonic_ns()
            left_ns = LAST_WORDS_NS
            if signalled_ns is not None:
                left_ns += signalled_ns - clock.monotonic_ns()
                if left_ns <= 0 or (signals.n_seen > n_seen and n_seen > 0):
                    return
            poller = select.poll()
            poller.register(self._sink.fileno(), select.POLLOUT)
            poller.register(signals.fileno(), select.POLLIN)
            ready = dict(poller.poll(left_ns // MILLISECOND_NS + 1))
            if signals.fileno() in ready:
                signals.clear()
            self._sink.flush()

    def _linger(self) -> None:
        """All is told. As long as our screen is there, it may still wish for details of it."""
        reader, signals = self._terms.wishes, self._terms.signals
        if reader is None or not reader.ends_the_run or self._failure is not None:
            return
        while not (reader.ended or self._sink.closed or signals.first is not None):
            poller = select.poll()
            poller.register(signals.fileno(), select.POLLIN)
            poller.register(reader.fileno(), select.POLLIN)
            if self._sink.fileno() >= 0:
                asked = select.POLLOUT if self._sink.queued_bytes else 0
                poller.register(self._sink.fileno(), asked)
            if reader.fileno() in dict(poller.poll()):
                for wish in reader.read():
                    if isinstance(wish, wishes.ShowDetail):
                        self._grant(wish)
            self._sink.flush()

    # -- one turn of the loop -----------------------------------------------------------------

    def _wait(self) -> dict[int, int]:
        """When something is there or due: what `poll` said of each descriptor."""
        poller = select.poll()
        poller.register(self._terms.signals.fileno(), select.POLLIN)
        if self._sink.fileno() >= 0:
            poller.register(self._sink.fileno(), select.POLLOUT if self._sink.queued_bytes else 0)
        if (reader := self._terms.wishes) is not None and not reader.ended:
            poller.register(reader.fileno(), select.POLLIN)
        if self._driven is not None and self._driven_ended_ns is None:
            poller.register(self._driven.fileno(), select.POLLIN)
        for tap in self._taps if not self._must_hold() else ():
            if tap.fileno() >= 0 and not _has_ended(tap):
                poller.register(tap.fileno(), select.POLLIN)
        ready = dict(poller.poll(self._timeout_ms()))
        self._polled_at = clock.now()
        return ready

    def _must_hold(self) -> bool:
        return not self._is_live and self._sink.is_full

    def _timeout_ms(self) -> int:
        """Until the nearest timer, rounded up: a millisecond late beats a busy loop."""
        now_ns, at = clock.monotonic_ns(), clock.now()
        left_ns = [self._next_tick_ns - now_ns] if self._is_live else []
        if not self._must_hold():
            left_ns += [due - at for tap in self._taps if (due := self._due_at(tap)) is not None]
        if self._is_live and (due_at := self._tracker.due_at()) is not None:
            left_ns.append(due_at - at)
        if self._plan.for_ns is not None:
            left_ns.append(self._began_ns + self._plan.for_ns - now_ns)
        if self._driven_ended_ns is not None:
            left_ns.append(QUIET_NS // 4)
        return max(0, -(-min(left_ns) // MILLISECOND_NS)) if left_ns else -1

    def _due_at(self, tap: Tap) -> Nanos | None:
        """A file that `poll` cannot wait for is always due, until its end."""
        if not self._is_live and tap.fileno() < 0:
            return None if _has_ended(tap) else 0
        return tap.due_at()

    def _turn(self, ready: dict[int, int]) -> None:
        if self._terms.signals.fileno() in ready:
            self._terms.signals.clear()
        if (reader := self._terms.wishes) is not None and reader.fileno() in ready:
            for wish in reader.read():
                self._grant(wish)
        if not self._must_hold():
            self._read_taps(ready)
        self._run_timers()
        self._subject_lost = self._terms.has_lost_its_subject()
        if self._driven is not None and self._driven.fileno() in ready:
            self._driven_ended_ns = self._driven_ended_ns or clock.monotonic_ns()
        if self._sink.queued_bytes or ready.get(self._sink.fileno(), 0) & GONE:
            self._sink.flush()

    def _read_taps(self, ready: dict[int, int]) -> None:
        for tap in self._open_taps():
            at = clock.now()
            due_at = self._due_at(tap)
            if tap.fileno() in ready or (due_at is not None and due_at <= at):
                self._tell(self._ingest(tap.read(at)))
        self._follow()

    def _open_taps(self) -> list[Tap]:
        return [tap for tap in self._taps if tap.state.state == "open"]

    def _ingest(self, told: Sequence[records.Record]) -> list[Fact]:
        found: list[Fact] = []
        for record in told:
            found += self._tracker.ingest(record)
            if isinstance(record, records.Frames | records.Forked | records.Exited):
                self._last_seen_ns = clock.monotonic_ns()
        return found

    def _follow(self) -> None:
        if self._tracker.tree_version != self._followed_version:
            self._followed_version = self._tracker.tree_version
            for tap in self._open_taps():
                tap.follow(self._tracker.watched_pids())

    def _run_timers(self) -> None:
        if not self._is_live:
            return
        due_at, seen_at = self._tracker.due_at(), self._seen_at()
        if due_at is not None and due_at <= seen_at:
            self._tell(self._tracker.settle(seen_at))
        now_ns = clock.monotonic_ns()
        if now_ns >= self._next_tick_ns:
            # Late by more than a period (a suspended machine): no burst of ticks afterwards.
            self._next_tick_ns = max(self._next_tick_ns + self._tick_ns, now_ns)
            self._count_dropped()
            self._tell(self._ingest([records.Tick(clock.now())]))

    def _seen_at(self) -> Nanos:
        """Up to here every tap has delivered; a busy machine must not settle what is on its way."""
        behind = [tap.behind_at for tap in self._open_taps() if tap.behind_at is not None]
        return min(self._polled_at, *behind) if behind else self._polled_at

    def _count_dropped(self) -> None:
        n_requests, n_process_events = self._sink.take_dropped()
        at = clock.now()
        if n_requests:
            self._tell(self._ingest([records.Missed(at, "output", "requests", n_requests)]))
        if n_process_events:
            lost = records.Missed(at, "output", "process_events", n_process_events)
            self._tell(self._ingest([lost]))

    # -- telling and granting -----------------------------------------------------------------

    def _tell(self, found: list[Fact]) -> None:
        if found:
            self._sink.put(found)

    def _note(self, code: str, severity: facts.Severity, text: str) -> None:
        at = instant(clock.now())
        self._tell([facts.Note(at, code, severity, text, pid=None, listen=None)])

    def _grant(self, wish: wishes.Wish | wishes.BadWish) -> None:
        match wish:
            case wishes.ShowDetail(id=id):
                detail = self._tracker.detail(id)
                if not detail.kept and self._terms.reread is not None:
                    detail = self._terms.reread(id) or detail
                self._tell([detail])
            case wishes.ShowProcess(pid=pid):
                ours = self._is_live and pid in self._tracker.watched_pids()
                at = clock.now()
                seen = anatomy.look(pid, self._plan, at) if ours else Anatomy(at, pid, None)
                self._tell([self._tracker.anatomy(seen)])
            case wishes.TickEvery(seconds=seconds):
                self._tick_ns = int(seconds * SECOND_NS)
                self._next_tick_ns = clock.monotonic_ns() + self._tick_ns
            case wishes.Connections(on=on):
                self._tracker.tell_connections = on
            case wishes.Watch(port=port):
                self._watch_too(port)
            case wishes.Copy(bytes=n_bytes):
                self._copy(n_bytes)
            case wishes.BadWish(why=why):
                self._note("bad-wish", "warn", f"not a wish: {why}")
            case _:
                assert_never(wish)

    def _copy(self, n_bytes: int) -> None:
        copying = [tap for tap in self._open_taps() if isinstance(tap, TakesCopy)]
        if not copying:
            self._note("wish-unmet", "warn", "no open tap copies less than it sees")
        for tap in copying:
            self._tell(self._ingest(tap.set_copy(n_bytes)))

    def _watch_too(self, port: int) -> None:
        taps = [tap for tap in self._open_taps() if isinstance(tap, TakesPorts)]
        if not taps or not isinstance(self._tracker, TakesPorts):
            self._note("wish-unmet", "warn", f"no open tap can watch port {port} by now")
            return
        self._plan = replace(self._plan, ports=(*self._plan.ports, port))
        for one in (self._tracker, *taps):
            one.set_ports(self._plan.ports)


def _has_ended(tap: Tap) -> bool:
    """A file at its end; live taps have none."""
    return bool(getattr(tap, "ended", False))


def _why_blind(states: list[records.TapState]) -> tuple[str, str | None]:
    needs = [f"{state.tap} needs {state.needs}" for state in states if state.needs is not None]
    return "nothing can be watched here", "; ".join(needs) or None


def _failure_text(error: Exception) -> str:
    return f"gwtop itself failed ({type(error).__name__})"
