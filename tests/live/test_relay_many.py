"""Ten thousand connections through a relay, all open before one is answered."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live._running import free_port, need_program, of_type, running
from tests.live._unix import short_folder

pytestmark = pytest.mark.live
MANY = Path(__file__).with_name("_many.py")
N_AT_ONCE = 10_500
"""More than one process with the usual hard limit of 20,000 descriptors could relay."""


def many(role: str, where: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(MANY), role, where, str(N_AT_ONCE)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def need_descriptors(n: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < n:
        pytest.skip(f"needs a client and a server with {n} descriptors each (ulimit -Hn: {hard})")


@pytest.mark.parametrize("limit", [None, 4096], ids=["our limit", "4096 descriptors"])
@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_ten_thousand_connections_are_open_at_once_and_each_gets_its_answer(
    kind: str, limit: int | None
) -> None:
    """All are open, and have asked, before any is answered; nobody waits for another's end."""
    need_descriptors(N_AT_ONCE + 100)
    prefix = [] if limit is None else [need_program("prlimit", "util-linux"), f"--nofile={limit}"]
    with short_folder() as folder:
        if kind == "unix":
            server_at = client_at = route = f"unix:{folder}/many.sock"
        else:
            to, listen = free_port(), free_port()
            server_at, client_at = f"127.0.0.1:{to}", f"127.0.0.1:{listen}"
            route = f"{listen}:{to}"
        server = many("serve", server_at)
        assert server.stdout is not None
        assert server.stdout.readline() == "listening\n"
        with server, running("tap", route, "--json", prefix=prefix) as gwtop:
            gwtop.await_type("hello")
            with many("ask", client_at) as client:
                answered, _ = client.communicate(timeout=60)
            served, _ = server.communicate(timeout=10)
            gwtop.interrupt()
    assert json.loads(served) == {"at_once": N_AT_ONCE, "different": N_AT_ONCE}
    assert json.loads(answered) == {"right": N_AT_ONCE, "wrong": 0}
    (summary,) = of_type(gwtop.facts, "summary")
    assert summary["connections"] == N_AT_ONCE
    assert summary["missed"]["requests"] == 0
    assert "relay-full" not in {note["code"] for note in of_type(gwtop.facts, "note")}
