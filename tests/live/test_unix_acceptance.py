"""Unix sockets as a hostile stranger tries them: odd requests, clients that leave, kills at any
moment, secrets on other descriptors, rights in the wrong hands. Real servers that give up root."""

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gwtop.taps import privilege
from tests.live._php import need_fpm
from tests.live._running import (
    DEMOS,
    Fact,
    Running,
    gwtop_command,
    need_program,
    need_root,
    need_uwsgi,
    of_type,
    running,
)
from tests.live._terminal import terminal
from tests.live._trees import children
from tests.live._unix import GATEWAYS, behind_nginx, on_socket, short_folder
from tests.live.test_calls import left_of
from tests.live.test_evidence import need_tracefs

pytestmark = pytest.mark.live
NOBODY = 65534
N_ASKS = 80
N_THREADS = 4
LEAVES_AFTER_S = 0.1
GONE_S = 2.0


@dataclass(frozen=True)
class Ask:
    number: int
    method: str
    target: bytes
    body: bytes = b""
    chunked: bool = False
    leaves: bool = False
    """Before the answer."""


@dataclass(frozen=True)
class Row:
    number: int
    method: str
    target: str
    status: int | None
    request_body_bytes: int
    response_body_bytes: int
    pid: int | None


ODD = [
    b"%00%ff",
    b"\xe9\xff",
    b"q='\"<>",
    b"x[]=1&{}|^`",
    b"%1b[31m",
    b"\xc3\xa9;k=v",
    b"\\",
    b"=&=&&",
]


def asks(seed: int = 3) -> list[Ask]:
    choice = random.Random(seed)
    return [_ask(number, choice) for number in range(N_ASKS)]


def _ask(n: int, choice: random.Random) -> Ask:
    tag = b"n=%d" % n
    match n % 10:
        case 0:
            return Ask(n, "PUT", b"/echo?" + tag, choice.randbytes(1 << 20))
        case 1:
            return Ask(n, "GET", b"/big?bytes=1048576&" + tag)
        case 2:
            return Ask(n, "HEAD", b"/big?bytes=5000&" + tag)
        case 3:
            return Ask(
                n, "POST", b"/echo?" + tag, choice.randbytes(choice.randrange(1, 90_000)), True
            )
        case 4:
            return Ask(n, "GET", b"/slow?ms=300&" + tag, leaves=True)
        case 5:
            return Ask(n, "GET", b"/status?code=%d&" % choice.choice([204, 304, 404, 500]) + tag)
        case 6:
            return Ask(n, "GET", b"/stream?bytes=%d&" % choice.choice([0, 1, 300_000]) + tag)
        case 7:
            return Ask(n, "POST", b"/echo?" + tag)
        case _:
            return Ask(n, choice.choice(["GET", "DELETE"]), b"/?" + tag + b"&" + choice.choice(ODD))


def drive(port: int, wanted: Sequence[Ask]) -> list[Row]:
    with ThreadPoolExecutor(N_THREADS) as pool:
        return sorted(pool.map(lambda ask: _drive(port, ask), wanted), key=lambda row: row.number)


def _drive(port: int, ask: Ask) -> Row:
    pieces = [b"%x\r\n%b\r\n" % (len(p), p) for p in (ask.body[:33_333], ask.body[33_333:]) if p]
    sent = b"".join([*pieces, b"0\r\n\r\n"]) if ask.chunked else ask.body
    length = b"Transfer-Encoding: chunked" if ask.chunked else b"Content-Length: %d" % len(ask.body)
    with socket.create_connection(("127.0.0.1", port), 30) as client:
        head = ask.method.encode() + b" " + ask.target + b" HTTP/1.1\r\nHost: h\r\n"
        client.sendall(head + b"Connection: close\r\n" + length + b"\r\n\r\n" + sent)
        target = ask.target.decode("latin-1")
        if ask.leaves:
            client.settimeout(LEAVES_AFTER_S)
            with pytest.raises(TimeoutError):
                client.recv(1)
            return Row(ask.number, ask.method, target, None, 0, 0, None)
        answer = http.client.HTTPResponse(client, method=ask.method)
        answer.begin()
        n_bytes, pid = len(answer.read()), answer.headers["X-Worker-Pid"]
        sizes = len(ask.body), n_bytes
        return Row(ask.number, ask.method, target, answer.status, *sizes, int(pid) if pid else None)


def row_of(fact: Fact) -> Row:
    n = int(fact["target"].partition("n=")[2].partition("&")[0])
    sizes = fact["request_body_bytes"], fact["response_body_bytes"]
    return Row(n, fact["method"], fact["target"], fact["status"], *sizes, fact["pid"])


