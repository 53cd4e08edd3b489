"""Real servers on unix sockets for live tests: php-fpm and uWSGI, and nginx's way to them.

In: a folder, how many workers. Out: the socket's path. They run as root, because pytest's folders
are closed to anybody else.
"""

import os
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live._php import PAGE, need_fpm
from tests.live._running import DEMOS, Fact, need_uwsgi, of_type

SO_ACCEPTCON = 0x10000  # linux/net.h, in the Flags of /proc/net/unix


def listens(path: Path) -> bool:
    lines = (line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:])
    return any(
        len(words) == 8 and words[7] == str(path) and int(words[3], 16) & SO_ACCEPTCON
        for words in lines
    )


@contextmanager
def unix_server(command: Sequence[str], path: Path) -> Iterator[int]:
    """A server in the foreground; its pid. No connection is spent on waiting for it."""
    with (path.parent / "unix.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, process_group=0
        )
        late = threading.Event()
        timer = threading.Timer(20.0, late.set)
        timer.start()
        try:
            while not listens(path):
                assert process.poll() is None, (path.parent / "unix.log").read_text()
                if late.wait(0.02):
                    pytest.fail(f"nothing listens on {path}")
            yield process.pid
        finally:
            timer.cancel()
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@contextmanager
def unix_pool(folder: Path, n_workers: int) -> Iterator[tuple[Path, str]]:
    """php-fpm: its socket, and nginx's location for it."""
    path, page, conf = folder / "fpm.sock", folder / "page.php", folder / "fpm.conf"
    page.write_text(PAGE)
    conf.write_text(
        f"[global]\nerror_log = {folder}/fpm.log\ndaemonize = no\n"
        f"[www]\nuser = root\nlisten = {path}\nlisten.backlog = 64\n"
        f"pm = static\npm.max_children = {n_workers}\n"
    )
    with unix_server([need_fpm(), "-F", "-R", "-y", str(conf)], path):
        yield (
            path,
            "include /etc/nginx/fastcgi_params; "
            f"fastcgi_param SCRIPT_FILENAME {page}; fastcgi_pass unix:{path};",
        )


@contextmanager
def unix_uwsgi(folder: Path, n_workers: int) -> Iterator[tuple[Path, str]]:
    """uWSGI with the demos' application: its socket, and nginx's location for it."""
    path = folder / "uwsgi.sock"
    command = [
        *need_uwsgi(),
        *("--master", "--die-on-term", "--need-app", "--disable-logging"),
        *("--processes", str(n_workers), "--buffer-size", "65535"),
        *("--uwsgi-socket", str(path), "--chmod-socket=666"),
        *("--wsgi-file", str(DEMOS / "_application.py"), "--pythonpath", str(DEMOS)),
    ]
    with unix_server(command, path):
        yield path, f"include /etc/nginx/uwsgi_params; uwsgi_pass unix:{path};"


def told_of(facts: Sequence[Fact]) -> Counter[int]:
    """How many connections each process took, by the last that was told of it."""
    last = {f["pid"]: f["unix"] for f in of_type(facts, "process_sample") if "unix" in f}
    return Counter({pid: told["connections"] for pid, told in last.items()})
