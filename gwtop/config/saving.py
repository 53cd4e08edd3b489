"""A filter by its name, put into the text of a config file; and the file replaced.

In: the file's text, a name, a line of the filter language. Out: the text with that one line new,
everything else (comments too) as it was. Raises ConfigError where the text is not what it would
have to be; then nothing is written.

A file is edited as text, for no writer of TOML keeps what a person wrote around the values. What
comes out is read again before it replaces anything.
"""

import os
import re
import tempfile
from dataclasses import replace
from pathlib import Path

from gwtop.config import Config, ConfigError
from gwtop.config.reading import line_of, parse
from gwtop.config.writing import key_text, value_text

_ANY_TABLE = re.compile(r"\s*\[")
_FILTERS = re.compile(r"\s*\[\s*filters\s*\]")


def with_filter(text: str, name: str, line: str, path: Path | None = None) -> str:
    """In the table that is there, else in one at the end; a filter of that name is replaced."""
    lines = text.splitlines()
    said = f"{key_text(name)} = {value_text(line)}"
    at = next((n for n, have in enumerate(lines) if _FILTERS.match(have)), None)
    parse(f"[filters]\n{said}\n")  # says what is wrong with the name
    before = parse(text, path)
    if name in before.filters:
        lines[line_of(lines, ("filters", name)) - 1] = said
    elif at is None:
        lines += [*([""] if lines else []), "[filters]", said]
    else:
        lines.insert(_end_of_table(lines, at), said)
    new = "\n".join(lines) + "\n"
    written: Config | None
    try:
        written = replace(parse(new, path), text=text)
    except ConfigError:
        written = None
    if written != replace(before, filters={**before.filters, name: line}):
        remedy = f"write it there yourself: {said}"
        raise ConfigError(f"{path or 'config'}: no room for a filter was found", remedy)
    return new


def _end_of_table(lines: list[str], at: int) -> int:
    """Behind its last line that says something."""
    end = at + 1
    for n in range(at + 1, len(lines)):
        if _ANY_TABLE.match(lines[n]):
            break
        if lines[n].strip() and not lines[n].lstrip().startswith("#"):
            end = n + 1
    return end


def save_filter(path: Path, name: str, line: str) -> Config:
    """What the file says from now on. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        new = with_filter(text, name, line, path)
        _replace(path.resolve(), new)
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8", "TOML is") from None
    except OSError as why:
        raise ConfigError(f"cannot write {path} ({why.strerror})") from None
    return parse(new, path)


def _replace(path: Path, text: str) -> None:
    """At once, or not at all; with the rights it had."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    number, name = tempfile.mkstemp(dir=path.parent, prefix=".gwtop-")
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(name, mode)
        os.replace(name, path)
    except OSError:
        os.unlink(name)
        raise
