"""Unix work: who of the tree took which connection of a watched unix listener, and how much went.

In: the plan's socket, the tree as it is followed. Out: `Worked` for each connection taken, read,
written, closed; `Missed`. It refuses to know what the bytes were: a connection whose bytes are
seen (through a relay, through the workers' calls) needs none of this.

No packet and no address: a unix connection has only its two sockets. What can be seen is
  accept, close  the system calls, with the descriptor in the worker's own numbers
  reads, writes  sock:sock_recv_length and sock:sock_send_length, with the kernel's socket
  by looking     descriptors in /proc, and sock_diag: an accepted socket bears its listener's name
What joins a descriptor to a kernel socket is order: the first bytes that a process takes out of a
socket not met before are those of the one connection that it has taken and not yet read; if there
are two such, nobody is guessed, and their bytes are not told. A thread that was seen asleep in the
read of a connection names its socket when it wakes up.

A look once a second finds what was open before we came, and ends what was lost. A worker keeps a
connection after its answer: that it waits for more is no event, so 50 ms after an answer it is
looked at (`blocked`). Where there is no trace instance looks are all there is.
"""

import os
import sys
from collections.abc import Collection

from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Record, TapState, Worked
from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS, Nanos
from gwtop.taps import blocked, diag, kinship, listeners, probes, proc, tracefs
from gwtop.taps.handovers import MSG_PEEK, RECEIVED, SENT, UNIX
from gwtop.taps.shut import Shut
from gwtop.taps.sockets_held import MAX_DESCRIPTORS, SOCKET
from gwtop.taps.traced_tree import Handler, Makes, TracedTree
from gwtop.taps.tracefs import NoTracefsError
from gwtop.taps.tracepages import Format

NAME = "unix_work"
UNIX_BYTES = f"{UNIX} && ret > 0"
CALLS = "syscalls/sys_"
ACCEPTS = ("accept", "accept4")
BUFFER_KB = 1024  # a CPU: 20,000 events; php-fpm makes fifteen of them a request
LOOK_NS = SECOND_NS
BLIND_LOOK_NS = 200 * MILLISECOND_NS
ANSWERED_NS = 50 * MILLISECOND_NS
MAX_ACCEPTING = 4096  # threads in accept


class _Taken:
    """A connection that a process of the tree has taken."""

    __slots__ = ("answered", "fd", "link", "number", "pid", "sock", "thread")

    def __init__(self, number: int, pid: int, thread: int, fd: int, link: str | None) -> None:
        self.number = number
        self.pid = pid
        self.thread = thread
        self.fd = fd
        self.link = link
        """None: not looked at yet."""
        self.sock: int | None = None
        """None: not read since we watch, or nobody can say which it is."""
        self.answered = False


