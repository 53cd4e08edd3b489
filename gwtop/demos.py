"""Finds the demo programs, says what each needs, and starts one.

In: a demo's name. Out: its ready line and a handle. Knows no protocol and imports no demo: each is
a program of its own (a witness, not an accomplice) and looks after its own processes, so that
even SIGKILL of this process leaves nothing behind. What a demo says of itself stands in a
literal, `DEMO`, which is read as text: 1 ms each, where asking the program costs 60.
"""

import ast
import glob
import importlib.util
import json
import os
import select
import shutil
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypedDict, cast

from gwtop import clock
from gwtop.errors import GwtopError

READY_DEADLINE_NS = 30_000_000_000  # the demo's own is 20 s; a cold disk is slow to import
STOP_DEADLINE_S = 5.0  # it promises two
LAST_WORDS_S = 0.2  # a server may hold the pipe a moment longer than the demo lives
MAX_STDERR_LINES = 50


@dataclass(frozen=True, slots=True)
class DemoInfo:
    name: str
    summary: str
    protocol: str
    process_model: str
    fronts: tuple[str, ...]
    """The first is the default; "none": clients speak to the server itself; (): they always do."""
    installed: bool
    missing: tuple[str, ...]
    install: str | None
    """The one command that installs what is missing. None: it needs nothing."""
    program: Path
    unix: bool = False
    """Its hop can be a unix socket."""


class Ready(TypedDict):
    """The ready line: INTERFACE.md, A demo program."""

    name: str
    protocol: str
    process_model: str
    url: str
    listen: str
    front: int | None
    pid: int
    explain: str


