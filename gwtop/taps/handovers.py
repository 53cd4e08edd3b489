"""Handovers: bytes that processes of the tree pass one another over unix sockets.

In: the tree as it is followed. Out: `Passed`, once a process of the tree is of a kind that reads
requests for others. It refuses to know what was passed, and by how much a socket is anybody's.

Apache's mod_wsgi in daemon mode and mod_fcgid read a request in one process and run the
application in another; on the watched wire only the first is seen. Between the two is a unix
socket, and sock:sock_send_length and sock:sock_recv_length (Linux 6.3) tell who put how many bytes
into one and who took how many out. The kernel is asked about the tree's threads alone
(`set_event_pid`; their children follow by themselves), and only when one of these modules is
mapped: everybody else's tree is spared the events.
"""

from collections.abc import Callable, Collection
from typing import Literal

from gwtop import clock
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Missed, Passed, Record, TapState
from gwtop.nouns.times import Nanos
from gwtop.taps import interpreters, proc, tracefs
from gwtop.taps.threads import Threads
from gwtop.taps.tracefs import Instance, NoTracefsError
from gwtop.taps.tracepages import Format
from gwtop.taps.tracering import TraceRing

NAME = "handovers"
SENT, RECEIVED = "sock/sock_send_length", "sock/sock_recv_length"
BUFFER_KB = 512  # a CPU: 10,000 events, of which a request has about twenty
UNIX_BYTES = "family == 1 && ret > 0"  # linux/socket.h AF_UNIX
MSG_PEEK = 2  # linux/socket.h: what is only looked at is not taken

Handler = Callable[[Nanos, bytes], Record | None]


class Handovers:
    """The open tap; `open_tap` builds it."""

    name = NAME

    def __init__(self, now: Nanos) -> None:
        """Raises NoTracefsError."""
        self._threads = Threads()
        self._seen: set[int] = set()
        self._is_on = False
        self._instance = Instance("handovers", BUFFER_KB)
        try:
            self._handlers = dict(
                [self._handler(SENT, "sent"), self._handler(RECEIVED, "received")]
            )
            self._instance.option("event-fork")
            self._ring = TraceRing(self._instance)
        except (OSError, KeyError) as error:
            self._instance.close()
            raise NoTracefsError(f"tracefs: {error}") from error
        self._offset_ns = clock.monotonic_offset_ns()
        self.state = TapState(now, NAME, "open", None)
        self.behind_at: Nanos | None = None

    def _handler(self, event: str, verb: Literal["sent", "received"]) -> tuple[int, Handler]:
        form = self._instance.format(event)
        if form is None:
            raise KeyError(f"this kernel has no {event.replace('/', ':')} (it came with 6.3)")
        self._instance.filter(event, UNIX_BYTES)
        self._instance.enable(event, False)  # its descriptor is kept for later, without rights
        return form.id, _reading(form, verb, self._threads)

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
        records: list[Record] = [] if n == 0 else [Missed(now, NAME, "process_events", n)]
        for at_ns, data in events:
            handler = self._handlers.get(data[0] | data[1] << 8)
            record = None if handler is None else handler(at_ns + offset_ns, data)
            if record is not None:
                records.append(record)
        return records

    def follow(self, pids: Collection[int]) -> None:
        fresh, first = frozenset(pids) - self._seen, not self._seen
        self._seen = set(pids)
        looked_at = fresh if first else self._tops(fresh)
        if not self._is_on and any(map(interpreters.reads_for_others, looked_at)):
            fresh = frozenset(pids)
            self._is_on = True
            self._name_threads(fresh)  # before the events: unnamed they would be everybody's
            for event in (SENT, RECEIVED):
                self._instance.enable(event)
        elif self._is_on:
            self._name_threads(fresh)

    def _tops(self, fresh: Collection[int]) -> list[int]:
        """Those whose parent is not followed: children have the modules that their parents have,
        and looking at every CGI process would cost more than the process itself. (What is there
        at first is looked at one by one: a server may stand below what only started it.)"""
        stats = ((pid, proc.stat(pid)) for pid in fresh)
        return [pid for pid, stat in stats if stat and stat.parent not in self._seen]

    def _name_threads(self, pids: Collection[int]) -> None:
        self._threads.belong_to(pids)
        for thread in (thread for pid in sorted(pids) for thread in proc.threads(pid)):
            try:
                self._instance.control("set_event_pid", f"{thread} ")
            except OSError:  # a number the kernel does not take: it is gone
                continue

    def close(self) -> None:
        self._ring.close()
        self._instance.close()


def _reading(form: Format, verb: Literal["sent", "received"], threads: Threads) -> Handler:
    unpack = form.reader("common_pid", "sk", "ret", "flags").unpack_from

    def passed(at: Nanos, data: bytes) -> Record | None:
        thread, sock, n_bytes, flags = unpack(data)
        if verb == "received" and flags & MSG_PEEK:
            return None
        return Passed(at, threads.pid_of(thread), thread, sock, verb, n_bytes)

    return passed


def open_tap(plan: Plan, now: Nanos) -> Handovers | None:
    """None: no port to watch, or no way to see it; `sockets` says what tracefs lacks."""
    if not plan.ports or not tracefs.may_make():
        return None
    try:
        return Handovers(now)
    except NoTracefsError:
        return None