class UnixWork:
    """The open tap; `open_tap` builds it."""

    name = NAME

    def __init__(self, path: str, now: Nanos) -> None:
        """Raises OSError where the kernel lists no unix sockets."""
        self._path = path
        self._listen = f"unix:{path}"
        self._listeners = self._find_listeners()
        self._elsewhere: set[str] = set()
        """Listeners of others that the tree's processes accept from."""
        self._replaced: list[Record] = []
        self._tree: frozenset[int] = frozenset()
        self._taken: dict[tuple[int, int], _Taken] = {}
        """By process and descriptor."""
        self._by_sock: dict[tuple[int, int], _Taken] = {}
        self._asleep: dict[int, _Taken] = {}
        """Thread: the connection that it waits to read from."""
        self._accepting: dict[int, int] = {}
        """Thread: the listening descriptor."""
        self._known: dict[str, bool] = {}
        """Link: whether it is a connection of ours."""
        self._n_taken = 0
        self._look_at, self._ask_at = now, 0
        diag.unix_accepted(path)
        self._traced = self._trace()
        self._is_on = False
        self.state = TapState(now, NAME, "open", None, sees_reads=True)

    def _trace(self) -> TracedTree | None:
        """None: looks are all there is."""
        events: dict[str, tuple[str, Makes]] = {
            **{f"{CALLS}enter_{call}": ("0", self._enters) for call in ACCEPTS},
            **{f"{CALLS}exit_{call}": ("ret >= 0", self._accepts) for call in ACCEPTS},
            f"{CALLS}enter_close": ("0", self._closes),
            SENT: (UNIX_BYTES, self._sends),
            RECEIVED: (UNIX_BYTES, self._receives),
        }
        if not tracefs.may_make():
            return None
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
        due = [self._look_at, self._ask_at or self._look_at]
        if self._traced is not None and (ring_due_at := self._traced.due_at()) is not None:
            due.append(ring_due_at)
        return min(due)

    def read(self, now: Nanos) -> list[Record]:
        records = [] if self._traced is None else self._traced.read(now)
        records += self._replaced
        self._replaced = []
        if now >= self._look_at:
            blind = self._traced is None
            self._look_at = max(self._look_at + (BLIND_LOOK_NS if blind else LOOK_NS), now)
            self._ask_at = 0
            records += self._look(now)
            records += self._ask(now, list(self._taken.values()))
        elif self._ask_at and now >= self._ask_at:
            self._ask_at = 0
            records += self._ask(now, [one for one in self._taken.values() if one.answered])
        return records

    def follow(self, pids: Collection[int]) -> None:
        fresh, self._tree = frozenset(pids) - self._tree, frozenset(pids)
        if self._traced is not None and fresh:
            self._traced.name_threads(fresh)
            if not self._is_on:
                self._is_on = True
                self._traced.switch_on()

    def close(self) -> None:
        if self._traced is not None:
            self._traced.close()

    # -- connections --------------------------------------------------------------------------

    def _find_listeners(self) -> frozenset[str]:
        return frozenset(one.link for one in listeners.unix(self._path))

    def _take(self, at: Nanos, pid: int, thread: int, fd: int, link: str | None) -> _Taken:
        old = self._taken.get((pid, fd))
        if old is not None:  # its close was lost
            self._forget(old)
            gone = Worked(at, pid, old.thread, self._listen, old.number, "closed", None)
            self._replaced.append(gone)
        self._n_taken += 1
        one = self._taken[pid, fd] = _Taken(self._n_taken, pid, thread, fd, link)
        return one

    def _forget(self, one: _Taken) -> None:
        self._taken.pop((one.pid, one.fd), None)
        if one.sock is not None:
            self._by_sock.pop((one.pid, one.sock), None)

    def _bind(self, pid: int, thread: int, sock: int) -> _Taken | None:
        """Whose socket this is, that was not met before; None: nobody's, or two could be meant."""
        one = self._asleep.pop(thread, None)
        if one is None or one.sock is not None or self._taken.get((pid, one.fd)) is not one:
            unread = [t for t in self._taken.values() if t.pid == pid and t.sock is None]
            fresh = [t for t in unread if t.link is None] or unread
            by_thread = [t for t in fresh if t.thread == thread]
            likely = by_thread if len(fresh) > 1 else fresh
            one = likely[0] if len(likely) == 1 else None
        if one is not None:
            one.sock = sock
            self._by_sock[pid, sock] = one
        return one

    # -- events -------------------------------------------------------------------------------

    def _enters(self, form: Format) -> Handler:
        unpack = form.reader("common_pid", "fd").unpack_from
        accepting = self._accepting

        def enter(at: Nanos, data: bytes) -> None:
            thread, fd = unpack(data)
            if len(accepting) >= MAX_ACCEPTING:
                del accepting[next(iter(accepting))]
            accepting[thread] = fd & 0x7FFFFFFF

        return enter

    def _accepts(self, form: Format) -> Handler:
        unpack = form.reader("common_pid", "ret").unpack_from

        def accepted(at: Nanos, data: bytes) -> Record | None:
            thread, fd = unpack(data)
            pid = self._pid_of(thread)
            if pid is None or not self._listens(pid, self._accepting.pop(thread, None)):
                return None
            one = self._take(at, pid, thread, fd, None)
            return Worked(at, pid, thread, self._listen, one.number, "accepted", None)

        return accepted

    def _listens(self, pid: int, fd: int | None) -> bool:
        """Whether this is the watched listener; one who slept in accept before we came: whether
        it listens nowhere else."""
        if fd is not None:
            return self._is_ours(proc.link(f"/proc/{pid}/fd/{fd}"))
        links = {link for _, link in sockets_of(pid)}
        others = {f"{SOCKET}{inode}]" for inode in diag.unix_listeners()}
        others |= {one.link for one in listeners.tcp()}
        return not links.isdisjoint(self._listeners) and links.isdisjoint(others - self._listeners)

    def _is_ours(self, link: str | None) -> bool:
        """A listener that was not met before may be a new one of ours: the server was restarted."""
        if link is None or link in self._listeners or link in self._elsewhere:
            return link in self._listeners
        self._listeners = self._find_listeners()
        if link not in self._listeners:
            self._elsewhere.add(link)
        return link in self._listeners

    def _closes(self, form: Format) -> Handler:
        unpack = form.reader("common_pid", "fd").unpack_from

        def close(at: Nanos, data: bytes) -> Record | None:
            thread, fd = unpack(data)
            pid = self._pid_of(thread)
            one = None if pid is None else self._taken.get((pid, fd))
            if one is None:
                return None
            self._forget(one)
            return Worked(at, one.pid, thread, self._listen, one.number, "closed", None)

        return close

    def _sends(self, form: Format) -> Handler:
        unpack = form.reader("common_pid", "sk", "ret").unpack_from

        def sent(at: Nanos, data: bytes) -> Record | None:
            thread, sock, n_bytes = unpack(data)
            pid = self._pid_of(thread)
            one = None if pid is None else self._by_sock.get((pid, sock))
            if one is None:
                return None
            one.answered = True
            self._ask_at = at + ANSWERED_NS
            return Worked(at, one.pid, thread, self._listen, one.number, "wrote", n_bytes)

        return sent

    def _receives(self, form: Format) -> Handler:
        unpack = form.reader("common_pid", "sk", "ret", "flags").unpack_from

        def received(at: Nanos, data: bytes) -> Record | None:
            thread, sock, n_bytes, flags = unpack(data)
            pid = self._pid_of(thread)
            if pid is None or flags & MSG_PEEK:
                return None
            one = self._by_sock.get((pid, sock)) or self._bind(pid, thread, sock)
            if one is None:
                return None
            return Worked(at, pid, thread, self._listen, one.number, "read", n_bytes)

        return received

    def _pid_of(self, thread: int) -> int | None:
        return None if self._traced is None else self._traced.threads.pid_of(thread)

    # -- looks --------------------------------------------------------------------------------

    def _look(self, now: Nanos) -> list[Record]:
        self._listeners = self._find_listeners()
        self._elsewhere.clear()
        asleep = self._asleep.items()
        self._asleep = {t: one for t, one in asleep if self._taken.get((one.pid, one.fd)) is one}
        held = self._held()
        if held is None:
            return []
        records: list[Record] = []
        for key, one in list(self._taken.items()):
            if key not in held or one.link not in (None, held[key]):
                self._forget(one)
                gone = Worked(now, one.pid, one.thread, self._listen, one.number, "closed", None)
                records.append(gone)
        for (pid, fd), link in held.items():
            known = self._taken.get((pid, fd))
            if known is not None:
                known.link = link
                continue
            one = self._take(now, pid, pid, fd, link)
            records.append(Worked(now, pid, pid, self._listen, one.number, "holds", None))
        return records

    def _held(self) -> dict[tuple[int, int], str] | None:
        """Connections of ours among the tree's descriptors. A helper that inherits its worker's
        has no part in it: the topmost holder counts. None: the kernel has no memory to tell now."""
        found = {(pid, fd): link for pid in sorted(self._tree) for fd, link in sockets_of(pid)}
        links = set(found.values())
        self._known = {link: ours for link, ours in self._known.items() if link in links}
        if links - self._known.keys():
            try:
                ours = {f"{SOCKET}{inode}]" for inode in diag.unix_accepted(self._path)}
            except OSError:
                return None
            self._known |= {link: link in ours for link in links - self._known.keys()}
        held = {key: link for key, link in found.items() if self._known[link]}
        holders: dict[str, set[int]] = {}
        for (pid, _), link in held.items():
            holders.setdefault(link, set()).add(pid)
        return {(pid, fd): link for (pid, fd), link in held.items() if _is_top(pid, holders[link])}

    def _ask(self, now: Nanos, taken: Collection[_Taken]) -> list[Record]:
        """Which of these connections nothing is being done for."""
        records: list[Record] = []
        for pid in sorted({one.pid for one in taken}):
            waits = blocked.waits(pid)
            readers = {wait.reads: wait.thread for wait in waits if wait.reads is not None}
            asleep = bool(waits) and all(wait.sleeps for wait in waits)
            for one in taken:
                if one.pid != pid or not (one.fd in readers or (asleep and one.answered)):
                    continue
                thread = readers.get(one.fd)
                if thread is not None and one.sock is None:
                    self._asleep[thread] = one
                told = Worked(now, pid, pid, self._listen, one.number, "waits", None)
                records.append(told)
        return records


