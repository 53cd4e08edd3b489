"""What a user without rights sees: each tap opens, is refused or absent, and says so in one line.

Needs root, to become nobody; and a checkout and a Python that nobody may read.
"""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.live

NOBODY = 65534
SEES = """
import json
from gwtop import doctor
from gwtop.nouns.plan import Plan
from gwtop.taps import discover
plan = Plan(ports=(3031,))
taps = [module.open_tap(plan, 5) for module in discover()]
print(json.dumps({
    "taps": {t.state.tap: [t.state.state, t.state.needs] for t in taps if t},
    "findings": {f.name: [f.state, f.command] for f in doctor.examine()},
}))
"""
DROPPED = """
import os, sys
from gwtop.taps import privilege, proc
kept = privilege.drop([privilege.Capability[name] for name in sys.argv[2:]])
image = proc.image(int(sys.argv[1]))
print(len(kept), image.argv is not None, image.environ)
"""


def run(script: str, *arguments: str, nobody: bool = False) -> str:
    ids = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if nobody else {}
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, **ids
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def root() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to become nobody")
    tried = subprocess.run(
        ["setpriv", f"--reuid={NOBODY}", "--clear-groups", sys.executable, "-c", "import gwtop"],
        capture_output=True,
        text=True,
    )
    if tried.returncode != 0:
        pytest.skip(f"nobody cannot run this Python or read this checkout: {tried.stderr[-200:]}")


def test_nobody_is_told_what_is_refused_and_what_would_show_it(root: None) -> None:
    seen = json.loads(run(SEES, nobody=True))
    state, needs = seen["taps"]["ring"]
    assert state == "refused" and needs.startswith("CAP_NET_RAW shows")
    assert needs.endswith("attach --port 3031") and "sudo" in needs
    assert seen["taps"]["census"] == ["open", None]
    assert seen["taps"]["births"][0] in ("open", "refused")
    assert seen["findings"]["ring"][0] == "missing" and "sudo" in seen["findings"]["ring"][1]
    assert seen["findings"]["census"][0] == "partial"


def test_root_is_told_that_all_is_there(root: None) -> None:
    seen = json.loads(run(SEES))
    assert seen["taps"]["ring"] == ["open", None]
    assert seen["findings"]["ring"] == ["ok", None]
    assert seen["findings"]["census"] == ["ok", None]


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        pytest.param([], "0 True None", id="nothing kept"),
        pytest.param(["SYS_PTRACE", "DAC_READ_SEARCH"], "2 True ((b'A', b'b'),)", id="both kept"),
        pytest.param(["SYS_PTRACE"], "1 True None", id="one is not enough"),
    ],
)
def test_another_users_environ_needs_both_kept_capabilities(
    root: None, keep: list[str], expected: str
) -> None:
    with subprocess.Popen(
        ["cat"], env={"A": "b"}, user=NOBODY, group=NOBODY, extra_groups=[], stdin=subprocess.PIPE
    ) as other:
        try:
            said = run(DROPPED, str(other.pid), *keep).strip()
        finally:
            other.kill()
    assert said == expected
