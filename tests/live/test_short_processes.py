"""A thousand processes that live a millisecond each, in the tree of an attached gwtop: each is
told, or the rest stands in `missed`."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live._running import await_listening, free_port, need_root, of_type, running

pytestmark = pytest.mark.live

N = 1000
SPAWNS = {
    "one after the other": "for _ in range(n): os.waitpid(spawn(), 0)",
    "before the first is reaped": "for p in [spawn() for _ in range(n)]: os.waitpid(p, 0)",
    "by a shell": "os.system('i=0; while [ $i -lt %d ]; do /bin/true; i=$((i+1)); done' % n)",
}
LISTENER = """
import os, socket, sys
port, n = int(sys.argv[1]), int(sys.argv[2])
listener = socket.create_server(("127.0.0.1", port))
spawn = lambda: os.posix_spawn("/bin/true", ["true"], {})
sys.stdin.readline()
SPAWNS
print("done", flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("is_held_up", [False, True], ids=["", "and gwtop is held up"])
@pytest.mark.parametrize("how", SPAWNS)
def test_a_thousand_births_are_told_or_counted_as_missed(
    tmp_path: Path, how: str, is_held_up: bool
) -> None:
    need_root()
    port = free_port()
    program = LISTENER.replace("SPAWNS", SPAWNS[how])
    with subprocess.Popen(
        [sys.executable, "-c", program, str(port), str(N)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as listener:
        assert listener.stdin is not None and listener.stdout is not None
        await_listening("127.0.0.1", port, listener)
        with running("attach", "--port", str(port), "--json", folder=tmp_path) as gwtop:
            gwtop.await_type("hello")
            gwtop.await_fact(lambda f: f["type"] == "process_seen" and f["pid"] == listener.pid)
            if is_held_up:  # its end comes with everything still unread
                gwtop.process.send_signal(signal.SIGSTOP)
            listener.stdin.write(b"go\n")
            listener.stdin.flush()
            assert listener.stdout.readline() == b"done\n"
            if is_held_up:
                gwtop.process.send_signal(signal.SIGINT)
                gwtop.process.send_signal(signal.SIGCONT)
            else:
                gwtop.await_type("tick")  # what is on its way is told before the end anyway
            assert gwtop.interrupt() == 130
        listener.stdin.close()
    by_a_shell = 1 if how == "by a shell" else 0  # itself a process born
    born = [f["pid"] for f in of_type(gwtop.facts, "process_born")]
    exited = {f["pid"]: f for f in of_type(gwtop.facts, "process_exited")}
    summary = gwtop.facts[-1]
    missed = summary["missed"]["process_events"]
    named = sum(f["name"] == "true" for f in of_type(gwtop.facts, "process_born"))
    print(f"{how}: {len(born)} born, {named} of them with their name, {missed} events missed")
    assert summary["processes_born"] == len(born) == len(set(born))
    assert len(born) <= N + by_a_shell <= len(born) + missed
    if missed == 0:
        assert all(exited[pid]["code"] == 0 for pid in born)
