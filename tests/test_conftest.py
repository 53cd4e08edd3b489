"""The rule on skips, in a pytest of its own: which ones are failures, and when.

In: a made-up test file beside a copy of our conftest. Out: what pytest says of each test.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MADE_UP = """
import pytest

@pytest.mark.live
def test_lacks_a_server(): pytest.skip("no nginx here")

@pytest.mark.live
@pytest.mark.skipif(True, reason="no CAP_NET_RAW")
def test_lacks_a_right(): ...

@pytest.mark.live
def test_of_another_system(): pytest.skip("macOS only")

def test_that_is_fast(): pytest.skip("nothing to do")

@pytest.mark.live
@pytest.mark.xfail
def test_that_is_known_to_fail(): raise AssertionError
"""


@pytest.mark.parametrize(
    ("options", "outcome"),
    [
        pytest.param([], "4 skipped, 1 xfailed", id="on a laptop"),
        pytest.param(
            ["--no-skips"], "1 failed, 2 skipped, 1 xfailed, 1 error", id="where all parts are"
        ),
    ],
)
def test_a_live_skip_is_a_failure_where_all_parts_are(
    tmp_path: Path, options: list[str], outcome: str
) -> None:
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = live\n")
    (tmp_path / "test_made_up.py").write_text(MADE_UP)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert re.findall(r"^(\d.*) in [\d.]+s$", run.stdout, re.MULTILINE) == [outcome], run.stdout


def test_a_live_file_that_skips_as_a_whole_is_a_failure_too(tmp_path: Path) -> None:
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path)
    folder = tmp_path / "live"
    folder.mkdir()
    (folder / "test_made_up.py").write_text(
        "import pytest\npytest.skip('no tracefs', allow_module_level=True)\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-skips"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode != 0
    assert "skipped where nothing may be skipped" in run.stdout
