"""A protocol whose bytes are the names of events to come: what a test feeds is what it gets.

No wire format stands between a tracker test and the rule it tests.
"""

from collections.abc import Callable

from gwtop.nouns.events import Event, Remark
from gwtop.nouns.times import Nanos
from gwtop.nouns.wire import Side
from gwtop.protocols._base import Claim, Pair
from gwtop.tracker.exchange import Exchange, Hop
from gwtop.tracker.exchanges import Link

Script = dict[bytes, Callable[[Nanos], list[Event]]]


class ScriptedDecoder:
    def __init__(self, script: Script) -> None:
        self._script = script

    def feed(self, side: Side, data: bytes, at: Nanos) -> list[Event]:
        step = self._script.get(data)
        return step(at) if step is not None else []  # a decoder never raises

    def lost(self, side: Side, n_bytes: int, at: Nanos) -> list[Event]:
        return self._script[b"lost"](at)

    def close(self, side: Side, at: Nanos) -> list[Event]:
        step = self._script.get(b"close " + side.value.encode())
        return step(at) if step is not None else []

    def held_bytes(self) -> int:
        return 0


class ScriptedModule:
    NAME = "scripted"

    def __init__(self, script: Script | None = None, fields: list[Pair] | None = None) -> None:
        self._script = script or {}
        self._fields = fields or []

    def claims(self, prefix: bytes) -> Claim:
        return Claim.YES if prefix in self._script else Claim.NO

    def Decoder(self, from_start: bool) -> ScriptedDecoder:  # noqa: N802
        return ScriptedDecoder(self._script)

    def request_fields(self, block: bytes) -> list[Pair]:
        return self._fields

    def response_fields(self, block: bytes) -> list[Pair]:
        return []


class Watch:
    """A Link with what it said."""

    def __init__(self, script: Script, bodies_bytes: int = 0) -> None:
        self.began: list[Exchange] = []
        self.over: list[Exchange] = []
        self.said: list[tuple[Remark, Nanos]] = []
        ids = iter(range(1, 1 << 20))
        self.link = Link(
            Hop(7, "127.0.0.1:50000", "127.0.0.1:9000", ScriptedModule(script)),
            True,
            lambda: next(ids),
            self.began.append,
            self.over.append,
            bodies_bytes,
            lambda remark, at: self.said.append((remark, at)),
        )