class RunningDemo:
    """A demo that said it is ready."""

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        ready: Ready,
        said: deque[str],
        drained: threading.Thread,
    ) -> None:
        self.ready = ready
        self._process = process
        self._said = said
        self._drained = drained

    def poll(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.poll()

    def stderr_tail(self) -> list[str]:
        """The last lines that it and its servers wrote to stderr; all of them once it has ended."""
        if self.poll() is not None:
            self._drained.join(STOP_DEADLINE_S)
        return list(self._said)

    def trouble(self, waits_s: float = LAST_WORDS_S) -> str | None:
        """Why it ended, once it did, in one line. None: it runs. `waits_s`: for its last words, at
        most; who must not wait may ask again."""
        status = self.poll()
        if status is None:
            return None
        self._drained.join(waits_s)
        name = self.ready["name"]
        # A server that was told to stop may have said so after the demo's own words.
        why = _own_words(name, self._said)
        if why is None:
            why = f"demo {name}: " + (f"signal {-status}" if status < 0 else "it did not say why")
        return f"the demo has ended ({why})"

    def let_go(self) -> None:
        """Lets it end by itself, without waiting; may be called twice."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def stop(self) -> None:
        """Ends its whole tree and waits for that; may be called twice.

        Not by a signal: under sudo we may have given up the right to send one.
        """
        self.let_go()
        try:
            self._process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()  # its keeper sees that and ends the tree
            self._process.wait()


def folder() -> Path:
    """Where the programs are: inside the wheel, or beside the package in a checkout."""
    package = Path(__file__).parent
    for candidate in (package / "_demos", package.parent / "demos"):
        if candidate.is_dir():
            return candidate
    raise GwtopError("the demos are not installed with this gwtop", "pip install gwtop")


def catalogue() -> list[DemoInfo]:
    """Every demo, sorted by name; none is run or imported."""
    return sorted(map(_read, folder().glob("demo_*.py")), key=lambda info: info.name)


def find(name: str) -> DemoInfo:
    found = {info.name: info for info in catalogue()}
    if name not in found:
        raise GwtopError(f"there is no demo {name!r}", f"there are {', '.join(found)}")
    return found[name]


def _read(program: Path) -> DemoInfo:
    for statement in ast.parse(program.read_text()).body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id="DEMO"), value=ast.Dict() as literal):
                about = ast.literal_eval(literal)
                break
    else:
        raise AssertionError(f"{program} has no DEMO")
    missing = tuple(_shown(part) for part in about["needs"] if not _is_here(part))
    return DemoInfo(
        name=about["name"],
        summary=about["summary"],
        protocol=about["protocol"],
        process_model=about["process_model"],
        fronts=tuple(about["fronts"]),
        installed=not missing,
        missing=missing,
        install=about["install"],
        program=program,
        unix=about.get("unix", False),
    )


def _is_here(part: str) -> bool:
    """ "flup": a Python module; "program:nginx"; "file:/usr/lib/*/libphp*.so" (a pattern)."""
    kind, _, name = part.rpartition(":")
    if kind == "program":
        # Servers live in sbin, which is not in everybody's PATH.
        places = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/usr/local/sbin"
        return shutil.which(name, path=places) is not None
    return bool(glob.glob(name)) if kind == "file" else importlib.util.find_spec(name) is not None


def _shown(part: str) -> str:
    """What people call it: "nginx", "libphp*.so"."""
    return part.rpartition(":")[2].rpartition("/")[2]


def start(
    name: str,
    *,
    workers: int = 2,
    front: str | None = None,
    unix: bool = False,
    copy: Path | None = None,
) -> RunningDemo:
    """Starts a demo and waits until it is ready. `front` None: the demo's own choice. `copy`: a
    folder to start a copy of the programs from, and where it makes its temporary ones."""
    info = find(name)
    if info.missing:
        raise GwtopError(
            f"demo {name} needs {', '.join(info.missing)}", f"install it with: {info.install}"
        )
    if front is not None and front not in info.fronts:
        raise _no_such_front(info, front)
    program = info.program
    if copy is not None:
        ignored = shutil.ignore_patterns("__pycache__")
        program = shutil.copytree(folder(), copy / "demos", ignore=ignored) / program.name
    argv = [sys.executable, str(program), "--workers", str(workers)]
    argv += ["--until-eof"]
    argv += ["--front", front] if front else []
    argv += ["--unix"] if unix else []
    process = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,  # its end ends the demo
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Ctrl-C is for us: a demo that ended at the same moment would look like an event.
        start_new_session=True,
        env=None if copy is None else os.environ | {"TMPDIR": str(copy)},
    )
    assert process.stdin and process.stdout and process.stderr
    said: deque[str] = deque(maxlen=MAX_STDERR_LINES)
    drain = threading.Thread(target=_drain, args=(process.stderr, said), daemon=True)
    drain.start()
    with process.stdout:
        line = _first_line(process.stdout)
    if not line:
        process.stdin.close()
        process.terminate()
        process.wait()
        drain.join()
        raise GwtopError(_reason(name, list(said)))
    # The program is part of this package; a line of another shape is our own mistake.
    return RunningDemo(process, cast(Ready, json.loads(line)), said, drain)


def _no_such_front(info: DemoInfo, front: str) -> GwtopError:
    """With what was meant, where that is a demo of its own: Apache's CGI is `cgi-apache`."""
    named = {other.name for other in catalogue()}
    if f"{info.name}-{front}" in named:
        remedy = f"there is gwtop demo {info.name}-{front}"
    elif info.fronts:
        remedy = f"there are {', '.join(info.fronts)}"
    else:
        remedy = "leave --front out: clients speak to its web server itself"
    return GwtopError(f"demo {info.name} has no front {front!r}", remedy)


def _drain(stderr: IO[bytes], said: deque[str]) -> None:
    """Keeps the last lines: a full pipe would stop the servers that write to it."""
    with stderr:
        for line in stderr:
            said.append(line.decode("latin-1").rstrip())


def _first_line(stdout: IO[bytes]) -> bytes:
    """b"" when the program ends, or the deadline passes, without a whole line."""
    line, deadline = b"", clock.monotonic_ns() + READY_DEADLINE_NS
    while not line.endswith(b"\n"):
        left_s = max(0, deadline - clock.monotonic_ns()) / 1e9
        if not select.select([stdout], [], [], left_s)[0]:
            return b""
        piece = os.read(stdout.fileno(), 65536)
        if not piece:
            return b""
        line += piece
    return line


def _reason(name: str, said: list[str]) -> str:
    words = _own_words(name, said)  # rather than a server's last ones
    if words is not None:
        return words
    return f"demo {name}: " + (said[-1] if said else "it did not start and did not say why")


def _own_words(name: str, said: Iterable[str]) -> str | None:
    own = [line for line in said if line.startswith(f"demo {name}: ")]
    return own[-1] if own else None
