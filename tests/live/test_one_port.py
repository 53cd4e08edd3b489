"""One port that speaks FastCGI, then uwsgi, then SCGI, then HTTP, with broken back ends between.

In: real servers one after another on one port, tcpdump beside them (tests/captures/make_notes.py,
the scene of the committed capture). Out: what gwtop reads from it, without being told the port.
"""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.live._running import need_program, need_root, need_uwsgi
from tests.test_notes import EXPECTED, row

pytestmark = pytest.mark.live

MAKER = Path(__file__).parent.parent / "captures/make_notes.py"


def test_one_port_in_four_protocols_is_read_request_by_request(tmp_path: Path) -> None:
    need_root()
    for program, package in (("tcpdump", "tcpdump"), ("php-fpm8.2", "php8.2-fpm")):
        need_program(program, package)
    pytest.importorskip("gunicorn", reason="needs gunicorn (pip install gunicorn)")
    need_uwsgi()
    made = subprocess.run(
        [sys.executable, str(MAKER), "one-port", f"--into={tmp_path}"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert made.returncode == 0, made.stderr
    facts = [json.loads(line) for line in (tmp_path / "one-port.jsonl").open(encoding="utf-8")]
    rows = [row(fact) for fact in facts if fact["type"] == "request"]
    assert Counter(rows) == Counter(EXPECTED["one-port"])
    assert facts[-1]["type"] == "summary" and facts[-1]["requests"] == len(rows)
    assert not [fact for fact in facts if fact["type"] == "note"]
