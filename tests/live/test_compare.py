"""`gwtop compare` over two real demos: every cell is measured, and says what is known of them."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gwtop.nouns.comparison import COLUMNS
from tests.live._running import gwtop_command, need_root, need_uwsgi
from tests.live._trees import await_nobody

pytestmark = pytest.mark.live


def test_two_demos_side_by_side(tmp_path: Path) -> None:
    need_root()
    need_uwsgi()
    picture = tmp_path / "picture.svg"
    command = gwtop_command("compare", "cgi", "uwsgi", "--seconds", "1", "--json")
    done = subprocess.run(
        [*command, "--svg", str(picture)], capture_output=True, text=True, timeout=100, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "cgi: one client\n" in done.stderr and "uwsgi: memory and maps\n" in done.stderr
    cgi, uwsgi = (row["cells"] for row in json.loads(done.stdout)["rows"])
    assert list(cgi) == list(uwsgi) == [column.key for column in COLUMNS]
    assert all((cell["value"] is None) == bool(cell["why"]) for cell in cgi.values())
    assert [key for key, cell in uwsgi.items() if cell["value"] is None] == []
    assert cgi["model"]["value"] == "process-per-request"
    assert uwsgi["model"]["value"] == "worker-pool"
    assert (cgi["processes_per_request"]["value"], uwsgi["processes_per_request"]["value"]) == (
        1,
        0,
    )
    assert (cgi["edit_takes_effect"]["value"], uwsgi["edit_takes_effect"]["value"]) == (True, False)
    assert cgi["idle_interpreters"]["why"] == "no server has a child between requests"
    assert uwsgi["idle_interpreters"]["value"] == "2 of 2"
    assert cgi["cpu_ms"]["value"] > 5 * uwsgi["cpu_ms"]["value"] > 0
    assert uwsgi["requests_per_s_8"]["value"] > 3 * cgi["requests_per_s_8"]["value"] > 0
    assert uwsgi["connections"]["value"] == 1
    assert "python" in cgi["interpreter"]["value"] and "pyuwsgi" in uwsgi["interpreter"]["value"]
    assert 0 < cgi["worker_mb"]["value"] < uwsgi["worker_mb"]["value"]
    ElementTree.fromstring(picture.read_text())
    await_nobody(tmp_path)


def test_a_demo_that_is_not_there_is_said_before_anything_starts() -> None:
    done = subprocess.run(
        gwtop_command("compare", "cgi", "nonsense"), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "there is no demo 'nonsense'" in done.stderr and "starting" not in done.stderr


@contextmanager
def comparing(folder: Path, until: str) -> Iterator[subprocess.Popen[str]]:
    """A comparison of two small demos that has said this on stderr."""
    process = subprocess.Popen(
        gwtop_command("compare", "wsgiref", "cgi", "--seconds", "0.5", "--markdown"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=os.environ | {"TMPDIR": str(folder)},
        start_new_session=True,
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if line.strip() == until:
                break
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_ended_before_its_end_it_shows_what_it_has_and_leaves_nothing(
    number: signal.Signals, status: int, tmp_path: Path
) -> None:
    with comparing(tmp_path, "[2/2] cgi: one client") as process:
        os.killpg(process.pid, number)  # as a terminal does it
        told, said = process.communicate(timeout=30)
        assert process.returncode == status, said
        assert told.startswith("| | wsgiref |") and "Traceback" not in said
    await_nobody(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_killed_it_leaves_nothing(tmp_path: Path) -> None:
    with comparing(tmp_path, "[1/2] wsgiref: one client") as process:
        process.kill()
        process.wait()
        await_nobody(tmp_path)  # the janitor included, which ends when it has cleaned
        assert list(tmp_path.iterdir()) == []
