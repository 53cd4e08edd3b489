"""gwtop comes while the load is already there: what began after its hello lacks nothing."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live._running import nginx, of_type, running, uwsgi
from tests.live.test_evidence import TO_UWSGI, ask, need_tracefs, witness

pytestmark = pytest.mark.live
N_AFTER = 100


def test_what_began_after_hello_has_its_worker_though_the_load_was_there_before(
    tmp_path: Path,
) -> None:
    need_tracefs()
    with (
        uwsgi(tmp_path, "uwsgi", "127.0.0.1", 4) as (back, _),
        nginx(tmp_path, TO_UWSGI.format(back)) as (front, _),
        asking(front, 2),
        running("attach", "--port", str(back), "--json", "--details") as gwtop,
    ):
        gwtop.await_type("hello")
        for n in range(N_AFTER):
            ask(front, f"/?after={n}")
        gwtop.await_fact(lambda f: "after" in f.get("target", ""), 60)
        assert gwtop.interrupt() == 130
    requests = [r for r in of_type(gwtop.facts, "request") if r["outcome"] == "done"]
    fresh = [r for r in requests if r["began_at"] >= gwtop.facts[0]["at"]]
    assert sum("after" in r["target"] for r in fresh) >= 1, "the engine may be behind"
    assert {r["evidence"] for r in fresh} == {"kernel"}
    assert all(str(r["pid"]) == witness(r) for r in fresh)


@contextmanager
def asking(port: int, n: int) -> Iterator[None]:
    """As many clients, each with one request after the other, until the end of the block."""
    over = threading.Event()

    def go_on() -> None:
        while not over.is_set():
            ask(port)

    clients = [threading.Thread(target=go_on) for _ in range(n)]
    for client in clients:
        client.start()
    try:
        yield
    finally:
        over.set()
        for client in clients:
            client.join()
