"""Calls by their lengths alone: who is busy, how much went, and bytes when they are wished for.
Against real servers; needs root."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.live._running import Fact, of_type, running
from tests.live._unix import (
    GATEWAYS,
    N_WORKERS,
    behind_nginx,
    drive,
    short_folder,
    sort,
    told,
)
from tests.live._unix_servers import told_of
from tests.live.test_calls import ask_all, watching
from tests.live.test_evidence import need_tracefs

pytestmark = pytest.mark.live


@contextmanager
def wishing(folder: Path) -> Iterator[tuple[Callable[[int], None], tuple[str, ...]]]:
    """How to wish for so many bytes, and a command line that has us wish."""
    pipe = folder / "wishes"
    os.mkfifo(pipe)
    descriptor = os.open(pipe, os.O_RDWR)
    try:
        yield (
            lambda n: bool(os.write(descriptor, b'{"wish":"copy","bytes":%d}\n' % n)) and None,
            ("sh", "-c", 'exec "$@" <"$0"', str(pipe)),
        )
    finally:
        os.close(descriptor)


def test_lengths_only_tells_the_work_and_no_request_until_bytes_are_wished_for() -> None:
    arguments = ("--json", "--copy", "0")
    with (
        short_folder() as folder,
        GATEWAYS["uwsgi"](folder) as (path, lines),
        behind_nginx(folder, path, lines, keeps=False) as port,
        wishing(folder) as (wish, prefix),
        running("attach", "--socket", str(path), *arguments, prefix=prefix) as gwtop,
    ):
        need_tracefs()
        gwtop.await_type("hello")
        rows = drive(port, 40)
        gwtop.await_fact(lambda f: f["type"] == "process_sample" and "unix" in f)
        gwtop.await_fact(_tick_of_copy(0))
        gwtop.await_fact(_tick_of_copy(0))
        assert not of_type(gwtop.facts, "request")
        assert told_of(gwtop.facts).total() == len(rows)
        wish(12288)
        gwtop.await_fact(_tick_of_copy(12288))
        rows, requests = ask_all(gwtop, port, 40)
        assert sort(told(requests)) == rows
        wish(0)
        gwtop.await_fact(_tick_of_copy(0))
        drive(port, 8)
        gwtop.await_fact(_tick_of_copy(0))
        gwtop.interrupt()
    assert len(of_type(gwtop.facts, "request")) == 40


def test_a_kept_connection_that_waits_for_more_keeps_nobody_busy() -> None:
    """By lengths alone: the worker sleeps in its read, which is no call that is over."""
    with (
        short_folder() as folder,
        GATEWAYS["fpm"](folder) as (path, lines),
        behind_nginx(folder, path, lines, keeps=True) as port,
        watching(path, "--copy", "0") as gwtop,
    ):
        rows = drive(port, 12)
        gwtop.await_fact(lambda f: f["type"] == "process_sample" and "unix" in f)
        idle = gwtop.await_fact(lambda f: f["type"] == "tick" and f["busy"] == 0)
        assert (idle["idle"], idle["in_flight"]) == (N_WORKERS, [])
        slow = threading.Thread(target=urlopen, args=[f"http://127.0.0.1:{port}/slow?ms=2500"])
        slow.start()
        busy = gwtop.await_fact(lambda f: f["type"] == "tick" and f["busy"] == 1)
        slow.join()
        gwtop.await_fact(lambda f: f["type"] == "tick" and f["busy"] == 0)
        gwtop.interrupt()
    assert [flight["pid"] in {row.pid for row in rows} for flight in busy["in_flight"]] == [True]


def _tick_of_copy(n_bytes: int) -> Callable[[Fact], bool]:
    return lambda f: bool(f["type"] == "tick" and f.get("calls", {}).get("copy_bytes") == n_bytes)
