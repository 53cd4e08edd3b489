"""Replays a committed capture in this process, as `gwtop read` would.

In: a capture's name ("fastcgi/nginx-uwsgi"). Out: the journal's lines. The engine and the tracker
are the real ones; only the sink and the signals are made up.
"""

import json
import os
from contextlib import closing
from pathlib import Path
from typing import Any

from gwtop import journal
from gwtop.engine import Engine
from gwtop.nouns.facts import Fact
from gwtop.nouns.plan import Plan
from gwtop.nouns.run import Terms
from gwtop.taps.files import open_capture
from gwtop.tracker import Tracker

CAPTURES = Path(__file__).parent / "captures"


class Lines:
    """A sink that keeps what it is given."""

    closed = False
    queued_bytes = 0
    is_full = False

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def fileno(self) -> int:
        return -1

    def put(self, facts: list[Fact]) -> None:
        self.lines += map(journal.encode, facts)

    def flush(self) -> None:
        """Nothing waits."""

    def take_dropped(self) -> tuple[int, int]:
        return 0, 0


class NoSignals:
    first = None
    n_seen = 0

    def __init__(self) -> None:
        self.never, self.writer = os.pipe()

    def fileno(self) -> int:
        return self.never

    def close(self) -> None:
        os.close(self.never)
        os.close(self.writer)

    def clear(self) -> None:
        """None came."""


def replay(
    name: str,
    batch_frames: int = 1000,
    show_secrets: bool = False,
    details: bool = True,
    protocol: str | None = None,
) -> list[bytes]:
    """The lines of `gwtop read NAME --json --details`, its frames taken so many at a time."""
    (path,) = map(str, CAPTURES.glob(f"{name}.pcap*"))
    plan = Plan(file=path, details=details, show_secrets=show_secrets, protocol=protocol)
    sink = Lines()
    taps = [open_capture(path, plan, batch_frames)]
    with closing(NoSignals()) as signals:
        tracker = Tracker(plan, live=False)
        assert Engine(plan, list(taps), tracker, sink, Terms(signals)).run() == 0
    return sink.lines


def truth_of(name: str) -> list[dict[str, Any]]:
    """What client and application saw of each request, by their own hand."""
    text = (CAPTURES / f"{name}.truth.json").read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = json.loads(text)["requests"]
    return rows
