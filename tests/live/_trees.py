"""What the tests of demos see of the machine: the process tree and the listening ports.

In: /proc. Out: pids and ports. An independent witness: it shares no code with the demos.
"""

import os
import select
import time
from contextlib import suppress
from pathlib import Path

import pytest

PROMISED_S = 2.0


def parents() -> dict[int, int]:
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            found[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    return found


def children(pid: int) -> list[int]:
    return sorted(child for child, parent in parents().items() if parent == pid)


def descendants(pid: int) -> list[int]:
    return [below for child in children(pid) for below in (child, *descendants(child))]


def listening_ports() -> set[int]:
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(row[1].partition(":")[2], 16) for row in rows if row[3] == "0A"}


def ports_of(pids: list[int]) -> set[int]:
    """The TCP ports (IPv4) that one of these listens on."""
    held = set()
    for pid in pids:
        with suppress(OSError):  # it ended meanwhile
            held |= {os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {
        int(row[1].partition(":")[2], 16)
        for row in rows
        if row[3] == "0A" and f"socket:[{row[9]}]" in held
    }


def port_of(address: str) -> int:
    return int(address.rstrip("/").rpartition(":")[2])


def told(pid: int) -> str:
    with suppress(OSError):
        return f"{pid} {Path(f'/proc/{pid}/cmdline').read_bytes().decode().split(chr(0))}"
    return f"{pid} (gone)"


def living_in(folder: Path) -> list[int]:
    """Processes with their working directory in or below a folder, deleted or not."""
    found = []
    for cwd in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):  # it ended, or it is a zombie, which has none
            if os.readlink(cwd).startswith(str(folder)):
                found.append(int(cwd.parent.name))
    return found


def await_nobody(folder: Path, but: tuple[int, ...] = ()) -> None:
    """Waits for each process that is left, two seconds in all."""
    deadline = time.monotonic() + PROMISED_S
    while left := [pid for pid in living_in(folder) if pid not in but]:
        try:
            watched = os.pidfd_open(left[0])
        except ProcessLookupError:
            continue
        left_s = max(0.0, deadline - time.monotonic())
        ended = select.select([watched], [], [], left_s)[0]
        os.close(watched)
        if not ended:
            pytest.fail(f"after {PROMISED_S} s these are left: {[told(pid) for pid in left]}")
