"""The sender: requests at a rate, until they are sent or nobody wants them any more.

In: a `Config`; then, as JSON lines on stdin, wishes: `{"rate": 20}`, `{"concurrency": 4}`,
`{"path": "/big"}`, `{"send": "/error"}`, `{"pause": true}`, in any mixture. Out: one JSON line at
its end, a `Summary`; if it is driven by a person, a `State` whenever that changes, too. It refuses
to know what answers.

The load is open: requests leave at `rate`, whether or not the former ones are answered, up to
`concurrency` in flight; a slow worker therefore shows as a queue, not as a slower client.
Connections are kept open as a browser keeps them, one for each request in flight.
"""

import asyncio
import json
import os
import random
import signal
import sys
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gwtop import clock
from gwtop.load import Config, Summary, Wish
from gwtop.nouns.driving import State

if TYPE_CHECKING:
    from aiohttp import ClientSession

SEED = 20_261
MAX_ASKED_IN_FLIGHT = 64  # requests of `send`, beside the load's own
MAX_TIMED = 20_000  # durations of so many answers, the newest; 8 bytes each and more in JSON
CATCH_UP_S = 1.0  # what a load that was held up makes good at most
REQUEST_DEADLINE_S = 120.0  # /slow may take a minute
TELL_S = 1.0
MAX_RATE, MAX_CONCURRENCY = 1e6, 1024


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


def wish_of(line: bytes) -> Wish:
    """Raises ValueError for what is none."""
    wish = json.loads(line)
    if not isinstance(wish, dict) or not wish or wish.keys() - Wish.__annotations__.keys():
        raise ValueError("an object of rate, concurrency, path, send, pause is")
    rate, crowd = wish.get("rate", 1), wish.get("concurrency", 1)
    if not _is_number(rate) or not 0 <= rate <= MAX_RATE:
        raise ValueError("the rate is a number of requests per second; 0: as fast as it goes")
    if type(crowd) is not int or not 1 <= crowd <= MAX_CONCURRENCY:
        raise ValueError(f"the concurrency is from 1 to {MAX_CONCURRENCY}")
    for path in (wish.get("path") or "/", wish.get("send", "/")):
        if not isinstance(path, str) or not path.startswith("/"):
            raise ValueError("a path begins with /")
    if not isinstance(wish.get("pause", False), bool):
        raise ValueError("pause is true or false")
    return Wish(**wish)  # type: ignore[typeddict-item]  # its keys and values were just looked at


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


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
        self._n_bad = 0
        self._mix = Mix()
        self._changed = asyncio.Event()
        self._flying: set[asyncio.Task[None]] = set()
        self._asked: set[asyncio.Task[None]] = set()
        self._n_sent = 0
        self._took_ns: deque[int] = deque(maxlen=MAX_TIMED)
        self._span_ns: tuple[int, int] | None = None  # the first start and the last answer
        self._statuses: Counter[int] = Counter()
        self._failures: Counter[str] = Counter()

    def take(self, line: bytes) -> None:
        """A line of stdin; one that is no wish is noted, and nothing else comes of it."""
        try:
            self.wish(wish_of(line))
        except (ValueError, RecursionError) as why:
            self._n_bad += 1
            sys.stderr.write(f"not a wish: {why}\n")
        self.tell()

    def wish(self, wish: Wish) -> None:
        config = self._config
        self._config = replace(
            config,
            rate=wish.get("rate", config.rate),
            concurrency=wish.get("concurrency", config.concurrency),
            path=wish.get("path", config.path),
            paused=wish.get("pause", config.paused),
        )
        if "send" in wish and len(self._asked) < MAX_ASKED_IN_FLIGHT:
            self._launch(shot(wish["send"]), self._asked)
        self._changed.set()

    def state(self) -> State:
        config, n_failed = self._config, self._failures.total()
        n_answered = self._statuses.total()
        return State(
            rate=config.rate,
            concurrency=config.concurrency,
            path=config.path,
            paused=config.paused,
            sent=self._n_sent,
            answered=n_answered,
            failed=n_failed,
            in_flight=self._n_sent - n_answered - n_failed,
            bad_wishes=self._n_bad,
        )

    def tell(self) -> None:
        """Says how it goes, if anybody wants to know; a reader who is behind misses a line."""
        if self._config.driven:
            with suppress(BlockingIOError, BrokenPipeError):
                os.write(sys.stdout.fileno(), json.dumps(self.state()).encode() + b"\n")

    async def tell_on(self) -> None:
        """Each second in which anything has changed; does not return."""
        told: State | None = None
        while True:
            if told != self.state():
                told = self.state()
                self.tell()
            await asyncio.sleep(TELL_S)

    async def run(self) -> None:
        """Until `n_requests` are sent and answered."""
        now = asyncio.get_running_loop().time
        due, n_left = now(), self._config.n_requests
        while n_left is None or n_left > 0:
            config = self._config
            if config.paused or len(self._flying) >= config.concurrency:
                await self._something(None)
            elif config.rate and due > now():
                await self._something(due - now())
            else:
                due = max(due, now() - CATCH_UP_S) + (1 / config.rate if config.rate else 0)
                n_left = None if n_left is None else n_left - 1
                self._launch(shot(config.path) if config.path else self._mix.next(), self._flying)
                if n_left == 0 and config.driven:
                    n_left, self._config = None, replace(config, paused=True)
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
        except (ClientError, OSError, TimeoutError, ValueError) as why:
            # A worker died, a server restarts; the client sends no path with a NUL (ValueError).
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
            *([asyncio.create_task(load.tell_on())] if config.driven else []),
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
    while True:
        try:
            line = await reader.readline()
        except ValueError:  # no end of line within 64 KiB; the reader has thrown it away
            line = b"(a line without an end)"
        if not line:
            return
        load.take(line)


def main(argument: str) -> None:
    """The process: `python -m gwtop.load CONFIG`."""
    config = Config(**json.loads(argument))
    os.set_blocking(sys.stdout.fileno(), not config.driven)
    summary = asyncio.run(drive(config))
    os.set_blocking(sys.stdout.fileno(), True)
    with suppress(BrokenPipeError):  # whoever started us is dead, which may be why we end
        os.write(sys.stdout.fileno(), json.dumps(summary).encode() + b"\n")
