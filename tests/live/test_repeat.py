"""Requests that real fronts passed to real servers, repeated by the lines that gwtop gives.

The witnesses are the servers: what a line prints is compared with what the front's client got, and
what the application wrote down of the second request with what it wrote down of the first.
"""

import http.client
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from gwtop import journal
from gwtop.nouns.facts import Request
from gwtop.outputs.repeat import lines_of
from tests.live._backs import BACKS, HOST
from tests.live._fronts import FRONTS
from tests.live._running import Running, need_root

pytestmark = pytest.mark.live

PAIRS = [
    ("nginx", "uwsgi/uwsgi"),
    ("nginx", "uwsgi/fastcgi"),
    ("nginx", "uwsgi/scgi"),
    ("nginx", "php-fpm/fastcgi"),
    ("nginx", "gunicorn/uwsgi"),
    ("nginx", "gunicorn/http"),
    ("apache", "flup/scgi"),
    ("apache", "flup/fastcgi"),
    ("apache", "flup/ajp"),
    ("apache", "tomcat/ajp"),
]
BODY = bytes(range(1, 128)) * 300 + "späß 'x' $(id)".encode()  # more than three AJP packets
HEADERS = {"X-Probe": "one", "X-Odd": 'it\'s "$(id)" `id` \\ %s', "Cookie": "a=secret"}


def asked(port: int) -> bytes:
    connection = http.client.HTTPConnection(HOST, port, timeout=20)
    connection.request("POST", "/echo?x=1&y=%20", BODY, {**HEADERS, "Content-Type": "text/plain"})
    answer = connection.getresponse()
    told = answer.read()
    assert answer.status == 200
    connection.close()
    return told


def written(log: Path, event: str) -> list[dict[str, object]]:
    """What the application told of its requests, without what differs for each."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [
        {key: value for key, value in line.items() if key not in ("pid", "thread", "at")}
        for line in lines
        if line.get("event") == event
    ]


@pytest.mark.parametrize(("front", "back"), PAIRS, ids=lambda name: name.replace("/", "-"))
def test_a_repeated_request_gets_the_same_answer(front: str, back: str, tmp_path: Path) -> None:
    need_root()
    folder, log = tmp_path, tmp_path / "app.log"
    folder.chmod(0o755)
    log.touch()
    log.chmod(0o666)
    name, _, protocol = back.partition("/")
    with BACKS[back](folder, log) as behind, FRONTS[front](folder, behind, protocol, name) as port:
        options = ["--json", "--details", "--bodies", "100000", "--show-secrets"]
        running = Running("attach", "--port", str(behind), *options)
        try:
            running.await_type("hello")
            first = asked(port)
            fact = running.await_fact(lambda f: f["type"] == "request" and f["method"] == "POST")
        finally:
            running.kill()
        told = journal.decode(json.dumps(fact).encode())
        assert isinstance(told, Request)
        lines = lines_of(told)
        assert lines
        for line in lines:
            if shutil.which(line.tool) is None:
                print(f"{line.tool} is not installed (apt-get install libfcgi-bin)")
                continue
            done = subprocess.run(["sh"], input=line.text.encode("ascii"), capture_output=True)
            assert done.returncode == 0, done.stderr
            assert first == BODY
            assert BODY in done.stdout, (line.tool, done.stdout[:300], done.stderr)
        begun = written(log, "begin")
        assert len(begun) > 1
        assert all(one == begun[0] for one in begun), begun
