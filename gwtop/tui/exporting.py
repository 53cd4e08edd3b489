"""Files that are written from the screen: chosen requests, pictures of it.

In: the app, a format. Out: a new file of the user who looks, and its path. Never overwrites: a
name that is taken gets a number.

Which requests: those that are marked; else those that the filter lets through; else the selected
one; else all. A file takes the newest 20,000 of them, and there may be some whose whole facts are
no longer kept, so it is said how many of them are in the file.
"""

import os
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from gwtop import clock
from gwtop.errors import GwtopError
from gwtop.journal import encode_all
from gwtop.nouns.facts import Request
from gwtop.nouns.times import SECOND_NS
from gwtop.outputs import har
from gwtop.outputs.repeat import lines_of

if TYPE_CHECKING:
    from gwtop.tui.app import Screen

Format: TypeAlias = Literal["jsonl", "har", "sh"]
MAX_NAMES = 1000
MAX_REQUESTS = 20_000
"""Some 40 MB while they are written, and no key waits for longer than 0.1 s."""


class Selection(NamedTuple):
    words: str
    """Which they are: "12 marked"."""
    numbers: Sequence[int]
    facts: Sequence[Request]
    """Of the newest of them, those whose facts are kept."""


def selection(app: "Screen") -> Selection:
    picked, view = app.requests.picked, app.shown.requests
    if picked.marks:
        numbers: Sequence[int] = sorted(n for n in picked.marks if view.first <= n < view.end)
        words = "marked"
    elif picked.filter or picked.only_marked:
        source = app.requests.cursor.source
        numbers = sorted(source.key_at(n) for n in range(source.first, source.end))
        words = "let through by the filter"
    elif app.requests.cursor.selected is not None:
        numbers, words = [app.requests.cursor.selected], "selected"
    else:
        numbers, words = range(view.first, view.end), "seen"
    facts = [
        fact for n in numbers[-MAX_REQUESTS:] if (fact := app.model.requests.detail(n)) is not None
    ]
    return Selection(f"{len(numbers):,} {words}", numbers, facts)


def text_of(facts: Sequence[Request], format: Format) -> str:
    match format:
        case "har":
            return har.encode(facts)
        case "jsonl":
            return encode_all(facts).decode("utf-8")
        case "sh":
            lines = [line.text for fact in facts for line in lines_of(fact)[:1]]
            return "\n".join(["#!/bin/sh", *lines]) + "\n"


def written(text: str, folder: Path, stem: str, ending: str) -> Path:
    """A new file in that folder, for its owner alone: requests hold what was sent in private."""
    at = datetime.fromtimestamp(clock.now() // SECOND_NS)
    name = f"{stem}-{at:%Y%m%d-%H%M%S}"
    for number in range(1, MAX_NAMES):
        path = folder / (f"{name}.{ending}" if number == 1 else f"{name}-{number}.{ending}")
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except FileExistsError:
            continue
        except OSError as why:
            raise GwtopError(f"cannot write {path} ({why.strerror})") from None
        _fill(file, path, text)
        return path
    raise GwtopError(f"{folder} is full of files named {name}")


def _fill(file: int, path: Path, text: str) -> None:
    """All of it, or no file."""
    try:
        with os.fdopen(file, "w", encoding="utf-8", errors="replace") as out:
            out.write(text)
    except OSError as why:  # the disk is full
        path.unlink(missing_ok=True)
        raise GwtopError(f"cannot write {path} ({why.strerror})") from None


def folder_for_exports(environ: Mapping[str, str]) -> Path:
    """Where gwtop was started, if one may write there; else the user's state folder."""
    try:
        here = Path.cwd()
    except FileNotFoundError:  # it was deleted meanwhile
        return state_folder(environ)
    return here if os.access(here, os.W_OK | os.X_OK) else state_folder(environ)


def folder_for_pictures(environ: Mapping[str, str]) -> Path:
    """XDG user directories: the environment, their file, ~/Pictures; else as above."""
    named = environ.get("XDG_PICTURES_DIR") or _user_dir(environ) or "~/Pictures"
    path = Path(named.replace("$HOME", "~")).expanduser()
    if path.is_dir() and os.access(path, os.W_OK | os.X_OK):
        return path
    return folder_for_exports(environ)


def state_folder(environ: Mapping[str, str]) -> Path:
    base = environ.get("XDG_STATE_HOME", "")
    path = (Path(base) if base.startswith("/") else Path.home() / ".local/state") / "gwtop"
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as why:
        raise GwtopError(f"cannot make {path} ({why.strerror})") from None
    return path


def _user_dir(environ: Mapping[str, str]) -> str:
    base = Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    try:
        text = (base / "user-dirs.dirs").read_text(encoding="utf-8", errors="replace")
    except OSError:  # a machine without a desktop
        return ""
    found = re.search(r'^XDG_PICTURES_DIR="([^"]*)"', text, re.MULTILINE)
    return found[1] if found else ""
