"""The load: drives requests at a demo from a process of its own. This file starts and steers it.

In: where to, how fast. Out: a `RunningLoad`: wishes in, states and a `Summary` out. It refuses to
know how requests are sent (`sending`) and what answers.

A process of its own and outside the watched tree, because a client in the engine would be measured
with it, and one in the viewer would stop while the screen is painted. It ends when its requests
are sent and answered, on SIGTERM, at the end of its stdin, and when its parent dies, so nothing of
it outlives a killed gwtop.
"""

import importlib.util
import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TypedDict, cast

from gwtop.errors import GwtopError
from gwtop.nouns.driving import State

STOP_DEADLINE_S = 2.0
MAX_STATES_BYTES = 1 << 20  # some 6,000 that nobody took: what comes then is not kept


@dataclass(frozen=True, slots=True)
class Config:
    url: str
    """ "http://127.0.0.1:40123/" """
    rate: float
    """Requests per second. 0: as fast as it goes."""
    n_requests: int | None
    """None: endless."""
    concurrency: int
    path: str | None
    """None: the mix."""
    paused: bool
    """True: sends nothing until `{"pause": false}`."""
    driven: bool = False
    """By a person: tells its `State` on stdout, and waits when its requests are sent."""


class Wish(TypedDict, total=False):
    """A line on stdin."""

    rate: float
    concurrency: int
    path: str | None
    """None: the mix."""
    send: str
    """One request for this path, beside the others."""
    pause: bool


class Summary(TypedDict):
    sent: int
    statuses: dict[str, int]
    errors: int
    """Requests without an answer."""
    failures: dict[str, int]
    """The same, by what went wrong."""
    took_ns: list[int]
    """From the first byte sent to the last received, of the newest answered, in their order."""
    elapsed_ns: int
    """From the first request's start to the last answer."""
    in_flight: int
    """Sent, and neither answered nor failed when it was stopped."""


class RunningLoad:
    """A load in its own process."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", stderr: IO[bytes], driven: bool = False
    ) -> None:
        self._process = process
        self._stderr = stderr
        self._driven = driven
        self._summary_line = b""
        self._summary: bytes | None = None
        self._was_killed = False
        self._told = b""
        self._state: State | None = None

    def poll(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.poll()

    def fileno(self) -> int:
        """Its stdout, for `select`: readable when it is over and has its summary."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def send(self, wish: Wish) -> None:
        """A wish; silently too late when the load is over, and lost when it has read none for so
        long that its pipe is full: nobody waits for a load that stands still."""
        if self._process.stdin is None:
            return
        descriptor = self._process.stdin.fileno()
        os.set_blocking(descriptor, False)
        with suppress(BlockingIOError, BrokenPipeError):  # full; it ended between two looks
            os.write(descriptor, json.dumps(wish).encode() + b"\n")

    def state(self) -> State | None:
        """The newest it told; None before the first. Does not wait."""
        assert self._process.stdout is not None
        if self._process.stdout.closed or not self._driven:
            return self._state
        descriptor = self._process.stdout.fileno()
        os.set_blocking(descriptor, False)
        with suppress(BlockingIOError):
            while (piece := os.read(descriptor, 65536)) and len(self._told) < MAX_STATES_BYTES:
                self._told += piece
        os.set_blocking(descriptor, True)
        *lines, self._told = self._told.split(b"\n")
        for line in lines:
            told = json.loads(line)
            if "rate" in told:
                self._state = cast(State, told)
            else:
                self._summary_line = line
        return self._state

    def trouble(self) -> str | None:
        """Why it ended before its time. None: it runs, or it is over as it should be; that we had
        no time to wait for its end is no trouble of its own."""
        status = self._process.poll()
        if not status or self._was_killed:
            return None
        self._stderr.seek(0)
        said = self._stderr.read().decode("latin-1").splitlines()
        why = f"signal {-status}" if status < 0 else f"exit status {status}"
        return f"the load has ended ({said[-1] if said else why})"

    def let_go(self) -> None:
        """Lets it end by itself, without waiting; may be called twice."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):  # it has ended, and our last wish was not read
                self._process.stdin.close()
            self._process.stdin = None  # `communicate` would flush it

    def stop(self) -> Summary | None:
        """Ends it; its summary, or None when it died without one. May be called twice."""
        if self._summary is None:
            # `communicate` closes its stdin, which ends it, and needs no right to send signals.
            try:
                out, _ = self._process.communicate(timeout=STOP_DEADLINE_S)
            except subprocess.TimeoutExpired:
                self._was_killed = True
                self._process.kill()
                out, _ = self._process.communicate()
            last = (self._told + out).rstrip(b"\n").rpartition(b"\n")[2] or self._summary_line
            self._summary = b"" if b'"statuses"' not in last else last
        # The last line is our own `Summary`; a load that was killed has none.
        return cast(Summary, json.loads(self._summary)) if self._summary else None


def start_load(
    url: str,
    *,
    rate: float = 5.0,
    n_requests: int | None = None,
    concurrency: int = 1,
    path: str | None = None,
    paused: bool = False,
    driven: bool = False,
) -> RunningLoad:
    """Starts a load; it ends when this process does. `paused`: wait for `{"pause": false}`.
    `driven`: by a person, who sees its `state`."""
    need_client()
    if path is not None and not path.startswith("/"):
        raise GwtopError(f"the path {path!r} does not begin with /", f"try /{path}")
    config = Config(url, rate, n_requests, concurrency, path, paused, driven)
    stderr = _scratch()  # a screen may be on ours; closed with the handle
    process = subprocess.Popen(
        # Without -P the working directory could lend a root process its modules.
        [sys.executable, "-P", "-m", "gwtop.load", json.dumps(asdict(config))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=_environ(),
        start_new_session=True,  # Ctrl-C is for us; we end it and read its summary
    )
    return RunningLoad(process, stderr, driven)


def _scratch() -> IO[bytes]:
    """A file without a name; in memory where that can be, for an engine may write no other."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("gwtop-load"), "w+b")
    return cast(IO[bytes], TemporaryFile())


def _environ() -> dict[str, str]:
    """Ours, and the way to this very package, for the child does not look where it stands."""
    paths = [str(Path(__file__).parent.parent.parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def need_client() -> None:
    """Raises when the HTTP client is not installed; imports nothing (aiohttp costs 200 ms)."""
    if importlib.util.find_spec("aiohttp") is None:
        raise GwtopError("the load needs aiohttp", "pip install 'gwtop[demos]'")
