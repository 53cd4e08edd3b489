"""A trace ring that asks about the threads of the watched tree, and about nobody else's.

In: which events with which filters, and the tree's processes as they come. Out: records, as the
makers of the events' readers say. It refuses to know what the events mean.

The kernel drops at once what other threads do (`set_event_pid`), so everybody else is spared the
events; children of the tree's processes follow by themselves (`event-fork`). Each write to that
file takes 30 to 50 ms (it waits for every CPU), so all are named by one, and a child of somebody
who was named long before is left to the kernel. Everything is opened
with rights and used without them, as `tracefs` says.
"""

from collections.abc import Callable, Collection, Sequence
from typing import TypeAlias

from gwtop import clock
from gwtop.nouns.records import Missed, Record
from gwtop.nouns.times import SECOND_NS, Nanos
from gwtop.taps import proc
from gwtop.taps.threads import CLONE_THREAD, Threads
from gwtop.taps.tracefs import Instance, NoTracefsError
from gwtop.taps.tracepages import Format
from gwtop.taps.tracering import TraceRing

Handler: TypeAlias = Callable[[Nanos, bytes], Record | None]
Makes: TypeAlias = Callable[[Format], Handler]

MAX_AT_ONCE = 512  # 4 KiB of numbers
MAX_NAMED = 16384


class TracedTree:
    """One instance, its ring, and whose threads it asks about."""

    def __init__(self, tap: str, buffer_kb: int, events: dict[str, tuple[str, Makes]]) -> None:
        """`events`: for each its filter and what reads it. Raises NoTracefsError."""
        self._tap = tap
        self.threads = Threads()
        self._named_ns: dict[int, int] = {}
        """Process: when it was named."""
        self._handlers: dict[int, Handler] = {}
        self._events: list[str] = []
        self._instance = Instance(tap, buffer_kb)
        try:
            for event, (expression, makes) in events.items():
                self._listen(event, expression, makes)
            self._instance.option("event-fork")
            self._instance.keep("set_event_pid")
            self._ring = TraceRing(self._instance)
        except (OSError, KeyError) as error:
            self._instance.close()
            raise NoTracefsError(f"tracefs: {error}") from error
        self._offset_ns = clock.monotonic_offset_ns()
        self.behind_at: Nanos | None = None

    def _listen(self, event: str, expression: str, makes: Makes) -> None:
        form = self._instance.format(event)
        if form is None:
            raise KeyError(f"this kernel has no {event.replace('/', ':')}")
        self._instance.filter(event, expression)
        self._instance.enable(event, False)  # its descriptor is kept for later, without rights
        self._handlers[form.id] = makes(form)
        self._events.append(event)

    def switch_on(self) -> None:
        """Once the threads are named: before that they would be everybody's."""
        for event in self._events:
            self._instance.enable(event)

    def name_threads(self, pids: Collection[int]) -> None:
        """These processes are new in the tree."""
        now_ns = clock.monotonic_ns()
        numbers: list[int] = []
        for pid in sorted(pids):
            is_left = self._follows_by_itself(pid, now_ns)
            for thread in [pid] if is_left else proc.threads(pid):
                # Numbers are used again: what was known of this one before is another's.
                self.threads.born(thread, pid, CLONE_THREAD if thread != pid else 0)
                numbers += [] if is_left else [thread]
        while len(self._named_ns) + len(pids) > MAX_NAMED:
            del self._named_ns[next(iter(self._named_ns))]
        self._named_ns.update(dict.fromkeys(pids, now_ns))
        for start in range(0, len(numbers), MAX_AT_ONCE):
            self._name(numbers[start : start + MAX_AT_ONCE])

    def _follows_by_itself(self, pid: int, now_ns: int) -> bool:
        """The kernel adds it; also one that has gone already, for which it is too late."""
        stat = proc.stat(pid)
        if stat is None:
            return True
        named_ns = self._named_ns.get(stat.parent)
        return named_ns is not None and now_ns - named_ns > SECOND_NS

    def _name(self, threads: Sequence[int]) -> None:
        try:
            self._instance.control("set_event_pid", "".join(f"{n} " for n in threads))
        except OSError:  # a number the kernel does not take: it is gone
            for thread in threads if len(threads) > 1 else ():
                self._name([thread])

    def fileno(self) -> int:
        return self._ring.fileno()

    def due_at(self) -> Nanos | None:
        due_ns = self._ring.due_at_ns()
        return None if due_ns is None else due_ns + self._offset_ns

    def read(self, now: Nanos) -> list[Record]:
        events = self._ring.read(clock.monotonic_ns())
        offset_ns = self._offset_ns = clock.monotonic_offset_ns()
        unread_ns = self._ring.unread_since_ns
        self.behind_at = None if unread_ns is None else unread_ns + offset_ns
        n, self._ring.n_missed = self._ring.n_missed, 0
        records: list[Record] = [] if n == 0 else [Missed(now, self._tap, "process_events", n)]
        handlers = self._handlers
        for at_ns, data in events:
            handler = handlers.get(data[0] | data[1] << 8)
            record = None if handler is None else handler(at_ns + offset_ns, data)
            if record is not None:
                records.append(record)
        return records

    def close(self) -> None:
        self._ring.close()
        self._instance.close()
