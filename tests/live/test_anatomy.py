"""A wish for a process, granted by a real engine that watches a real server.

In: `gwtop attach --json` with wishes on its stdin. Out: a `process_detail` of the server's process,
and none of a process outside the tree.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

pytestmark = pytest.mark.live
SERVER = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *words): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


@pytest.fixture
def server() -> Iterator[tuple[int, int]]:
    environ = {**os.environ, "APP_TOKEN": "hunter2", "APP_MODE": "shop"}
    made = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, env=environ)
    assert made.stdout is not None
    yield made.pid, int(made.stdout.readline())
    made.kill()
    made.wait()
    made.stdout.close()


def told(engine: "subprocess.Popen[bytes]", kind: str) -> dict[str, object]:
    assert engine.stdout is not None
    for line in engine.stdout:
        fact: dict[str, object] = json.loads(line)
        if fact["type"] == kind:
            return fact
    raise AssertionError(f"no {kind} was told")


def test_a_process_of_the_tree_is_told_in_full(server: tuple[int, int]) -> None:
    import http.client

    pid, port = server
    command = [sys.executable, "-m", "gwtop", "attach", "--port", str(port), "--json"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as engine:
        assert engine.stdin is not None
        told(engine, "hello")
        client = http.client.HTTPConnection("127.0.0.1", port)
        client.request("GET", "/")
        client.getresponse().read()
        request = told(engine, "request")
        engine.stdin.write(b'{"wish":"process","pid":%d}\n' % pid)
        engine.stdin.write(b'{"wish":"process","pid":%d}\n' % os.getpid())
        engine.stdin.flush()
        ours, other = told(engine, "process_detail"), told(engine, "process_detail")
        client.close()
        engine.terminate()
    assert ours["pid"] == pid and ours["language"] == "python" and ours["start_ticks"]
    assert ["APP_TOKEN", "[redacted]"] in ours["environ"]  # type: ignore[operator]
    assert ["APP_MODE", "shop"] in ours["environ"]  # type: ignore[operator]
    assert len(ours["threads"]) == 2, "the one that serves this connection, too"  # type: ignore[arg-type]
    sockets = {held["state"]: held for held in ours["sockets"]}  # type: ignore[attr-defined]
    assert sockets["listening"]["local"] == f"127.0.0.1:{port}"
    assert sockets["established"]["connection"] == request["connection"]
    assert sockets["established"]["remote"] == request["client"]
    assert (other["pid"], other["state"], other["environ"]) == (os.getpid(), None, None)
