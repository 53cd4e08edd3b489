"""The relay: a server between clients and the gateway that passes on every byte, and tells of it.

In: the plan: a unix listener to stand in for, or an address to listen on and one to pass on to.
Out: `Opened`, `Chunk`, `Closed` of every connection through it, and `Wrote` with the pid that the
kernel gave for an answer's bytes. It refuses to know what the bytes say.

It needs no privilege. This part is about names, ends and room: it takes the socket's name (`swap`)
and gives it back, and has `lanes` do the work: processes that accept from the one socket. The
first that has room takes all that comes; when none has, there is one more.
"""

import os
import socket
import sys
from collections.abc import Collection
from typing import Literal

from gwtop import clock
from gwtop.errors import GwtopError
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Missed, Observed, Record, TapState
from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS, Nanos
from gwtop.taps import holders, privilege, swap, upstream
from gwtop.taps.addresses import of_socket
from gwtop.taps.forwarder import LINGER_NS
from gwtop.taps.lane import Lane
from gwtop.taps.poller import READ, poller
from gwtop.taps.shut import Shut
from gwtop.taps.upstream import Goal

NAME = "relay"
FIRST_CONN = 1 << 42  # other taps number their connections from elsewhere
CONNS_A_LANE = 1 << 33
MAX_LANES = 64  # 20 MB each; where 1,024 descriptors are all that may be had, 24,000 connections
LOOK_NS = SECOND_NS  # has somebody bound the path anew?
REST_NS = LINGER_NS + 4 * SECOND_NS  # at the end, for a lane on a machine that is busy
AGAIN_NS = 20 * MILLISECOND_NS  # where nothing can be waited for
BYPASSED = "connections were open before and go past the relay; requests on them are not seen"
CREDENTIALS = (
    "the gateway sees the relay's pid and user as its peer (SO_PEERCRED), no longer the front's"
)
RECOVERED = "a relay that was killed had left this socket renamed; it was put back"
FULL = "no more descriptors: new connections wait until others end"
BROKEN = "a process of the relay was killed; connections in it, which were broken"