def _is_top(pid: int, pids: Collection[int]) -> bool:
    """Whether it has no ancestor among them."""
    return len(pids) == 1 or set(kinship.ancestors(pid)).isdisjoint(pids)


def sockets_of(pid: int) -> list[tuple[int, str]]:
    """Its descriptors that are sockets, each with its link."""
    numbers = proc.descriptors(pid)[:MAX_DESCRIPTORS]
    links = ((int(number), proc.link(f"/proc/{pid}/fd/{number}")) for number in numbers)
    return [(fd, link) for fd, link in links if link is not None and link.startswith(SOCKET)]


def lacks() -> str | None:
    """A trace event that this kernel lacks; None: it has all, or tracefs is not mounted yet."""
    place = tracefs.mounted()
    events = (f"{CALLS}enter_close", *(f"{CALLS}exit_{call}" for call in ACCEPTS), SENT, RECEIVED)
    absent = (e for e in events if place and not os.path.isdir(f"{place}/events/{e}"))
    return next((event.replace("/", ":") for event in absent), None)


def open_tap(plan: Plan, now: Nanos) -> UnixWork | Shut | None:
    """None: no unix listener is watched, or its bytes come through a relay or are seen in the
    workers' calls (`calls`, whose name sorts before ours: its probes are there by now, if there
    is a worker that can be probed)."""
    if plan.socket is None or plan.relay is not None or probes.has_own():
        return None
    if sys.platform != "linux":
        return Shut(TapState(now, NAME, "absent", "unix sockets' work is read from Linux's /proc"))
    try:
        return UnixWork(plan.socket, now)
    except OSError as error:
        return Shut(TapState(now, NAME, "absent", f"the kernel lists no unix sockets: {error}"))
