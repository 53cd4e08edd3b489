"""Drives requests at a demo: `python -m gwtop.load CONFIG`, a process of its own.

In: the configuration (a JSON object, `Config`) as the one argument; then, as JSON lines on stdin,
`{"rate": 20}`, `{"path": "/big"}`, `{"send": "/error"}`, `{"pause": true}`, in any mixture. Out:
one JSON line at its end, a `Summary`. It refuses to know what answers.

It ends when its requests are sent and answered, on SIGTERM, at the end of stdin, and when its
parent dies, so nothing of it outlives a killed gwtop.

A process of its own and outside the watched tree, because a client in the engine would be measured
with it, and one in the viewer would stop while the screen is painted. The load is open: requests
leave at `rate`, whether or not the former ones are answered, up to `concurrency` in flight; a slow
worker therefore shows as a queue, not as a slower client. Connections are kept open as a browser
keeps them, one for each request in flight.
"""

import asyncio
import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter, deque
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, TypedDict, cast

from gwtop import clock
from gwtop.errors import GwtopError

if TYPE_CHECKING:
    from aiohttp import ClientSession

SEED = 20_261
MAX_ASKED_IN_FLIGHT = 64  # requests of `send`, beside the load's own
MAX_TIMED = 20_000  # durations of so many answers, the newest; 8 bytes each and more in JSON
CATCH_UP_S = 1.0  # what a load that was held up makes good at most
REQUEST_DEADLINE_S = 120.0  # /slow may take a minute
STOP_DEADLINE_S = 2.0


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


class Wish(TypedDict, total=False):
    """A line on stdin."""

    rate: float
    path: str | None
    send: str
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


@dataclass(frozen=True, slots=True)
class Shot:
    method: str
    path: str
    body: bytes


def shot(path: str, n_body_bytes: int = 1000) -> Shot:
    """What is sent for a path."""
    if path.partition("?")[0] == "/echo":
        return Shot("POST", path, b"e" * n_body_bytes)
    return Shot("GET", path, b"")


class Mix:
    """`/ /slow /big /echo` in a fixed order: two runs send the same requests."""

    def __init__(self) -> None:
        self._random = random.Random(SEED)

    def next(self) -> Shot:
        draw = self._random
        match draw.choices(("/", "/slow", "/big", "/echo"), weights=(8, 3, 4, 5))[0]:
            case "/slow":
                return shot(f"/slow?ms={draw.choice((20, 50, 100, 200))}")
            case "/big":
                return shot(f"/big?bytes={draw.choice((1_000, 20_000, 70_000, 200_000))}")
            case "/echo":
                return shot("/echo", draw.choice((10, 1_000, 20_000, 70_000)))
            case path:
                return shot(path)


class Load:
    """The sender: one task per request, paced by the loop's own clock."""

    def __init__(self, config: Config, session: "ClientSession") -> None:
        self._config = config
        self._session = session
        self._rate = config.rate
        self._path = config.path
        self._paused = config.paused
        self._mix = Mix()
        self._changed = asyncio.Event()
        self._flying: set[asyncio.Task[None]] = set()
        self._asked: set[asyncio.Task[None]] = set()
        self._n_sent = 0
        self._took_ns: deque[int] = deque(maxlen=MAX_TIMED)
        self._span_ns: tuple[int, int] | None = None  # the first start and the last answer
        self._statuses: Counter[int] = Counter()
        self._failures: Counter[str] = Counter()

    def wish(self, wish: Wish) -> None:
        self._rate = wish.get("rate", self._rate)
        self._path = wish.get("path", self._path)
        self._paused = wish.get("pause", self._paused)
        if "send" in wish and len(self._asked) < MAX_ASKED_IN_FLIGHT:
            self._launch(shot(wish["send"]), self._asked)
        self._changed.set()

    async def run(self) -> None:
        """Until `n_requests` are sent and answered."""
        now = asyncio.get_running_loop().time
        due, n_left = now(), self._config.n_requests
        while n_left is None or n_left > 0:
            if self._paused or len(self._flying) >= self._config.concurrency:
                await self._something(None)
            elif self._rate and due > now():
                await self._something(due - now())
            else:
                due = max(due, now() - CATCH_UP_S) + (1 / self._rate if self._rate else 0)
                n_left = None if n_left is None else n_left - 1
                self._launch(shot(self._path) if self._path else self._mix.next(), self._flying)
        while self._flying or self._asked:
            await asyncio.wait(self._flying | self._asked)

    async def _something(self, timeout_s: float | None) -> None:
        """Waits for an answer, a wish or the time-out."""
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), timeout_s)
        except TimeoutError:
            return  # the next one is due

    def _launch(self, what: Shot, crowd: set[asyncio.Task[None]]) -> None:
        task = asyncio.create_task(self._send(what))
        crowd.add(task)
        task.add_done_callback(crowd.discard)
        task.add_done_callback(lambda _: self._changed.set())

    async def _send(self, what: Shot) -> None:
        from aiohttp import ClientError
        from aiohttp.typedefs import URL  # type: ignore[attr-defined]  # yarl's

        # As it was asked for, not normalised: an odd path is asked for because it is odd.
        url = URL(self._config.url.rstrip("/") + what.path, encoded=True)
        self._n_sent += 1
        began_ns = clock.monotonic_ns()
        try:
            async with self._session.request(
                what.method, url, data=what.body or None, allow_redirects=False
            ) as answer:
                await answer.read()
                self._statuses[answer.status] += 1
            self._answered(began_ns, clock.monotonic_ns())
        except (ClientError, OSError, TimeoutError) as why:  # a worker died, a server restarts
            self._failures[type(why).__name__] += 1

    def _answered(self, began_ns: int, ended_ns: int) -> None:
        self._took_ns.append(ended_ns - began_ns)
        first = began_ns if self._span_ns is None else min(began_ns, self._span_ns[0])
        self._span_ns = (first, ended_ns)

    def summary(self) -> Summary:
        first, last = self._span_ns or (0, 0)
        n_over = self._statuses.total() + self._failures.total()
        return Summary(
            sent=self._n_sent,
            statuses={str(status): n for status, n in sorted(self._statuses.items())},
            errors=self._failures.total(),
            failures=dict(self._failures),
            took_ns=list(self._took_ns),
            elapsed_ns=last - first,
            in_flight=self._n_sent - n_over,
        )


