"""Handovers: bytes that processes of the tree pass one another over unix sockets.

In: the tree as it is followed. Out: `Passed` (of several in a row the first), once a process of
the tree is of a kind that reads requests for others; `Hidden` where it is and the kernel cannot
tell. It refuses to know what was passed, and by how much a socket is anybody's.

Apache's mod_wsgi in daemon mode and mod_fcgid read a request in one process and run the
application in another; on the watched wire only the first is seen. Between the two is a unix
socket. sock:sock_send_length and sock:sock_recv_length tell who put how many bytes into one and
who took how many out, each naming its own end; sock:sk_data_ready, which the sender's thread
passes just before its send is told, names the end that the bytes arrive at (all three: Linux 6.3).
Lengths alone, as a join, named a wrong process once in some hundred requests at concurrency 8.

Apache's mod_cgid sends what it read to a daemon, which forks and runs a CGI program: whom it was
forked for is told by what the daemon had taken last.

The kernel is asked about the tree's threads alone, and only when one of these modules is mapped:
everybody else's tree is spared the events. Such a module may also run the application where it
reads (mod_wsgi without a daemon). Then no process of the tree listens at a unix socket, and where
the kernel cannot tell of handovers this is what says that there are none.
"""

from collections.abc import Collection

from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Hidden, Passed, Record, TapState
from gwtop.nouns.times import MICROSECOND_NS, Nanos
from gwtop.taps import diag, interpreters, proc, tracefs
from gwtop.taps.sockets_held import SOCKET
from gwtop.taps.traced_tree import Handler, Makes, TracedTree
from gwtop.taps.tracefs import NoTracefsError
from gwtop.taps.tracepages import Format

NAME = "handovers"
SENT, RECEIVED = "sock/sock_send_length", "sock/sock_recv_length"
READY = "sock/sk_data_ready"
BUFFER_KB = 1024  # a CPU: 20,000 events; a request has up to fifty
UNIX = "family == 1"  # linux/socket.h AF_UNIX
UNIX_BLOCKS = f"{UNIX} && ret > 63"
"""Who took it is the question and not how much, and a request has some block of that size:
mod_cgid's record of 200 bytes, which variables follow one by one, each taken in two reads. Without
those it is fifty events a request and not 130."""
MSG_PEEK = 2  # linux/socket.h: what is only looked at is not taken
MAX_READY = 4096  # threads between the two events of a send
PAUSE_NS = 50 * MICROSECOND_NS  # between pieces of one request are 5; a program takes 500 at least
MAX_RUNS = 16384  # threads and sockets in the middle of something


