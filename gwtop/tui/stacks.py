"""What a process is executing right now, as py-spy reads it from outside: one look, on one key.

In: a process, and the language of its interpreter. Out: lines, or why there are none and the exact
command that would help. Refuses to know screens.

py-spy is a program, and runs with the rights of whoever looks; it stops the process for some
milliseconds. It gets a deadline, and what it prints is text from outside like any other.
"""

import asyncio
import os
import shutil
import sys
from pathlib import Path

from gwtop.panels import Cell, Line, escape
from gwtop.tui.signalling import Target, same

DEADLINE_S = 10.0
MAX_OUTPUT_BYTES = 256 * 1024
MAX_LINES = 500
OTHERS = {
    "php": (
        "PHP tells by itself, in its pool's file: slowlog = FILE, request_slowlog_timeout = 1s",
        "from outside: phpspy --pid={pid} --limit=1",
    ),
    "ruby": ("another tool reads Ruby's:", "rbspy snapshot --pid {pid}"),
    "java": ("Java tells by itself:", "jstack {pid}"),
    "node": ("Node opens its inspector, for a debugger, when it gets:", "kill -USR1 {pid}"),
    "perl": ("no tool reads Perl's from outside; of its C code:", "gdb -p {pid} -batch -ex bt"),
}
"""What would help where the interpreter is not Python."""
NO_INTERPRETER = (
    "no interpreter that we know is in it; of its C code:",
    "gdb -p {pid} -batch -ex 'thread apply all bt'",
)
REFUSALS = ("permission", "not permitted", "denied", "ptrace")


def program() -> str | None:
    """Where py-spy is: beside our own Python, or on the path."""
    beside = Path(sys.executable).parent / "py-spy"
    return str(beside) if os.access(beside, os.X_OK) else shutil.which("py-spy")


def install_command() -> str:
    if sys.prefix == sys.base_prefix:  # the system's Python, which may belong to its packages
        return "pipx install py-spy"
    return f"{sys.executable} -m pip install py-spy"


async def stack(target: Target, language: str | None, is_known: bool) -> tuple[Line, ...]:
    """`is_known`: somebody looked for an interpreter; else py-spy finds out."""
    if is_known and language != "python":
        words, command = OTHERS.get(language or "", NO_INTERPRETER)
        return _told(words, command.format(pid=target.pid))
    found = program()
    if found is None:
        return _told(
            "py-spy, which reads a Python process's stack, is not installed:", install_command()
        )
    if not same(target):
        return _told(f"process {target.pid} has ended")
    status, said = await _run(found, "dump", "--pid", str(target.pid))
    if status is None:
        return _told(f"py-spy did not answer within {DEADLINE_S:.0f} s")
    if status == 0 and same(target):
        return _listed(said)
    return _failed(target, found, said)


async def _run(*argv: str) -> tuple[int | None, str]:
    """Its exit status and what it printed; None: it was too slow, and was ended."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    said = b""
    try:
        async with asyncio.timeout(DEADLINE_S):
            while more := await process.stdout.read(MAX_OUTPUT_BYTES):
                said = (said + more)[:MAX_OUTPUT_BYTES]
            status = await process.wait()
    except TimeoutError:
        return None, ""
    finally:
        if process.returncode is None:  # too slow, or nobody wants to know any more
            process.kill()
            await process.wait()
    return status, said.decode("utf-8", "replace")


def _listed(said: str) -> tuple[Line, ...]:
    lines = [line for line in said.splitlines() if line.strip()]
    found: list[Line] = []
    for line in lines[:MAX_LINES]:
        text = escape(line.expandtabs(4))
        found.append((Cell(text, "" if line.startswith(" ") else "bold"),))
    if len(lines) > MAX_LINES:
        found.append((Cell(f"… and {len(lines) - MAX_LINES} lines more", "dim"),))
    return tuple(found) or _told("py-spy saw no Python in it")


def _failed(target: Target, found: str, said: str) -> tuple[Line, ...]:
    last = [line.strip() for line in said.splitlines() if line.strip()] or ["without a word"]
    if any(word in said.lower() for word in REFUSALS):
        sudo = "in a root shell: " if os.geteuid() == 0 else "sudo "
        return _told(
            "we may not read this process; this may:", f"{sudo}{found} dump --pid {target.pid}"
        )
    return _told(f"py-spy failed: {escape(last[0])}")


def _told(words: str, command: str = "") -> tuple[Line, ...]:
    line: Line = (Cell(words, "warn"),)
    return (line, (Cell(f"  {escape(command)}", "accent"),)) if command else (line,)