class Relay:
    """The open tap; `open_tap` builds it."""

    name = NAME

    def __init__(self, plan: Plan, now: Nanos) -> None:
        """Raises GwtopError and OSError."""
        assert plan.relay is not None
        self._to = plan.relay.to
        self._server = of_socket(self._to)
        self._shared = swap.Shared(plan.relay.memory)
        self._names = swap.names(plan.socket or "", os.getpid())
        self._is_swapped = plan.relay.listen is None
        self._words: list[Record] = []
        privilege.allow_many_descriptors()
        self._listener: socket.socket | None = self._listen(plan, now)
        self._goal = Goal(self._to, swap.pinned(self._names) if self._is_swapped else None)
        self._poll = poller()
        self._lanes: list[Lane] = []
        self._n_lanes = 0
        """Ever made: their connections' numbers are never used again."""
        self._has_name = True
        self._lane_ns = 0
        """On the monotonic clock: no lane is made before."""
        self._tree: frozenset[int] = frozenset()
        self._look_at = now  # at once: the first lane is made when rights have been given up
        self._full_told = False
        self.state = TapState(now, NAME, "open", None)
        self.behind_at: Nanos | None = None

    def _listen(self, plan: Plan, now: Nanos) -> socket.socket:
        assert plan.relay is not None
        if plan.relay.listen is not None:
            return upstream.listener(*plan.relay.listen)
        if swap.recover(self._names.path):
            self._note("relay-recovered", "info", RECOVERED)
        before = holders.n_connected_unix(self._names.path)
        listener = swap.take(self._names, self._shared)
        if before:
            self._note("relay-bypassed", "info", f"{BYPASSED}: {before}")
            self._words.append(Missed(now, NAME, "requests", None))
        self._note("relay-credentials", "info", CREDENTIALS)
        return listener

    def _note(self, code: str, severity: Literal["info", "warn"], text: str) -> None:
        self._words.append(Observed(clock.now(), code, severity, text, None, self._server))

    # -- the tap ------------------------------------------------------------------------------

    def fileno(self) -> int:
        return self._poll.fileno()

    def due_at(self) -> Nanos | None:
        if self._poll.fileno() < 0:
            return min(self._look_at, clock.now() + AGAIN_NS)
        return self._look_at

    def read(self, now: Nanos) -> list[Record]:
        records = self._take()
        if now >= self._look_at:
            self._look_at = now + LOOK_NS
            self._look(now)
        self._make_room()
        behind = any(lane.is_behind for lane in self._lanes)
        self.behind_at = records[-1].at if behind and records else None  # type: ignore[union-attr]  # no batch of frames
        records += self._words
        self._words = []
        return records

    def _take(self) -> list[Record]:
        """What the lanes have told, and who of them has died."""
        records: list[Record] = []
        for lane in list(self._lanes):
            records += lane.read()
            lane.flush()
            if lane.ended:
                self._bury(lane, records)
        self._shared.count(sum(lane.n_connections + lane.n_waiting for lane in self._lanes))
        return records

    def _bury(self, lane: Lane, records: list[Record]) -> None:
        """Nobody had told it to end. What ends as it begins is not begun over and over."""
        if clock.monotonic_ns() < lane.born_ns + LOOK_NS:
            self._lane_ns = clock.monotonic_ns() + LOOK_NS
        self._lanes.remove(lane)
        self._poll.unregister(lane.fileno())
        lane.close()
        at = clock.now()
        text = f"{BROKEN}: {max(lane.n_open, lane.n_connections)}"
        records.append(Observed(at, "relay-broken", "error", text, None, self._server))
        records.append(Missed(at, NAME, "requests", None))

    def _make_room(self) -> None:
        """New connections are the first lane's that has room."""
        if self._listener is None:
            return
        chosen = next((lane for lane in self._lanes if lane.full == "no"), None)
        is_starved = any(lane.full == "system" for lane in self._lanes)
        if chosen is None and not is_starved and len(self._lanes) < MAX_LANES:
            chosen = self._add_lane()
        if chosen is None and self._lanes and not self._full_told:
            self._full_told = True
            self._note("relay-full", "warn", FULL)
        for lane in self._lanes:
            lane.accept(lane is chosen)

    def _add_lane(self) -> Lane | None:
        assert self._listener is not None
        if clock.monotonic_ns() < self._lane_ns:
            return None
        first_conn = FIRST_CONN + self._n_lanes * CONNS_A_LANE
        try:
            lane = Lane(self._listener, self._goal, first_conn)
        except OSError:  # no process, or no descriptor, to be had
            return None
        self._n_lanes += 1
        self._lanes.append(lane)
        self._poll.register(lane.fileno(), READ)
        self._lead(lane)
        return lane

    def follow(self, pids: Collection[int]) -> None:
        self._tree = frozenset(pids)
        for lane in self._lanes:
            self._lead(lane)

    def _lead(self, lane: Lane) -> None:
        """On a unix socket the kernel names who writes."""
        if not isinstance(self._to, str):
            lane.follow(self._tree)

    def retire(self, now: Nanos) -> list[Record]:
        """The end is near: the name goes back first, and what is on its way gets a second."""
        if not self._lanes:  # who came already waits in our backlog
            self._make_room()
        self._give_back()
        for lane in self._lanes:
            lane.retire()
        records: list[Record] = []
        late_ns = clock.monotonic_ns() + REST_NS
        while (still := [one for one in self._lanes if not one.ended]) and (
            clock.monotonic_ns() < late_ns
        ):
            self._poll.poll(AGAIN_NS / SECOND_NS, len(still))
            for lane in still:
                lane.flush()
                records += lane.read()
                if lane.ended:
                    self._poll.unregister(lane.fileno())
        n_cut = sum(lane.n_cut if lane.ended else lane.n_open for lane in self._lanes)
        self._stop_listening()
        self._end_lanes()
        if n_cut:
            text = f"connections in the relay when it ended, which were cut: {n_cut}"
            records.append(Observed(clock.now(), "relay-cut", "warn", text))
        records += self._words
        self._words = []
        return records

    def close(self) -> None:
        self._give_back()
        self._stop_listening()
        self._end_lanes()
        if self._goal.pinned is not None:
            os.close(self._goal.pinned)
            self._goal = Goal(self._to)
        self._poll.close()

    def _end_lanes(self) -> None:
        for lane in self._lanes:
            lane.close()
        self._lanes = []
        self._shared.count(0)

    def _give_back(self) -> None:
        """The path is the gateway's again. Who has found us there already is still served."""
        if self._is_swapped and self._has_name:
            self._has_name = False
            swap.restore(self._names, self._shared)

    def _stop_listening(self) -> None:
        if self._listener is None:
            return
        self._listener.close()
        self._listener = None

    def _look(self, now: Nanos) -> None:
        """A server that was restarted has bound the path anew: its socket stays where it is."""
        if not self._is_swapped or self._listener is None:
            return
        ours, _, _ = self._shared.read()
        if swap.ident(self._names.path) == ours:
            return
        gone = swap.ident(self._names.path) is None
        self._give_back()
        self._stop_listening()
        for lane in self._lanes:
            lane.stop()
        text = (
            "the socket's name was removed: the server has ended"
            if gone
            else "the server has bound its socket anew, and clients go there past the relay"
        )
        self._note("relay-rebound", "warn", f"{text}; start gwtop again")
        self._words.append(Missed(now, NAME, "requests", None))


def open_tap(plan: Plan, now: Nanos) -> Relay | Shut | None:
    """None: nobody asked for a relay. What cannot be relayed ends the command: GwtopError."""
    if plan.relay is None:
        return None
    if sys.platform != "linux" and plan.relay.listen is None:
        raise GwtopError(
            "a relay beside a unix socket needs Linux: no other system exchanges two names at once",
            "have the front connect to a port of ours: gwtop tap LISTEN:unix:PATH",
        )
    return Relay(plan, now)
