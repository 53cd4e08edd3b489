"""Large captures for the benchmark: real servers on loopback, wrk as load, tcpdump beside them.

In: a folder, how many requests. Out: a capture of each kind, made once and found again later.
Knows no decoder.

Two kinds. "short": nginx opens a connection for each request to uWSGI's FastCGI socket, which
writes its answer in pieces: about 18 packets a request. "kept": nginx keeps its connections to
php-fpm, which answers in one write: 2 packets a request, for the ACKs ride along.
"""

import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "captures"))

from _machine import free_port, server  # noqa: E402  # beside the small captures
from _servers import BIN, FPM, NGINX  # noqa: E402

KINDS = ("short", "kept")
TURN_S = 5  # of wrk; as many turns as it takes
MAX_TURNS = 60
FLUSH_S = 2.0  # tcpdump loses its last ring block when it is stopped within a second
RING_KIB = 256 * 1024  # for the bursts of two busy cores

PASS = (
    "include /etc/nginx/fastcgi_params; fastcgi_pass behind; fastcgi_keep_conn {keep};"
    " fastcgi_param PATH_INFO $document_uri; fastcgi_param SCRIPT_FILENAME {folder}/app.php;"
)
WSGI = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "20")])
    return [b"a short answer: bye\\n"]
"""
PHP = '<?php header("Content-Type: text/plain"); echo "a short answer: bye\\n";'


@contextmanager
def _uwsgi(folder: Path, port: int) -> Iterator[None]:
    (folder / "app.py").write_text(WSGI)
    command = [str(BIN / "pyuwsgi"), "--fastcgi-socket", f"127.0.0.1:{port}", "--master"]
    command += ["--processes", "2", "--wsgi-file", str(folder / "app.py"), "--die-on-term"]
    with server([*command, "--disable-logging", "--listen", "1024"], port, folder):
        yield


@contextmanager
def _php_fpm(folder: Path, port: int) -> Iterator[None]:
    (folder / "app.php").write_text(PHP)
    (folder / "fpm.conf").write_text(FPM.format(folder=folder, port=port))
    program = next(Path("/usr/sbin").glob("php-fpm*"))
    with server([str(program), "-F", "-y", str(folder / "fpm.conf")], port, folder):
        yield


@contextmanager
def _nginx(folder: Path, port: int, behind: int, keep: bool) -> Iterator[None]:
    pass_on = PASS.format(keep="on" if keep else "off", folder=folder)
    text = NGINX.format(
        folder=folder,
        user="root" if os.getuid() == 0 else "nobody",
        port=port,
        behind=behind,
        upstream="keepalive 2; keepalive_requests 1000000000;" if keep else "",
        pass_on=pass_on,
    )
    (folder / "nginx.conf").write_text(text)
    command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]
    with server(command, port, folder):
        yield


@contextmanager
def _tcpdump(port: int, target: Path) -> Iterator[None]:
    """Writes what `port` sees; whole to the last packet, or no capture at all."""
    command = ["tcpdump", "-i", "lo", "-B", str(RING_KIB), "-w", str(target), f"tcp port {port}"]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr
    while "listening on" not in (line := process.stderr.readline()):
        if not line:
            raise SystemExit("tcpdump does not listen; is this root?")
    try:
        yield
        select.select([], [], [], FLUSH_S)
    finally:
        process.terminate()
        said = process.communicate()[1]
    print("  tcpdump:", "; ".join(said.split("\n")).strip("; "), file=sys.stderr)


def _load(port: int, n_requests: int) -> int:
    """wrk in turns until there were enough; how many there were."""
    n_done = 0
    for _ in range(MAX_TURNS):
        # Two connections: as many as php-fpm has workers, and uWSGI's backlog stays short.
        command = ["wrk", "-t", "1", "-c", "2", "-d", f"{TURN_S}s", f"http://127.0.0.1:{port}/a?b"]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found = re.search(r"(\d+) requests in", said)
        assert found and "Non-2xx" not in said, said
        n_done += int(found[1])
        if n_done >= n_requests:
            return n_done
    raise SystemExit(f"{n_done} requests in {MAX_TURNS} turns of wrk: this machine is too busy")


def capture(kind: str, cache: Path, n_requests: int) -> Path:
    """The capture of this kind and size, made now if it is not there."""
    target = cache / f"{kind}-{n_requests}.pcap"
    if target.exists():
        return target
    print(f"making {target}", file=sys.stderr)
    fresh = target.with_suffix(".part")
    folder = Path(tempfile.mkdtemp(dir=cache))
    folder.chmod(0o755)  # php-fpm's workers are www-data
    front, back = free_port(), free_port()
    behind = _uwsgi if kind == "short" else _php_fpm
    try:
        nginx = _nginx(folder, front, back, kind == "kept")
        with behind(folder, back), nginx, _tcpdump(back, fresh):
            n_done = _load(front, n_requests)
        print(f"  {n_done} requests by wrk", file=sys.stderr)
        fresh.rename(target)
    finally:
        shutil.rmtree(folder)
    return target