@contextmanager
def site(gateway: str, keeps: bool = False) -> Iterator[tuple[Path, Path, int]]:
    """Its folder, its socket, nginx's port before it; the socket's folder is nobody's."""
    with (
        short_folder() as folder,
        GATEWAYS[gateway](folder) as (path, lines),  # type: ignore[attr-defined]  # as `_unix` has it
        behind_nginx(folder, path, lines, keeps) as port,
    ):
        os.chown(folder, NOBODY, NOBODY)
        os.chown(path, NOBODY, NOBODY)
        yield folder, path, port


def through_calls(path: Path) -> AbstractContextManager[Running]:
    need_tracefs()
    return running("attach", "--socket", str(path), "--json")


def through_relay(path: Path) -> AbstractContextManager[Running]:
    return running("tap", f"unix:{path}", "--json", user=NOBODY)


Watch = Callable[[Path], AbstractContextManager[Running]]
BOTH = pytest.mark.parametrize("watch", [through_calls, through_relay])


@BOTH
@pytest.mark.parametrize("gateway", list(GATEWAYS))
def test_odd_requests_are_told_as_client_and_application_saw_them(
    gateway: str, watch: Watch
) -> None:
    need_root()
    # Kept, nginx leaves php-fpm at the last byte of a body, and END_REQUEST finds nobody.
    with site(gateway, keeps=gateway != "fpm") as (_, path, port), watch(path) as gwtop:
        gwtop.await_type("hello")
        rows = drive(port, asks())
        told_rows = [row_of(gwtop.await_type("request")) for _ in rows]
        gwtop.interrupt()
    requests = of_type(gwtop.facts, "request")
    seen = {row.number: row for row in told_rows}
    assert len(seen) == len(rows)
    for row in rows:
        if row.pid is not None:
            assert seen[row.number] == row
        elif row.status is not None:  # gunicorn's own 400 to bytes that are not ASCII
            assert replace(seen[row.number], pid=None) == row
    assert {f["outcome"] for f in requests if "/slow" not in f["target"]} == {"done"}
    assert {f["lost_bytes"] for f in requests} == {0}


REPLY = b"a row of somebody's database"
KEY = "a line of somebody's key"
ASKS_OTHERS = """
import os, socket
def application(environ, start_response):
    key = open({key!r}, "rb", 0).read()
    with socket.socket(socket.AF_UNIX) as database:
        database.connect({database!r})
        row = database.recv(65536)
    start_response("200 OK", [("X-Worker-Pid", str(os.getpid()))])
    return [b"%d %d" % (len(key), len(row))]
"""


