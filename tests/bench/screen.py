"""The screen under load: CPU, time from a key to its paint, first paint, memory. Prints figures.

    python tests/bench/screen.py [seconds]

A child is the viewer, on a pseudo-terminal of 160x50, fed through a pipe as an engine would: 5,000
requests a second with ticks and samples, then a tick a second. A key switches the view; it is
answered when the line at the foot that names the views has been painted anew. Memory is that of
another child that is told 1,000,000 requests. What is printed stands in the closing notes, not in
a test: a loaded machine measures itself.
"""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path
from time import monotonic

from gwtop.nouns.times import MILLISECOND_NS as MS
from gwtop.nouns.times import SECOND_NS as S
from gwtop.nouns.times import instant

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from gwtop.journal import encode  # noqa: E402
from tests.screens._facts import T0, hello, request, sample, seen, tick  # noqa: E402

RATE = 5_000
TURNS_PER_S = 50
WORKERS = range(1207, 1215)
VIEWER = """
import sys, os
import textual.app, textual.widget, textual.screen, textual.containers
from gwtop.tui import run_screen
os.write(int(sys.argv[2]), b"imported\\n")
run_screen(int(sys.argv[1]), title="bench")
"""
MEMORY = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from tests.bench.screen import Endless, memory_of
asyncio.run(memory_of(int(sys.argv[2])))
"""
RATES = re.compile(rb"[0-9.]+k?/s")
TICKS_HZ = os.sysconf("SC_CLK_TCK")


def first_lines() -> bytes:
    facts = [hello(), seen(1203, 1, "master", "uwsgi")]
    facts += [seen(pid, 1203, "worker", "uwsgi") for pid in WORKERS]
    return b"".join(encode(fact) + b"\n" for fact in facts)


def template() -> tuple[bytes, ...]:
    """A request's line in pieces: its id, its instants and its pid are set in between."""
    line = encode(request(777_777, 5 * S + MS, pid=888_888, evidence="kernel", queue_ns=MS))
    for marked in (b"777777", instant(5 * S + MS).encode(), b"888888"):
        line = line.replace(marked, b"\0")
    return tuple(line.split(b"\0"))


class Lines:
    """Requests of one instant after the other."""

    def __init__(self) -> None:
        self.n = 0
        self._pieces = template()
        self._places = encode(request(777_777, 5 * S + MS, pid=888_888, evidence="kernel"))

    def request(self, at: int) -> bytes:
        self.n += 1
        n, pid = self.n, WORKERS[self.n % len(WORKERS)]
        took = (1 + n % 40) * MS // 8
        status = {"status": 500} if n % 97 == 0 else {}
        if n % 97 and n > 1_000:
            return self._quick(n, at, pid)
        fact = request(n, at, duration_ns=took, pid=pid, evidence="kernel", **status)
        return encode(fact) + b"\n"

    def _quick(self, n: int, at: int, pid: int) -> bytes:
        """Encoding 5,000 facts a second would take a core that the viewer needs."""
        text = b'{"type":"request","id":%d,"connection":%d,"stream":0,"sequence":0,"at":"%s",'
        head = text % (n, n, instant(at).encode())
        tail = self._places[self._places.index(b'"began_at"') :]
        tail = tail.replace(b"888888", b"%d" % pid)
        return head + tail + b"\n"


