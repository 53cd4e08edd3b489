"""Each demo answers what INTERFACE.md says that it answers, through each of its fronts.

The client is http.client, on a connection a request. What the ready line says is checked against
the machine: the pid is the root of the tree, the ports listen, the workers are as many as asked.
"""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from gwtop import demos
from tests.live._running import need_program
from tests.live._trees import descendants, listening_ports, port_of

pytestmark = pytest.mark.live

PROTOCOLS = {
    "cgi": "http",
    "fastcgi-flup": "fastcgi",
    "scgi-flup": "scgi",
    "uwsgi-gunicorn": "uwsgi",
    **dict.fromkeys(("gunicorn", "gunicorn-threads", "uwsgi-http"), "http"),
    **dict.fromkeys(("wsgiref", "tornado", "twisted", "waitress"), "http"),
}
ALONE = ("wsgiref", "tornado", "twisted", "waitress")
"""One process with no master, which the demo itself starts again."""
MODELS = {
    "cgi": "process-per-request",
    "ajp": "threaded",
    "gunicorn-threads": "threaded",
    **dict.fromkeys(ALONE, "single-process"),
}
FRONTS = [
    pytest.param((name, front), id=f"{name} behind {front}")
    for name, front in [
        ("cgi", "builtin"),
        ("fastcgi", "builtin"),
        ("fastcgi", "nginx"),
        ("uwsgi", "builtin"),
        ("uwsgi", "nginx"),
        ("scgi", "builtin"),
        ("scgi", "nginx"),
        ("ajp", "builtin"),
        ("fastcgi-flup", "builtin"),
        ("scgi-flup", "builtin"),
        ("scgi-flup", "nginx"),
        ("uwsgi-gunicorn", "builtin"),
        ("uwsgi-gunicorn", "nginx"),
        ("gunicorn", None),
        ("gunicorn", "nginx"),
        ("gunicorn-threads", None),
        ("uwsgi-http", None),
        ("tornado", None),
        ("twisted", None),
        ("waitress", None),
        ("wsgiref", None),
    ]
]


@dataclass
class Answer:
    status: int
    body: bytes
    pid: int | None
    headers: dict[str, str]