class Handovers:
    """The open tap; `open_tap` builds it."""

    name = NAME

    def __init__(self, now: Nanos) -> None:
        self._seen: set[int] = set()
        self._is_on = False
        self._able: set[int] = set()
        """Who might pass requests on, but so far nobody listens for them."""
        self._hidden: list[int] = []
        self._arrives: dict[int, int] = {}
        """Thread: the socket that its last bytes arrived at."""
        self._runs = _Runs()
        self._traced = self._trace()
        self.state = TapState(now, NAME, "open", None)

    def _trace(self) -> TracedTree | None:
        """None: this kernel does not tell; `sockets` says what tracefs lacks."""
        if not tracefs.may_make():
            return None
        events: dict[str, tuple[str, Makes]] = {
            READY: (UNIX, self._readies),
            SENT: (UNIX_BLOCKS, self._sends),
            RECEIVED: (UNIX_BLOCKS, self._receives),
        }
        try:
            return TracedTree(NAME, BUFFER_KB, events)
        except NoTracefsError:
            return None

    @property
    def behind_at(self) -> Nanos | None:
        return None if self._traced is None else self._traced.behind_at

    def fileno(self) -> int:
        return -1 if self._traced is None else self._traced.fileno()

    def due_at(self) -> Nanos | None:
        if self._traced is not None:
            return self._traced.due_at()
        return 0 if self._hidden else None

    def read(self, now: Nanos) -> list[Record]:
        if self._traced is not None:
            return self._traced.read(now)
        hidden, self._hidden = self._hidden, []
        return [Hidden(now, pid) for pid in hidden]

    def follow(self, pids: Collection[int]) -> None:
        fresh, first = frozenset(pids) - self._seen, not self._seen
        self._seen = set(pids)
        if self._is_on and self._traced is not None:
            self._traced.name_threads(fresh)
            return
        looked_at = sorted(fresh) if first else self._tops(fresh)
        # A program that a daemon starts is seen to be born, whatever the kernel tells of sockets.
        asks = interpreters.reads_for_others if self._traced is None else interpreters.hands_over
        able = [pid for pid in looked_at if asks(pid)]
        if self._traced is None:
            self._able |= set(able)
            # What mod_fcgid starts for the first request listens from its birth on.
            if self._able and listens_at_unix_socket(pids if able else fresh):
                self._hidden += self._able
                self._able.clear()
        elif able:
            self._is_on = True
            self._traced.name_threads(frozenset(pids))
            self._traced.switch_on()

    def _tops(self, fresh: Collection[int]) -> list[int]:
        """Those whose parent is not followed: children have the modules that their parents have,
        and looking at every CGI process would cost more than the process itself. (What is there
        at first is looked at one by one: a server may stand below what only started it.)"""
        stats = ((pid, proc.stat(pid)) for pid in fresh)
        return [pid for pid, stat in stats if stat and stat.parent not in self._seen]

    def close(self) -> None:
        if self._traced is not None:
            self._traced.close()

    # -- events -------------------------------------------------------------------------------

    def _readies(self, form: Format) -> Handler:
        unpack = form.reader("common_pid", "skaddr").unpack_from
        arrives = self._arrives

        def ready(at: Nanos, data: bytes) -> None:
            thread, sock = unpack(data)
            if len(arrives) >= MAX_READY:
                del arrives[next(iter(arrives))]
            arrives[thread] = sock

        return ready

    def _sends(self, form: Format) -> Handler:
        unpack = form.reader("common_pid", "sk", "ret").unpack_from
        arrives, runs = self._arrives, self._runs

        def sent(at: Nanos, data: bytes) -> Record | None:
            thread, sock, n_bytes = unpack(data)
            arrives_at = arrives.pop(thread, None)
            if arrives_at is not None and runs.goes_on(at, thread, sock, arrives_at):
                return None
            return Passed(at, self._pid_of(thread), thread, sock, "sent", n_bytes, arrives_at)

        return sent

    def _receives(self, form: Format) -> Handler:
        unpack = form.reader("common_pid", "sk", "ret", "flags").unpack_from
        runs = self._runs

        def received(at: Nanos, data: bytes) -> Record | None:
            thread, sock, n_bytes, flags = unpack(data)
            if flags & MSG_PEEK or runs.goes_on(at, thread, sock, None):
                return None
            return Passed(at, self._pid_of(thread), thread, sock, "received", n_bytes)

        return received

    def _pid_of(self, thread: int) -> int | None:
        return None if self._traced is None else self._traced.threads.pid_of(thread)


class _Runs:
    """Which events only go on with what their thread did just before.

    A pause ends a run: what came between may have been too small to be told. And the name of a
    socket is used again: a new one has bytes sent to it before they are taken, so whoever begins
    to send ends what was going on at the other end.
    """

    def __init__(self) -> None:
        self._last: dict[int, tuple[int, int | None, int]] = {}
        """By thread: its socket, where its bytes arrived, and how often that end was begun."""
        self._last_at: dict[int, Nanos] = {}
        self._begun: dict[int, int] = {}

    def goes_on(self, at: Nanos, thread: int, sock: int, arrives_at: int | None) -> bool:
        if len(self._last) >= MAX_RUNS or len(self._begun) >= MAX_RUNS:
            for table in (self._last, self._last_at, self._begun):  # all runs end
                table.clear()
        last = self._last.get(thread)
        if at - self._last_at.get(thread, 0) > PAUSE_NS:
            last = None
        begun = self._begun
        if arrives_at is not None and (last is None or last[:2] != (sock, arrives_at)):
            begun[arrives_at] = begun.get(arrives_at, 0) + 1
        now = sock, arrives_at, begun.get(sock, 0)
        self._last[thread], self._last_at[thread] = now, at
        return now == last


def listens_at_unix_socket(pids: Collection[int]) -> bool:
    """Whether one of them could be handed something; True where we may not look."""
    try:
        inodes = diag.unix_listeners()
    except OSError:
        return True
    links = {f"{SOCKET}{inode}]" for inode in inodes}
    return any(proc.holds(pid, links) is not False for pid in pids)


def open_tap(plan: Plan, now: Nanos) -> Handovers | None:
    """None: no port to watch."""
    return Handovers(now) if plan.ports else None
