"""The janitor: whatever becomes of us, what outlives us is cleaned."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, signal, sys
from functools import partial
from gwtop.janitor import watch_over_us

def clean(folder, fifo):
    is_clean = not os.path.exists(f"{folder}/busy")
    os.rmdir(folder if is_clean else f"{folder}/busy")
    with open(fifo, "w") as told:
        print(os.getsid(0), os.getppid(), len(os.listdir("/proc/self/fd")) - 2, file=told)
    return is_clean

watch_over_us(partial(clean, *sys.argv[1:3]))
if sys.argv[3] == "waits":
    print(os.getpid(), flush=True)
    signal.pause()
"""
DEADLINE_MS = 10_000


@pytest.mark.parametrize("ending", ["ends", "waits"], ids=["a normal end", "kill -9 of the group"])
def test_it_cleans_again_until_all_is_clean_from_a_session_of_its_own(
    ending: str, tmp_path: Path
) -> None:
    folder, fifo = tmp_path / "left", tmp_path / "fifo"
    (folder / "busy").mkdir(parents=True)
    os.mkfifo(fifo)
    told = os.open(fifo, os.O_RDWR)  # for writing too, so that it has no end between two writers
    watched = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder), str(fifo), ending],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[1],
        start_new_session=True,
    )
    assert watched.stdout is not None
    if ending == "waits":
        assert int(watched.stdout.readline()) == watched.pid
        assert not select.select([told], [], [], 0)[0], "nothing is cleaned while we live"
        os.killpg(watched.pid, signal.SIGKILL)
    assert watched.stdout.read() == b""  # and the janitor keeps nobody's output open
    watched.wait()
    lines = b""
    while lines.count(b"\n") < 2:
        assert select.select([told], [], [], DEADLINE_MS / 1000)[0]
        lines += os.read(told, 4096)
    os.close(told)
    for line in lines.splitlines():
        session, parent, n_descriptors = map(int, line.split())
        assert session not in (watched.pid, os.getsid(0)) and parent != watched.pid
        assert n_descriptors <= 2, "a pipe and the watched process, nothing else"
    assert not folder.exists()