class Client:
    def __init__(self, demo: demos.RunningDemo) -> None:
        self.demo = demo
        self.host = demo.ready["url"].removeprefix("http://").rstrip("/")

    def ask(
        self,
        target: str,
        method: str = "GET",
        body: bytes | Iterator[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        with closing(http.client.HTTPConnection(self.host, timeout=30)) as connection:
            connection.request(method, target, body, headers or {})
            answer = connection.getresponse()
            got = {name.lower(): text for name, text in answer.getheaders()}
            pid = int(got["x-worker-pid"]) if "x-worker-pid" in got else None
            return Answer(answer.status, answer.read(), pid, got)


def need(name: str, front: str | None) -> None:
    info = demos.find(name)
    if info.missing:
        pytest.skip(f"needs {', '.join(info.missing)} ({info.install})")
    if front == "nginx":
        need_program("nginx", "nginx-light")


@pytest.fixture(params=FRONTS)
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    name, front = request.param
    need(name, front)
    demo = demos.start(name, front=front)
    yield Client(demo)
    demo.stop()
    assert demo.poll() == 0
    # A gateway may well complain of a client that left; the front must not.
    said = "\n".join(demo.stderr_tail())
    assert '_front.py", line' not in said, said


def test_the_ready_line_says_what_is_there(client: Client, request: pytest.FixtureRequest) -> None:
    ready, (_, front) = client.demo.ready, request.node.callspec.params["client"]
    name = ready["name"]
    assert ready["protocol"] == PROTOCOLS.get(name, name)
    assert ready["process_model"] == MODELS.get(name, "worker-pool")
    assert {port_of(ready["url"]), port_of(ready["listen"])} <= listening_ports()
    below = descendants(ready["pid"])
    assert (ready["front"] is None) if front is None else (ready["front"] in below)
    told = Path(f"/proc/{ready['pid']}/cmdline").read_bytes()
    assert f"demo_{name}.py".encode() in told


def test_forty_mixed_requests_are_answered_by_the_tree(client: Client) -> None:
    tree = set(descendants(client.demo.ready["pid"]))
    body = bytes(range(256)) * 40
    for i in range(10):
        answers = [
            (client.ask(f"/?n={i}"), None),
            (client.ask("/slow?ms=2"), b"slow\n"),
            (client.ask(f"/big?bytes={i * 7919}"), b"x" * (i * 7919)),
            (client.ask("/echo", "POST", body * i), body * i),
        ]
        for answer, wanted in answers:
            assert answer.status == 200
            assert wanted is None or answer.body == wanted
            assert answer.headers["content-length"] == str(len(answer.body))
            if client.demo.ready["name"] != "cgi":
                assert answer.pid in tree
    assert f"process {answers[0][0].pid}\n".encode() in answers[0][0].body


def test_every_cgi_request_has_a_process_of_its_own() -> None:
    demo = demos.start("cgi")
    client = Client(demo)
    pids = [client.ask("/").pid for _ in range(10)]
    demo.stop()
    assert len(set(pids)) == 10


def test_ten_megabytes_go_both_ways(client: Client) -> None:
    body = b"0123456789" * 1_000_000
    assert client.ask("/echo", "POST", body).body == body
    assert len(client.ask("/big?bytes=10000000").body) == 10_000_000


def test_thirty_kilobytes_of_headers_pass(client: Client) -> None:
    headers = {f"X-Long-{i}": "y" * 6000 for i in range(5)}
    assert client.ask("/", headers=headers).status == 200


def test_head_and_304_have_no_body_and_a_stream_has_no_length(client: Client) -> None:
    head = client.ask("/big?bytes=5000", "HEAD")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "5000")
    assert client.ask("/status?code=304").body == b""
    stream = client.ask("/stream?bytes=100000")
    assert len(stream.body) == 100_000
    # Tornado's container waits for the whole answer, and then knows its length.
    assert ("content-length" in stream.headers) == (client.demo.ready["name"] == "tornado")


# WSGI has no word for a body of unknown length (PEP 3333): a front must read it first.
@pytest.mark.parametrize("client", [p for p in FRONTS if p.values[0][1]], indirect=True)
def test_a_chunked_request_arrives_whole(client: Client) -> None:
    answer = client.ask("/echo", "POST", iter([b"one ", b"two ", b"x" * 70_000]))
    assert answer.body == b"one two " + b"x" * 70_000


def test_an_error_is_a_500_and_a_line_on_stderr(client: Client) -> None:
    answer = client.ask("/error")
    assert (answer.status, answer.body) == (500, b"error\n")
    client.demo.stop()
    assert f"demo: /error was asked of process {answer.pid}" in client.demo.stderr_tail()


def test_a_crash_is_not_answered_and_the_next_request_is(client: Client) -> None:
    before = client.ask("/").pid
    for _ in range(2):
        if client.demo.ready["front"] is None:
            with pytest.raises(http.client.RemoteDisconnected):
                client.ask("/crash")
        else:
            crashed = client.ask("/crash")
            assert (crashed.status, crashed.pid) == (502, None)
        after = client.ask("/")
        assert after.status == 200
    if client.demo.ready["name"] in (*ALONE, "ajp", "gunicorn-threads"):
        assert after.pid != before
    assert client.demo.poll() is None


def test_a_client_that_leaves_harms_nobody(client: Client) -> None:
    for request in (
        b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nonly this",
        b"GET /big?bytes=50000000 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HT",
    ):
        with closing(http.client.HTTPConnection(client.host, timeout=30)) as connection:
            connection.connect()
            connection.sock.sendall(request)
    assert client.ask("/").status == 200


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("name", ["fastcgi", "uwsgi", "scgi"])
def test_a_pool_has_as_many_workers_as_were_asked_for(name: str, workers: int) -> None:
    need(name, None)
    demo = demos.start(name, workers=workers)
    below = descendants(demo.ready["pid"])
    demo.stop()
    assert len(below) == workers + 2  # the master and the front


def test_a_missing_nginx_is_one_line_with_the_command(tmp_path: Path) -> None:
    need("fastcgi", None)
    program = demos.find("fastcgi").program
    code = (
        "import runpy, shutil, sys; shutil.which = lambda *_, **__: None\n"
        f"sys.path.insert(0, {str(program.parent)!r}); sys.argv = ['x', '--front', 'nginx']\n"
        f"runpy.run_path({str(program)!r}, run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "demo fastcgi: nginx is not installed; apt install nginx\n"


def test_a_demo_ends_with_its_stdin_even_before_it_is_ready() -> None:
    program = demos.find("cgi").program
    done = subprocess.run(
        [sys.executable, program, "--until-eof"], input=b"", capture_output=True, timeout=20
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_ready_line_is_one_line_and_nothing_follows_it() -> None:
    program = demos.find("cgi").program
    process = subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        ready = json.loads(process.stdout.readline())
        process.terminate()
        assert process.stdout.read() == b""
    assert process.wait() == 0
    assert list(ready) == [
        "name",
        "protocol",
        "process_model",
        "url",
        "listen",
        "front",
        "pid",
        "explain",
    ]