@contextmanager
def database(path: Path) -> Iterator[None]:
    """Tells everybody who connects the same."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o666)
        listener.listen(16)

        def serve() -> None:
            while True:
                try:
                    one, _ = listener.accept()
                except OSError:  # shut down: the test is over
                    return
                with one:
                    one.sendall(REPLY * 20)

        serving = threading.Thread(target=serve)
        serving.start()
        yield
        listener.shutdown(socket.SHUT_RDWR)
        serving.join()


@BOTH
def test_what_the_worker_reads_elsewhere_is_nowhere(watch: Watch) -> None:
    need_root()
    with short_folder() as folder, database(folder / "database"):
        (folder / "key").write_text(KEY * 40)
        application, path = folder / "asks_others.py", folder / "s"
        application.write_text(
            ASKS_OTHERS.format(key=str(folder / "key"), database=str(folder / "database"))
        )
        os.chown(folder, NOBODY, NOBODY)
        command = [*need_uwsgi(), "--die-on-term", "--http-socket", str(path), "--need-app"]
        command += ["--wsgi-file", str(application), "--chmod-socket=666", "--disable-logging"]
        more = (
            "--details",
            "--bodies",
            "9999",
            "--show-secrets",
            "--debug",
            str(folder / "report"),
        )
        with on_socket(command, path, folder):
            os.chown(path, NOBODY, NOBODY)
            how = ("attach", "--socket", str(path)), ("tap", f"unix:{path}")
            words, user = (how[0], None) if watch is through_calls else (how[1], NOBODY)
            with running(*words, "--json", *more, user=user) as gwtop:
                gwtop.await_type("hello")
                bodies = {_get(path) for _ in range(12)}
                requests = [gwtop.await_type("request") for _ in range(12)]
                gwtop.interrupt()
        written = json.dumps(gwtop.facts) + (folder / "report").read_text() + gwtop.error_text()
    assert bodies == {f"{40 * len(KEY)} {20 * len(REPLY)}"}
    assert {request["response_body"] for request in requests} == bodies
    assert KEY not in written and REPLY.decode() not in written


def _get(path: Path) -> str:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = http.client.HTTPResponse(client)
        answer.begin()
        return answer.read().decode()


def stays(pid: int) -> bool:
    """The process, or a probe or trace instance of its making. Of one that nobody has waited for
    yet there is only the name."""
    try:
        lives = Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except (FileNotFoundError, ProcessLookupError):
        lives = False
    return lives or bool(left_of(pid))


def test_a_screen_that_is_killed_while_its_engine_starts_leaves_nothing() -> None:
    """At six moments of the first two seconds."""
    need_root()
    need_tracefs()
    waiting = threading.Event()
    n_engines = 0
    with site("uwsgi") as (folder, path, port):
        for delay_s in (0.3, 0.6, 0.9, 1.2, 1.5, 2.0):
            with terminal(gwtop_command("attach", "--socket", str(path)), folder) as screen:
                waiting.wait(delay_s)
                engines = children(screen.process.pid)
                screen.process.kill()
                screen.process.wait()
            n_engines += len(engines)
            for _ in range(int(GONE_S / 0.02)):
                if not any(map(stays, engines)):
                    break
                waiting.wait(0.02)
            assert [pid for pid in engines if stays(pid)] == []
        assert {row.status for row in drive(port, asks()[8:10])} == {200}
    assert n_engines, "none had begun"


def test_a_server_is_found_through_a_link_and_after_its_reload() -> None:
    """Debian's php-fpm.sock is a link; USR2 is what its service's reload sends."""
    need_root()
    need_tracefs()
    need_fpm()
    with short_folder() as folder:
        path, page, conf = folder / "8.2.sock", DEMOS / "_application.php", folder / "fpm.conf"
        conf.write_text(
            f"[global]\nerror_log = {folder}/fpm.log\ndaemonize = no\npid = {folder}/fpm.pid\n"
            f"[www]\nuser = root\nlisten = {path}\nlisten.mode = 0666\n"
            "pm = static\npm.max_children = 3\n"
        )
        (folder / "fpm.sock").symlink_to(path.name)
        lines = "include /etc/nginx/fastcgi_params; "
        lines += f"fastcgi_param SCRIPT_FILENAME {page}; fastcgi_pass GATE;"
        command = [need_fpm(), "-F", "-R", "-y", str(conf)]
        with (
            on_socket(command, path, folder) as server,
            behind_nginx(folder, path, lines, keeps=False) as port,
            through_calls(folder / "fpm.sock") as gwtop,
        ):
            gwtop.await_type("hello")
            plain = [Ask(n, "GET", b"/?n=%d" % n) for n in range(8)]
            before = drive(port, plain)
            assert sorted(_told(gwtop, 8), key=lambda row: row.number) == before
            server.send_signal(signal.SIGUSR2)
            old = {row.pid for row in before}
            gwtop.await_fact(lambda f: f["type"] == "process_born" and f["pid"] not in old)
            after = drive(port, plain)
            assert sorted(_told(gwtop, 8), key=lambda row: row.number) == after
            assert not {row.pid for row in after} & old
            gwtop.interrupt()


def _told(gwtop: Running, n: int) -> list[Row]:
    return [row_of(gwtop.await_type("request")) for _ in range(n)]


def test_a_screen_that_was_given_capabilities_for_its_engine_keeps_none() -> None:
    """As `gwtop doctor` says it: setpriv with ambient capabilities."""
    need_root()
    need_program("setpriv", "util-linux")
    (words,) = (w for w, _ in privilege.alternatives() if "setpriv" in w)
    names = words.partition("--inh-caps ")[2].split()[0]
    given = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    given += ["--inh-caps", names, "--ambient-caps", names, "env", "HOME=/"]
    probe = subprocess.run([*given, sys.executable, "-c", "import gwtop"], capture_output=True)
    if probe.returncode != 0:
        pytest.skip("needs a checkout and a Python that nobody may read")
    with site("uwsgi") as (folder, path, port):
        command = [*given, *gwtop_command("attach", "--socket", str(path))]
        with terminal(command, folder, n_columns=120) as screen:
            screen.await_text("busy ○")  # taps are open and workers found
            drive(port, [Ask(n, "GET", b"/?n=%d" % n) for n in range(4)])
            screen.await_text("/?n=3")
            status = Path(f"/proc/{screen.process.pid}/status").read_text()
            held = dict(line.split(":\t") for line in status.splitlines() if "Cap" in line)
            assert {held[name] for name in ("CapEff", "CapPrm", "CapAmb")} == {"0" * 16}
            screen.press("q")
            assert screen.wait() == 0
