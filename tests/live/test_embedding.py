"""Apache with interpreters inside, and with one behind it: who ran the application, by the kernel.

What the application says of itself in X-Worker-Pid is the witness, and gwtop never reads it.
"""

import http.client
import random
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gwtop.taps import tracefs
from tests.live._running import Fact, free_port, need_program, need_root, of_type, running, server

pytestmark = pytest.mark.live
MODULES = Path("/usr/lib/apache2/modules")
N_REQUESTS = 120
APP = """
import os, time
def application(environ, start_response):
    n = int(environ["QUERY_STRING"].rpartition("=")[2])
    time.sleep(n / 1000)
    start_response("200 OK", [("X-Worker-Pid", str(os.getpid())), ("Content-Type", "text/plain")])
    return [b"x" * (10 + n)]
"""
PAGE = """<?php
usleep(1000 * intval($_GET["n"]));
header("X-Worker-Pid: " . getmypid());
echo str_repeat("x", intval($_GET["n"]));
"""
CONFIG = """
ServerRoot {folder}
Listen 127.0.0.1:{port}
ServerName example.org
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
DefaultRuntimeDir {folder}
LoadModule mpm_{mpm}_module {modules}/mod_mpm_{mpm}.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule mime_module {modules}/mod_mime.so
LoadModule {name}_module {modules}/{file}
TypesConfig /etc/mime.types
User www-data
Group www-data
DocumentRoot {folder}
<Directory {folder}>
  Require all granted
</Directory>
{more}
"""
DAEMON = """
WSGIDaemonProcess d processes=3 threads=2
WSGIProcessGroup d
WSGIApplicationGroup %{{GLOBAL}}
WSGISocketPrefix {folder}/wsgi
WSGIScriptAlias / {folder}/app.py
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Open to www-data, which pytest's own are not."""
    made = Path(tempfile.mkdtemp(prefix="gwtop-test-"))
    made.chmod(0o755)
    (made / "app.py").write_text(APP)
    (made / "page.php").write_text(PAGE)
    try:
        yield made
    finally:
        shutil.rmtree(made)


@contextmanager
def apache(folder: Path, mpm: str, name: str, file: str, package: str, more: str) -> Iterator[int]:
    program = need_program("apache2", "apache2")
    if not (MODULES / file).exists():
        pytest.skip(f"needs {file} (apt-get install {package})")
    port, config = free_port(), folder / "apache.conf"
    known = {"folder": folder, "port": port, "modules": MODULES}
    more = more.format(**known)
    config.write_text(CONFIG.format(mpm=mpm, name=name, file=file, more=more, **known))
    command = [program, "-d", str(folder), "-f", str(config), "-DFOREGROUND"]
    with server(command, "127.0.0.1", port, folder):
        assert ask(port, "/page.php?n=1" if name == "php" else "/?n=1") == 200
        yield port


def ask(port: int, target: str) -> int:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        client.request("GET", target)
        answer = client.getresponse()
        answer.read()
        return answer.status
    finally:
        client.close()


def drive(port: int, path: str, n_clients: int) -> None:
    """Answers of different lengths and times, from a fixed seed for each client."""

    def one(seed: int) -> None:
        lengths = random.Random(seed)
        for _ in range(N_REQUESTS // n_clients):
            ask(port, f"{path}?n={lengths.randrange(1, 30)}")

    threads = [threading.Thread(target=one, args=(seed,)) for seed in range(n_clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def watch(port: int, path: str, n_clients: int) -> tuple[list[Fact], Fact]:
    need_root()
    if not tracefs.may_make():
        pytest.skip("needs tracefs (mount -t tracefs nodev /sys/kernel/tracing)")
    with running(
        *("attach", "--port", str(port), "--requests", str(N_REQUESTS), "--json", "--details")
    ) as gwtop:
        gwtop.await_fact(lambda fact: fact["type"] == "process_sample")  # the tree is followed
        drive(port, path, n_clients)
        assert gwtop.finish() == 0
    return of_type(gwtop.facts, "request"), gwtop.facts[-1]


def witness(request: Fact) -> str | None:
    return dict(request["response_fields"]).get("X-Worker-Pid")


@pytest.mark.parametrize("n_clients", [1, 4])
def test_a_daemon_process_behind_the_reader_is_the_one_that_answered(
    folder: Path, n_clients: int
) -> None:
    with apache(folder, "event", "wsgi", "mod_wsgi.so", "libapache2-mod-wsgi-py3", DAEMON) as port:
        requests, summary = watch(port, "/", n_clients)
    known = [r for r in requests if r["pid"] is not None]
    assert len(known) >= len(requests) * (0.95 if n_clients == 1 else 0.8)
    assert {r["evidence"] for r in known} == {"kernel"}
    assert all(str(r["pid"]) == witness(r) for r in known)
    assert all(r["reader"] not in (None, r["pid"]) for r in requests)
    assert summary["model"] == "worker-pool"


def test_an_application_inside_the_web_server_is_embedded(folder: Path) -> None:
    alias = "WSGIScriptAlias / {folder}/app.py"
    with apache(folder, "prefork", "wsgi", "mod_wsgi.so", "libapache2-mod-wsgi-py3", alias) as port:
        requests, summary = watch(port, "/", 2)
    check_embedded(requests, summary, "mod_wsgi.so")


def test_a_scripting_language_inside_the_web_server_is_embedded(folder: Path) -> None:
    handler = "AddHandler application/x-httpd-php .php"
    with apache(folder, "prefork", "php", "libphp8.2.so", "libapache2-mod-php8.2", handler) as port:
        requests, summary = watch(port, "/page.php", 2)
    check_embedded(requests, summary, "libphp8.2.so")


def check_embedded(requests: list[Fact], summary: Fact, library: str) -> None:
    assert len(requests) == N_REQUESTS
    assert {r["evidence"] for r in requests} == {"kernel"}
    assert all(str(r["pid"]) == witness(r) and r["reader"] == r["pid"] for r in requests)
    assert summary["model"] == "embedded" and library in summary["model_evidence"]
