"""The demos of Apache, lighttpd, php-fpm, fcgiwrap and Tomcat answer every page as the others do.

One start of each demo, and every page of it once: these servers take seconds to start, so what
test_demo_programs.py asks of the others in a test each is asked here in one. And each of them runs
as whoever typed sudo, and leaves nothing when its program is killed.
"""

import os
import pwd
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gwtop import demos
from tests.live._running import need_root
from tests.live._trees import await_nobody, descendants, listening_ports, port_of
from tests.live.test_demo_programs import Answer, Client
from tests.live.test_demo_rows import need_parts

pytestmark = pytest.mark.live

SERVERS = [
    ("cgi-apache", None),
    ("cgi-lighttpd", None),
    ("cgi-fcgiwrap", "nginx"),
    ("cgi-fcgiwrap", "apache"),
    ("fastcgi-php", "nginx"),
    ("fastcgi-php", "apache"),
    ("fastcgi-php", "lighttpd"),
    ("fastcgi-fcgid", None),
    ("mod_wsgi", None),
    ("mod_wsgi-daemon", None),
    ("mod_python", None),
    ("mod_perl", None),
    ("mod_php", None),
    ("servlet", "apache"),
    ("servlet", "builtin"),
    ("ajp", "apache"),
    ("fastcgi", "apache"),
    ("fastcgi", "lighttpd"),
    ("scgi", "apache"),
    ("scgi", "lighttpd"),
    ("uwsgi", "apache"),
    ("uwsgi", "lighttpd"),
    ("fastcgi-flup", "apache"),
    ("fastcgi-flup", "lighttpd"),
    ("scgi-flup", "apache"),
    ("scgi-flup", "lighttpd"),
    ("uwsgi-gunicorn", "apache"),
    ("uwsgi-gunicorn", "lighttpd"),
    ("gunicorn", "apache"),
    ("gunicorn", "lighttpd"),
    ("tornado", "nginx"),
    ("twisted", "apache"),
    ("waitress", "lighttpd"),
]
EACH = pytest.mark.parametrize(
    ("name", "front"),
    [pytest.param(*row, id=" behind ".join(filter(None, row))) for row in SERVERS],
)
ONCE = pytest.mark.parametrize("name", sorted({name for name, _ in SERVERS}))


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the demo makes its directory: everybody may enter it, and make one there."""
    with TemporaryDirectory(prefix="gwtop-test-") as name:
        Path(name).chmod(0o1777)
        monkeypatch.setenv("TMPDIR", name)
        yield Path(name)


@EACH
def test_every_page_is_answered(name: str, front: str | None, folder: Path) -> None:
    need_parts(name)
    demo = demos.start(name, front=front)
    try:
        client = Client(demo)
        first = client.ask("/?a=b")
        assert first.body == b"Hello from process %d\n" % (first.pid or 0)
        assert client.ask("/slow?ms=3").body == b"slow\n"
        assert client.ask("/big?bytes=123456").body == b"x" * 123_456
        assert len(client.ask("/big?bytes=10000000").body) == 10_000_000
        assert len(client.ask("/stream?bytes=100000").body) == 100_000
        head = client.ask("/big?bytes=5000", "HEAD")
        assert (head.status, head.body) == (200, b"")
        for body in (b"", b"ten bytes\n", bytes(range(256)) * 4000):
            assert client.ask("/echo", "POST", body).body == body
        assert client.ask("/", headers={f"X-{i}": "y" * 6000 for i in range(5)}).status == 200
        for code in (204, 304, 404):
            assert client.ask(f"/status?code={code}").status == code
        assert client.ask("/big?bytes=abc").status == 400
        assert client.ask("/nothing").status == 404
        error = client.ask("/error")
        assert (error.status, error.body) == (500, b"error\n")
        crash(client)
    finally:
        demo.stop()
    assert any(f"/error was asked of process {error.pid}" in line for line in demo.stderr_tail())


def crash(client: Client) -> None:
    """Twice: it is not answered by the application, and the next request is."""
    for _ in range(2):
        try:
            crashed: Answer | None = client.ask("/crash")
        except ConnectionError:  # nobody stands before the process that died
            crashed = None
        assert crashed is None or (crashed.status >= 500 and crashed.pid is None)
        assert client.ask("/").status == 200


@ONCE
def test_under_sudo_all_of_it_is_the_invoking_users(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_root()
    need_parts(name)
    nobody = pwd.getpwnam("nobody")
    monkeypatch.setenv("SUDO_UID", str(nobody.pw_uid))
    monkeypatch.setenv("SUDO_GID", str(nobody.pw_gid))
    demo = demos.start(name)
    try:
        assert Client(demo).ask("/").status == 200
        tree = [demo.ready["pid"], *descendants(demo.ready["pid"])]
        owners = {os.stat(f"/proc/{pid}").st_uid for pid in tree if Path(f"/proc/{pid}").exists()}
        assert owners == {nobody.pw_uid}
    finally:
        demo.stop()
    assert list(folder.iterdir()) == []


@ONCE
def test_nothing_stays_when_its_program_is_killed(name: str, folder: Path) -> None:
    need_parts(name)
    demo = demos.start(name)
    ports = {port_of(demo.ready["url"]), port_of(demo.ready["listen"])}
    os.kill(demo._process.pid, signal.SIGKILL)
    assert demo.poll() in (None, -signal.SIGKILL)
    deadline = time.monotonic() + 3
    while list(folder.iterdir()) and time.monotonic() < deadline:
        await_nobody(folder)
    assert list(folder.iterdir()) == []
    assert not ports & listening_ports()
    demo.stop()