def feed(write_end: int, stop: threading.Event, rate: int) -> None:
    """Lines at their instants, until told to stop; the pipe's other end may be slow."""
    lines, began = Lines(), monotonic()
    os.write(write_end, first_lines())
    turn = 0
    while not stop.wait(max(0.0, began + turn / TURNS_PER_S - monotonic())):
        at = T0 + turn * S // TURNS_PER_S
        n = rate // TURNS_PER_S
        out = [lines.request(at + i * S // TURNS_PER_S // max(1, n)) for i in range(n)]
        if turn % (TURNS_PER_S if rate == 0 else TURNS_PER_S // 4) == 0:
            out.append(encode(tick(at, lines.n, busy=4, idle=4)) + b"\n")
        if turn % TURNS_PER_S == 0:
            out += [encode(sample(at, pid)) + b"\n" for pid in WORKERS]
        data = b"".join(out)
        while data and not stop.is_set():
            data = data[os.write(write_end, data[:65536]) :]
        turn += 1
    os.close(write_end)


class Viewer:
    def __init__(self, rate: int) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
        read_end, write_end = os.pipe()
        told, tell = os.pipe()
        environ = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
        environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed gwtop is compiled
        command = [sys.executable, "-c", VIEWER, str(read_end), str(tell)]
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            pass_fds=(read_end, tell),
            env=environ,
            start_new_session=True,
        )
        for end in (slave, read_end, tell):
            os.close(end)
        self.rate = b""
        """The last rate that it showed."""
        self.stop = threading.Event()
        self._feeder = threading.Thread(target=feed, args=(write_end, self.stop, rate))
        self._feeder.start()
        os.read(told, 100)
        imported, self._imported_cpu_s = monotonic(), self.cpu_s()
        self.wait_for(b"lifelines")
        self.first_paint_ms = (monotonic() - imported) * 1e3
        self.first_paint_cpu_ms = (self.cpu_s() - self._imported_cpu_s) * 1e3

    def wait_for(self, words: bytes, seconds: float = 10.0) -> bool:
        """Reads what is painted until these words, or for so long."""
        until, kept = monotonic() + seconds, b""
        while (left := until - monotonic()) > 0:
            if select.select([self.master], [], [], left)[0]:
                try:
                    painted = os.read(self.master, 1 << 16)
                except OSError:  # EIO: the viewer has ended
                    return False
                self.rate = (RATES.findall(painted) or [self.rate])[-1]
                kept = kept[-len(words) :] + painted
                if words in kept:
                    return True
        return False

    def watch(self, seconds: float) -> float:
        """The share of a core that it used meanwhile."""
        before, began = self.cpu_s(), monotonic()
        self.wait_for(b"\0no such words", seconds)
        return (self.cpu_s() - before) / (monotonic() - began)

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_HZ

    def keys_ms(self, n: int) -> list[float]:
        """Each key goes to another view; its answer is the foot that names them all."""
        took = []
        for i in range(n):
            self.wait_for(b"\0", 0.05 + i % 7 / 50)
            began = monotonic()
            os.write(self.master, b"2" if i % 2 else b"1")
            if self.wait_for(b"Connections", 5.0):
                took.append((monotonic() - began) * 1e3)
        return sorted(took)

    def rss_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def end(self) -> None:
        os.write(self.master, b"q")
        self.stop.set()
        self._feeder.join()
        self.wait_for(b"\0", 1.0)
        self.process.terminate()
        self.process.wait()
        os.close(self.master)


class Endless:
    """An intake that always has lines, up to a number."""

    n_dropped, ended, last_words = 0, False, None

    def __init__(self, n: int) -> None:
        self._lines, self._left = Lines(), n
        self._first = first_lines().splitlines()

    @property
    def n_waiting(self) -> int:
        return self._left

    def start(self) -> None:
        """Nothing to open."""

    def take(self, n_lines: int) -> list[bytes]:
        taken, self._first = self._first, []
        n = min(n_lines, self._left)
        self._left -= n
        return taken + [self._lines.request(T0 + self._lines.n * S // RATE) for _ in range(n)]


async def memory_of(n: int) -> None:
    """Runs in a child of its own: tells a screen so many requests, and says what it then holds."""
    from gwtop.tui.app import Screen

    app = Screen(Endless(n))  # type: ignore[arg-type]
    async with app.run_test(size=(160, 50)) as pilot:
        while app.intake.n_waiting:
            app.feed.next_slice()
        app.catch_up()
        await pilot.pause()
        status = Path("/proc/self/status").read_text()
        kept = len(app.model.requests.view())
        mb = int(status.partition("VmHWM:")[2].split()[0]) / 1024
        print(f"{mb:.0f} MB at most, {kept:,} of {app.model.requests.n_told:,} scrollable")


def main(seconds: float) -> None:
    busy = Viewer(RATE)
    first, cpu = busy.first_paint_ms, busy.first_paint_cpu_ms
    print(f"first paint       {first:6.0f} ms after textual's import, {cpu:.0f} ms of CPU (150)")
    busy.watch(3.0)
    share = busy.watch(seconds)
    shown = busy.rate.decode()
    print(f"{RATE:,} requests/s  {share * 100:6.1f} % of a core, {shown} shown (30)")
    took = busy.keys_ms(60)
    p50, p95 = took[len(took) // 2], took[len(took) * 95 // 100]
    print(f"key to paint      {p50:6.0f} ms p50, {p95:.0f} ms p95, {took[-1]:.0f} ms most (100)")
    print(f"memory meanwhile  {busy.rss_mb():6.0f} MB")
    busy.end()
    idle = Viewer(0)
    idle.watch(3.0)
    print(f"idle gateway      {idle.watch(seconds) * 100:6.1f} % of a core (3)")
    idle.end()
    command = [sys.executable, "-c", MEMORY, str(ROOT), "1000000"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    print(f"1,000,000 requests  {told.strip()} (200 MB)")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 15.0)
