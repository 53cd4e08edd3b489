"""Every demo, one row each: what gwtop says of forty requests is what happened, and nothing stays.

`gwtop demo NAME --requests 40 --json` is run as a person would, in a folder of its own. Statuses,
sizes and pids are checked against the answers' own words; the model against the table. Parts that
are not here skip the row, and the message is the demo's own.
"""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

from gwtop import demos
from tests.live._running import Fact, need_root, running
from tests.live._trees import await_nobody
from tests.live.test_demo_facts import header, nothing_missed

pytestmark = pytest.mark.live

N_REQUESTS = 40


class Row(NamedTuple):
    name: str
    front: str | None
    protocol: str
    model: str
    born: bool = False
    """Each request has a process of its own."""


ROWS = [
    Row("fastcgi-flup", "builtin", "fastcgi", "worker-pool"),
    Row("fastcgi-flup", "nginx", "fastcgi", "worker-pool"),
    Row("scgi", "nginx", "scgi", "worker-pool"),
    Row("scgi-flup", "builtin", "scgi", "worker-pool"),
    Row("scgi-flup", "nginx", "scgi", "worker-pool"),
    Row("uwsgi-gunicorn", "builtin", "uwsgi", "worker-pool"),
    Row("uwsgi-gunicorn", "nginx", "uwsgi", "worker-pool"),
    Row("gunicorn", None, "http", "worker-pool"),
    Row("gunicorn-threads", None, "http", "threaded"),
    Row("uwsgi-http", None, "http", "worker-pool"),
    Row("tornado", None, "http", "single-process"),
    Row("twisted", None, "http", "single-process"),
    Row("waitress", None, "http", "single-process"),
    Row("cgi-apache", None, "http", "process-per-request", True),
    Row("cgi-lighttpd", None, "http", "process-per-request", True),
    Row("cgi-fcgiwrap", "nginx", "fastcgi", "process-per-request", True),
    Row("fastcgi-fcgid", None, "http", "worker-pool"),
    Row("mod_wsgi-daemon", None, "http", "worker-pool"),
    Row("mod_wsgi", None, "http", "embedded"),
    Row("mod_python", None, "http", "embedded"),
    Row("mod_perl", None, "http", "embedded"),
    Row("mod_php", None, "http", "embedded"),
    Row("fastcgi-php", "nginx", "fastcgi", "worker-pool"),
    Row("fastcgi-php", "apache", "fastcgi", "worker-pool"),
    Row("fastcgi-php", "lighttpd", "fastcgi", "worker-pool"),
    Row("fastcgi", "apache", "fastcgi", "worker-pool"),
    Row("fastcgi", "lighttpd", "fastcgi", "worker-pool"),
    Row("scgi", "apache", "scgi", "worker-pool"),
    Row("scgi", "lighttpd", "scgi", "worker-pool"),
    Row("uwsgi", "apache", "uwsgi", "worker-pool"),
    Row("uwsgi", "lighttpd", "uwsgi", "worker-pool"),
    Row("ajp", "apache", "ajp", "threaded"),
    Row("servlet", "apache", "ajp", "threaded"),
    Row("cgi", "builtin", "http", "process-per-request", True),
    Row("fastcgi", "builtin", "fastcgi", "worker-pool"),
    Row("uwsgi", "builtin", "uwsgi", "worker-pool"),
    Row("scgi", "builtin", "scgi", "worker-pool"),
    Row("ajp", "builtin", "ajp", "threaded"),
    Row("wsgiref", None, "http", "single-process"),
    Row("fastcgi-flup", "apache", "fastcgi", "worker-pool"),
    Row("fastcgi-flup", "lighttpd", "fastcgi", "worker-pool"),
    Row("scgi-flup", "apache", "scgi", "worker-pool"),
    Row("scgi-flup", "lighttpd", "scgi", "worker-pool"),
    Row("uwsgi-gunicorn", "apache", "uwsgi", "worker-pool"),
    Row("uwsgi-gunicorn", "lighttpd", "uwsgi", "worker-pool"),
    Row("cgi-fcgiwrap", "apache", "fastcgi", "process-per-request", True),
    Row("gunicorn", "nginx", "http", "worker-pool"),
    Row("gunicorn", "apache", "http", "worker-pool"),
    Row("gunicorn", "lighttpd", "http", "worker-pool"),
    Row("gunicorn-threads", "nginx", "http", "threaded"),
    Row("uwsgi-http", "nginx", "http", "worker-pool"),
    Row("tornado", "apache", "http", "single-process"),
    Row("twisted", "nginx", "http", "single-process"),
    Row("waitress", "lighttpd", "http", "single-process"),
    Row("wsgiref", "nginx", "http", "single-process"),
]


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that everybody may enter: servers that root starts become somebody else."""
    with TemporaryDirectory(prefix="gwtop-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def need_parts(name: str) -> None:
    info = demos.find(name)
    if info.missing:
        pytest.skip(f"needs {', '.join(info.missing)} ({info.install})")


def check_sizes(request: Fact) -> None:
    """As the demos' application answers. Apache leaves out the length that a CGI script gives."""
    path, _, query = request["target"].partition("?")
    told, seen = header(request, "Content-Length"), request["response_body_bytes"]
    assert told in (str(seen), None) or request["method"] == "HEAD", request
    if path == "/echo":
        assert (request["method"], request["request_body_bytes"]) == ("POST", seen), request
    else:
        assert (request["method"], request["request_body_bytes"]) == ("GET", 0), request
    if path == "/big":
        assert seen == int(query.partition("=")[2]), request


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row.name} {row.front}") for row in ROWS])
def test_forty_requests_are_told_as_they_were_and_nothing_stays(row: Row, folder: Path) -> None:
    need_root()
    need_parts(row.name)
    front = () if row.front is None else ("--front", row.front)
    with running(
        *("demo", row.name, *front, "--requests", str(N_REQUESTS), "--rate", "0"),
        *("--json", "--details"),
        folder=folder,
    ) as gwtop:
        assert gwtop.finish() == 0, gwtop.error_text()
    requests = [fact for fact in gwtop.facts if fact["type"] == "request"]
    assert len(requests) == N_REQUESTS
    for request in requests:
        assert (request["protocol"], request["status"]) == (row.protocol, 200)
        assert request["outcome"] == "done"
        check_sizes(request)
        assert str(request["pid"]) == header(request, "X-Worker-Pid"), request
        assert (request["pid"] in request["births"]) == row.born
    summary = gwtop.facts[-1]
    assert summary["model"] == row.model, summary["model_evidence"]
    assert nothing_missed(summary)
    await_nobody(folder)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", sorted({row.name for row in ROWS}))
def test_its_own_words_and_the_table_agree(name: str) -> None:
    info = demos.find(name)
    rows = [row for row in ROWS if row.name == name]
    assert {(row.protocol, row.model) for row in rows} == {(info.protocol, info.process_model)}
    assert {row.front for row in rows} <= {None, *info.fronts}


def test_every_demo_has_a_row_and_every_front_one_somewhere() -> None:
    assert {row.name for row in ROWS} == {info.name for info in demos.catalogue()}
    asked = {row.front for row in ROWS}
    assert {front for info in demos.catalogue() for front in info.fronts} <= asked | {"none"}