async def drive(config: Config) -> Summary:
    """The process's life: the load, until it is over or nobody wants it."""
    from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    _end_with_parent(loop, stop)
    # Not capped by the connector: a capped one would queue, and the load would not be open.
    async with ClientSession(
        connector=TCPConnector(limit=0),
        cookie_jar=DummyCookieJar(),
        timeout=ClientTimeout(total=REQUEST_DEADLINE_S),
    ) as session:
        load = Load(config, session)
        tasks = [
            asyncio.create_task(load.run()),
            asyncio.create_task(_listen(load)),
            asyncio.create_task(stop.wait()),
        ]
        done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in others:
            task.cancel()
        for task in done:
            task.result()  # what we did wrong ourselves is a traceback
        return load.summary()


def _end_with_parent(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Where there are no pidfds the end of stdin alone tells."""
    if hasattr(os, "pidfd_open"):
        loop.add_reader(os.pidfd_open(os.getppid()), stop.set)


async def _listen(load: Load) -> None:
    """Takes wishes until the end of stdin."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        load.wish(json.loads(line))


class RunningLoad:
    """A load in its own process."""

    def __init__(self, process: "subprocess.Popen[bytes]", stderr: IO[bytes]) -> None:
        self._process = process
        self._stderr = stderr
        self._summary: bytes | None = None

    def poll(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.poll()

    def fileno(self) -> int:
        """Its stdout, for `select`: readable when it is over and has its summary."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def send(self, wish: Wish) -> None:
        """A wish; silently too late when the load is over."""
        if self._process.stdin is None:
            return
        try:
            self._process.stdin.write(json.dumps(wish).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return  # it ended between two looks

    def trouble(self) -> str | None:
        """Why it ended before its time. None: it runs, or it is over as it should be."""
        status = self._process.poll()
        if not status:
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
                self._process.kill()
                out, _ = self._process.communicate()
            self._summary = out
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
) -> RunningLoad:
    """Starts a load; it ends when this process does. `paused`: wait for `{"pause": false}`."""
    need_client()
    if path is not None and not path.startswith("/"):
        raise GwtopError(f"the path {path!r} does not begin with /", f"try /{path}")
    config = Config(url, rate, n_requests, concurrency, path, paused)
    stderr = TemporaryFile()  # noqa: SIM115  # a screen may be on ours; closed with the handle
    process = subprocess.Popen(
        # Without -P the working directory could lend a root process its modules.
        [sys.executable, "-P", "-m", "gwtop.load", json.dumps(asdict(config))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=_environ(),
        start_new_session=True,  # Ctrl-C is for us; we end it and read its summary
    )
    return RunningLoad(process, stderr)


def _environ() -> dict[str, str]:
    """Ours, and the way to this very package, for the child does not look where it stands."""
    paths = [str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def need_client() -> None:
    """Raises when the HTTP client is not installed; imports nothing (aiohttp costs 200 ms)."""
    if importlib.util.find_spec("aiohttp") is None:
        raise GwtopError("the load needs aiohttp", "pip install 'gwtop[demos]'")


def main(argument: str) -> None:
    summary = asyncio.run(drive(Config(**json.loads(argument))))
    with suppress(BrokenPipeError):  # whoever started us is dead, which may be why we end
        os.write(sys.stdout.fileno(), json.dumps(summary).encode() + b"\n")


if __name__ == "__main__":
    main(sys.argv[1])
