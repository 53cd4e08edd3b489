"""What every demo's command line is made of: options, `--list`, the ready line.

A demo file says what it is in a literal, `DEMO`, which others may read without running it.
"""

import argparse
import glob
import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, NotRequired, TypedDict

import _keeper

HERE = Path(__file__).parent
FRONT_INSTALL = {
    "nginx": "apt install nginx",
    "apache": "apt install apache2",
    "lighttpd": "apt install lighttpd",
}
FRONT_PROGRAM = {"nginx": "nginx", "apache": "apache2", "lighttpd": "lighttpd"}


class Demo(TypedDict):
    name: str
    summary: str
    protocol: str
    process_model: str
    explain: str
    fronts: list[str]
    """The first is the default; "none": clients speak to the server itself; []: they always do."""
    needs: list[str]
    """ "flup": a Python module; "program:nginx"; "file:/usr/lib/*/libphp*.so" (a pattern)."""
    install: str | None
    """The one command that installs them."""
    unix: NotRequired[bool]
    """Its hop can be a unix socket."""


@dataclass(frozen=True)
class Options:
    workers: int
    front: str | None
    unix: bool


def main(demo: Demo, build: Callable[[_keeper.Keeper, Options], dict[str, Any]]) -> NoReturn:
    """`build` starts the servers and returns `url`, `listen` and `front`."""
    asked = _parser(demo).parse_args()
    missing = [_shown(part) for part in demo["needs"] if not _is_here(part)]
    if asked.list:
        about = {"name": demo["name"], "summary": demo["summary"], "installed": not missing}
        print(json.dumps(about | {"missing": missing, "install": demo["install"]}))
        sys.exit(0)
    if missing:
        _stop(demo, f"{', '.join(missing)} is not installed; {demo['install']}")
    if asked.unix and not demo.get("unix", False):
        _stop(demo, "--unix: its hop cannot be a unix socket; leave the option out")
    options = Options(asked.workers, asked.front, asked.unix)
    front = options.front or ""
    if front in FRONT_PROGRAM and not _is_here(f"program:{FRONT_PROGRAM[front]}"):
        _stop(demo, f"{front} is not installed; {FRONT_INSTALL[front]}")

    def start(keeper: _keeper.Keeper) -> dict[str, Any]:
        same = {key: demo[key] for key in ("name", "protocol", "process_model")}  # type: ignore[literal-required]
        return same | build(keeper, options) | {"pid": os.getpid(), "explain": demo["explain"]}

    _keeper.run(demo["name"], start, asked.until_eof)


def _is_here(part: str) -> bool:
    kind, _, name = part.rpartition(":")
    if kind == "program":
        return shutil.which(name, path=_search_path()) is not None
    return bool(glob.glob(name)) if kind == "file" else importlib.util.find_spec(name) is not None


def _shown(part: str) -> str:
    """What people call it: "nginx", "libphp*.so"."""
    return part.rpartition(":")[2].rpartition("/")[2]


def _parser(demo: Demo) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"demo {demo['name']}", description=demo["summary"])
    parser.add_argument("--list", action="store_true", help="say what this needs, and stop")
    parser.add_argument("--workers", type=_positive, default=2, metavar="W")
    parser.add_argument("--front", type=_front_of(demo), default=(demo["fronts"] or [None])[0])
    parser.add_argument(
        "--unix", action="store_true", help="front and gateway meet on a unix socket"
    )
    # For programs that start us: no signal has to be allowed, no death of theirs can be missed.
    parser.add_argument("--until-eof", action="store_true", help="end with the end of stdin")
    return parser


def _front_of(demo: Demo) -> Callable[[str], str]:
    def known(text: str) -> str:
        if text in demo["fronts"]:
            return text
        there_are = ", ".join(demo["fronts"]) or "none: clients speak to the server itself"
        raise argparse.ArgumentTypeError(f"{text!r} cannot stand before it; there are {there_are}")

    return known


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _stop(demo: Demo, why: str) -> NoReturn:
    print(f"demo {demo['name']}: {why}", file=sys.stderr)
    sys.exit(1)


def _search_path() -> str:
    """nginx lives in sbin, which is not in everybody's PATH."""
    return os.environ.get("PATH", os.defpath) + ":/usr/sbin:/usr/local/sbin"


def which(command: str) -> str:
    return shutil.which(command, path=_search_path()) or command
