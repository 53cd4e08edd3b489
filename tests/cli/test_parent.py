"""Whoever was started by a process for itself ends with it, before it looks at any pipe."""

import os
import select
import signal
import subprocess
import sys

import pytest

from gwtop.cli import parent

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs prctl(2)")
CHILD = """
import signal, sys
from gwtop.cli.parent import end_with_parent
end_with_parent(0)
print("lives", flush=True)
signal.pause()
"""
PARENT = """
import signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdin=subprocess.PIPE)
print(child.pid, flush=True)
signal.pause()
"""


def test_a_killed_parent_ends_a_child_that_looks_at_nothing() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD], stdout=subprocess.PIPE, text=True
    ) as started:
        assert started.stdout is not None
        said = {started.stdout.readline().strip() for _ in range(2)}
        assert "lives" in said
        child = os.pidfd_open(int((said - {"lives"}).pop()))
        started.kill()
        assert select.select([child], [], [], 10)[0], "it has ended"
        os.close(child)


def test_one_whose_parent_is_gone_already_does_not_begin() -> None:
    ours, theirs = os.pipe()
    os.close(theirs)
    done = subprocess.run([sys.executable, "-c", CHILD], stdin=ours, capture_output=True)
    os.close(ours)
    assert done.returncode == parent.EXIT_OF_SIGNAL + signal.SIGTERM
    assert done.stdout == b""
