"""A listener with its holders, requests from ports we choose, and who did what when.

What tests of attribution are written in; no wire and no clock.
"""

from itertools import count
from typing import Literal

from gwtop.nouns.events import RequestHead
from gwtop.nouns.records import Execed, Exited, Forked, Passed, Present, Touched
from gwtop.nouns.times import SECOND_NS
from gwtop.nouns.wire import Side
from gwtop.protocols._base import Pair
from gwtop.tracker.attribution import Attribution
from gwtop.tracker.exchange import Exchange, Hop
from gwtop.tracker.exchanges import Link
from gwtop.tracker.lineage import Lineage
from gwtop.tracker.process import Process
from tests.tracker._scripted import ScriptedModule

T0 = 1_800_000_000 * SECOND_NS
MARK = (b"GATEWAY_INTERFACE", b"CGI/1.1")


class Scene:
    """A listener with one holder (pid 100), and requests from ports we choose."""

    def __init__(self, holders: tuple[int, ...] = (100,)) -> None:
        self.tree = Lineage(False, False, None)
        for pid in holders:
            self.tree.present(
                Present(T0 - SECOND_NS, pid, 1, T0 - SECOND_NS, (b"x",), b"x", b"x", True)
            )
        self.attribution = Attribution(self.tree)
        self.exchanges: list[Exchange] = []
        self.ids = count(1)

    def request(
        self,
        at: int,
        over_at: int | None = None,
        target: bytes = b"/",
        port: int = 50000,
        fields: list[Pair] | None = None,
    ) -> Exchange:
        script = {
            b"x": lambda now: [RequestHead(0, now, b"GET", target, None, 1, b"block")],
        }
        link = Link(
            Hop(1, f"127.0.0.1:{port}", "127.0.0.1:9000", ScriptedModule(script, fields)),
            True,
            lambda: next(self.ids),
            self.exchanges.append,
            lambda exchange: None,
            0,
            lambda remark, at: None,
        )
        link.feed(Side.CLIENT, b"x", T0 + at)
        exchange = self.exchanges[-1]
        exchange.over_at = None if over_at is None else T0 + over_at
        self.attribution.began(exchange)
        return exchange

    def listens(self, pid: int, *listeners: str) -> Process:
        """It holds these listeners, and is told to hold them."""
        known = (pid, 1, T0 - SECOND_NS, (b"x",), b"x", b"x", bool(listeners), None)
        self.tree.present(Present(T0 - SECOND_NS, *known, frozenset(listeners)))
        process = self.tree.find(pid)
        assert process is not None
        return process

    def born(self, pid: int, at: int, parent: int = 100) -> Process:
        process = self.tree.forked(Forked(T0 + at, pid, parent))
        assert process is not None
        return process

    def execed(self, pid: int, at: int, *environ: Pair) -> None:
        process = self.tree.execed(Execed(T0 + at, pid, (b"s",), b"s", environ))
        assert process is not None
        self.attribution.execed(process, self.exchanges)

    def read(self, pid: int | None, at: int, port: int = 50000, thread: int | None = None) -> None:
        ends = "127.0.0.1:9000", f"127.0.0.1:{port}"
        touched = Touched(T0 + at, pid, thread or pid or 0, *ends, "read", None)
        self.attribution.readers.touched(touched)

    def passed(
        self,
        at: int,
        pid: int,
        thread: int,
        sock: int,
        verb: str,
        n_bytes: int,
        arrives_at: int | None = None,
    ) -> None:
        way: Literal["sent", "received"] = "sent" if verb == "sent" else "received"
        record = Passed(T0 + at, pid, thread, sock, way, n_bytes, arrives_at)
        self.attribution.handovers.passed(record)

    def held(self, pid: int, at: int, port: int = 50000) -> None:
        ends = "127.0.0.1:9000", f"127.0.0.1:{port}"
        self.attribution.readers.touched(Touched(T0 + at, pid, pid, *ends, "holds", None, 7))

    def gone(self, pid: int, at: int) -> None:
        self.tree.exited(Exited(T0 + at, pid, 0, None))

    def settle(self, exchange: Exchange) -> tuple[int | None, str | None, list[int]]:
        self.exchanges.remove(exchange)  # as the tracker does: it is neither open nor over
        self.attribution.settle(exchange, lambda: self.exchanges)
        return exchange.pid, exchange.evidence, exchange.births
