"""Rights are named, asked for in one line, and given up for good.

In: this process and children of it. Out: what the kernel's own status file says of them.
"""

import json
import os
import shlex
import subprocess
import sys
from dataclasses import replace

import pytest

from gwtop.nouns.plan import Plan
from gwtop.taps import privilege
from gwtop.taps.privilege import Capability

DROPS = """
import json, sys
from gwtop.taps import privilege
from gwtop.taps.privilege import Capability
keep = [Capability[name] for name in sys.argv[1:]]
before = [c.name for c in privilege.held()]
for _ in range(2):
    held = privilege.drop(keep)
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps([before, [c.name for c in held], {k: v.strip() for k, v in status.items()}]))
"""


def after_dropping(*keep: str) -> tuple[list[str], list[str], dict[str, str]]:
    done = subprocess.run(
        [sys.executable, "-c", DROPS, *keep], capture_output=True, text=True, check=True
    )
    before, held, status = json.loads(done.stdout)
    return before, held, status


def test_dropping_everything_leaves_nothing_and_no_way_back() -> None:
    _, held, status = after_dropping()
    assert held == []
    for field in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
        assert int(status[field], 16) == 0, field
    assert status["NoNewPrivs"] == "1"


def test_what_is_kept_is_kept_and_nothing_else() -> None:
    before, held, status = after_dropping("SYS_PTRACE", "DAC_READ_SEARCH")
    wanted = {"SYS_PTRACE", "DAC_READ_SEARCH"} & set(before)
    assert set(held) == wanted
    mask = sum(1 << Capability[name] for name in wanted)
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == mask
    if "SETPCAP" in before:
        assert int(status["CapBnd"], 16) == mask


CAN_BE_DUMPED = """
import ctypes
from gwtop.taps import privilege
privilege.drop()
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))  # PR_GET_DUMPABLE, linux/prctl.h
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who reads what is others'")
def test_no_core_file_holds_what_root_has_read() -> None:
    done = subprocess.run([sys.executable, "-c", CAN_BE_DUMPED], capture_output=True, text=True)
    assert done.stdout == "0\n"


def test_what_the_engine_keeps_is_for_other_users_processes_only() -> None:
    assert privilege.to_keep(Plan(ports=(1,))) <= privilege.OTHERS


@pytest.mark.parametrize("tap", sorted(privilege.NEEDS))
def test_every_need_is_one_line_with_the_command(tap: str) -> None:
    line = privilege.needed(tap, Plan(ports=(9000, 9001)))
    assert line.startswith("CAP_") and "\n" not in line
    assert line.endswith("attach --port 9000 --port 9001") and "sudo " in line


def test_the_command_is_one_that_can_be_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/opt/bin/gwtop", "doctor"])
    assert privilege.command() == "sudo /opt/bin/gwtop attach --port PORT"
    plan = Plan(socket="/run/app.sock")
    assert privilege.command(plan) == "sudo /opt/bin/gwtop attach --socket /run/app.sock"
    plan = Plan(ports=(80,), interface="eth0", host="10.0.0.1", protocol="http")
    assert privilege.command(plan).endswith(
        "attach --port 80 --host 10.0.0.1 --interface eth0 --protocol http"
    )
    assert privilege.command(replace(plan, capture="calls")).endswith(" --capture calls")
    chosen = replace(plan, capture="calls", is_capture_open=True)
    assert "--capture" not in privilege.command(chosen)
    assert shlex.split(privilege.command(Plan(socket="/run/my app")))[-1] == "/run/my app"
    monkeypatch.setattr(sys, "argv", ["-c"])
    assert privilege.command() == f"sudo {sys.executable} -m gwtop attach --port PORT"
