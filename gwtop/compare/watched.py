"""A demo watched at work: what gwtop's own facts and a packet ring beside it say of forty requests.

In: a running demo. Out: cells. The engine is a process of its own, as for the screen.
"""

import json
import select
import subprocess
import sys
from dataclasses import dataclass, replace
from tempfile import TemporaryFile
from typing import IO

from gwtop import clock
from gwtop.demos import Ready
from gwtop.load import start_load
from gwtop.nouns.comparison import Cell
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Frames
from gwtop.taps import Tap, ring

N_REQUESTS = 40
CLIENTS = 2  # one alone may be served by one thread of many for as long as it stays
DEADLINE_S = 30.0
REFUSED = "the hop cannot be watched: that takes root, Linux and a TCP port"


@dataclass(frozen=True, slots=True)
class Watched:
    n_requests: int
    """0: nothing could be seen."""
    n_connections: int
    n_births: int | None
    """In the tree, while it was watched."""
    model: str | None
    workers: frozenset[int]
    n_segments: int | None
    n_wire_bytes: int | None
    program_cpu_ns: float | None = None
    """Of a process that was made for a request, by the kernel's account at its end, on average."""
    why: str = REFUSED
    """Why nothing could be seen, where that is so."""

    @property
    def makes_processes(self) -> bool:
        """Most requests were answered by a process that is gone."""
        return bool(self.n_births) and (self.n_births or 0) * 2 > self.n_requests


NOTHING = Watched(0, 0, None, None, frozenset(), None, None)


def watch(ready: Ready) -> Watched:
    kind, _, port = ready["listen"].rpartition(":")
    if kind.startswith("unix") or sys.platform != "linux":
        return NOTHING
    plan = Plan(ports=(int(port),))
    packets = ring.open_tap(plan, clock.now())
    if packets is None or packets.state.state != "open":
        return NOTHING
    argv = [sys.executable, "-P", "-m", "gwtop", "attach", "--port", port, "--json"]
    argv += ["--pid", str(ready["pid"]), "--requests", str(N_REQUESTS)]
    argv += [] if ready["front"] is None else ["--front-pid", str(ready["front"])]
    stderr = TemporaryFile()  # noqa: SIM115  # closed below
    # Unbuffered: `communicate` would not see what `readline` read ahead.
    engine = subprocess.Popen(argv, bufsize=0, stdout=subprocess.PIPE, stderr=stderr)
    try:
        assert engine.stdout is not None
        hello = engine.stdout.readline()  # every tap is open: what happens later is seen
        if not hello:
            engine.wait()
            return replace(NOTHING, why=_last_words(stderr))
        load = start_load(ready["url"], rate=0, n_requests=N_REQUESTS, concurrency=CLIENTS)
        try:
            select.select([load], [], [], DEADLINE_S)
        finally:
            load.stop()
        try:
            facts, _ = engine.communicate(timeout=DEADLINE_S)
        except subprocess.TimeoutExpired:  # it did not see all of them
            engine.terminate()
            facts, _ = engine.communicate()
        n_segments, n_bytes = _counted(packets)
    finally:
        packets.close()
        stderr.close()
        if engine.poll() is None:
            engine.kill()
            engine.wait()
    return watched_of((hello + facts).splitlines(), n_segments, n_bytes)


def _last_words(stderr: IO[bytes]) -> str:
    stderr.seek(0)
    said = stderr.read().decode(errors="replace").strip().splitlines()
    return f"the hop could not be watched: {said[-1] if said else 'gwtop did not say why'}"


def _counted(packets: Tap) -> tuple[int, int]:
    """All frames since the ring was opened; its blocks hold many more than forty requests."""
    n_segments, n_bytes = 0, 0
    while select.select([packets], [], [], 0)[0] and (records := packets.read(clock.now())):
        for record in records:
            if isinstance(record, Frames):
                n_segments += len(record.spans)
                n_bytes += sum(length for _, _, _, length in record.spans)
    return n_segments, n_bytes


def watched_of(lines: list[bytes], n_segments: int, n_wire_bytes: int) -> Watched:
    """From facts, one a line."""
    facts = [json.loads(line) for line in lines]
    requests = [fact for fact in facts if fact["type"] == "request"]
    summary = facts[-1] if facts and facts[-1]["type"] == "summary" else {}
    born_for = {pid for fact in requests for pid in fact["births"]}
    ends = [fact for fact in facts if fact["type"] == "process_exited" and fact["pid"] in born_for]
    spent = [fact["cpu_ns"] for fact in ends if fact["cpu_ns"] is not None]
    return Watched(
        n_requests=len(requests),
        n_connections=len({fact["connection"] for fact in requests}),
        n_births=summary.get("processes_born"),
        model=summary.get("model"),
        workers=frozenset(fact["pid"] for fact in requests if fact["pid"] is not None),
        n_segments=n_segments,
        n_wire_bytes=n_wire_bytes,
        program_cpu_ns=sum(spent) / len(spent) if spent else None,
    )


def cells(told: Watched) -> dict[str, Cell]:
    def per_request(total: float | None) -> Cell:
        if not told.n_requests or total is None:
            return Cell(None, told.why)
        return Cell(total / told.n_requests)

    return {
        "processes_per_request": per_request(told.n_births),
        "segments": per_request(told.n_segments),
        "wire_bytes": per_request(told.n_wire_bytes),
        "connections": per_request(told.n_connections),
        "model": Cell(told.model, None if told.model else told.why),
    }
