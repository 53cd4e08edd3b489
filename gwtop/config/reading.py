"""The text of a config file as a `Config`: keys known, values checked, errors placed.

In: TOML. Out: a `Config`, or the first `ConfigError`, with the line and the nearest thing that
exists. Knows no file.

tomllib says where the syntax breaks, and of a well-formed file nothing; so the line of a key is
looked for in the text: its table's head first, then the key behind it.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TypeAlias, TypeGuard

from gwtop.config import ROLES, THEMES, Ascii, Config, ConfigError, Times
from gwtop.model.filter import FilterError
from gwtop.model.filter import parse as parse_filter
from gwtop.panels import discover

KEYS = ("theme", "ascii", "times", "colours", "keys", "filters", "columns")
WORDS = ("bold", "dim", "italic", "underline", "reverse", "strike", "on", "default")
COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_COLOUR = re.compile(rf"#[0-9a-fA-F]{{6}}|(?:bright_)?(?:{'|'.join(COLOURS)})")
_TABLE = re.compile(r"\s*\[([^\[\]]+)\]")
_NAME = re.compile(r"[a-z0-9][a-z0-9 _-]*", re.IGNORECASE)

Toml: TypeAlias = Mapping[str, object]


class _Placed:
    """A file's text, to say where something stands in it."""

    def __init__(self, text: str, path: Path | None) -> None:
        self.lines = text.splitlines()
        self.path = path

    def wrong(self, keys: tuple[str, ...], what: str, remedy: str | None = None) -> ConfigError:
        line = line_of(self.lines, keys)
        where = f"{self.path or 'config'}:{line}" if line else f"{self.path or 'config'}"
        return ConfigError(f"{where}: {what}", remedy)


def wrong_at(config: Config, keys: tuple[str, ...], what: str, remedy: str) -> ConfigError:
    """What only the screen can see to be wrong, such as a key that does two things."""
    return _Placed(config.text, config.path).wrong(keys, what, remedy)


def parse(text: str, path: Path | None = None) -> Config:
    """Raises ConfigError."""
    placed = _Placed(text, path)
    try:
        told: Toml = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise _broken(str(wrong), placed) from None
    _only(told, KEYS, (), "key", placed)
    return Config(
        theme=_one_of(told, "theme", THEMES, "terminal", placed),
        colours=_colours(told, placed),
        keys=_keys(told, placed),
        filters=_filters(told, placed),
        columns=_columns(told, placed),
        ascii=_ascii(told, placed),
        zone=_times(_one_of(told, "times", ("local", "utc"), "local", placed)),
        path=path,
        text=text,
    )


def overridden(config: Config, environ: Mapping[str, str]) -> Config:
    """What the environment says goes over the file."""
    if theme := environ.get("GWTOP_THEME"):
        config = replace(config, theme=_said("GWTOP_THEME", theme, THEMES))
    if plain := environ.get("GWTOP_ASCII"):
        chosen = _said("GWTOP_ASCII", plain, ("auto", "yes", "no", "1", "0", "true", "false"))
        config = replace(config, ascii=_ascii_named(chosen))
    if times := environ.get("GWTOP_TIMES"):
        config = replace(config, zone=_times(_said("GWTOP_TIMES", times, ("local", "utc"))))
    return config


def line_of(lines: list[str], keys: tuple[str, ...]) -> int:
    """Where such a key stands, from 1; that of its table if it is not found; 0: nowhere."""
    if not keys:
        return 0
    table: tuple[str, ...] = ()
    fallback = 0
    for n, line in enumerate(lines, 1):
        if head := _TABLE.match(line):
            table = _split(head[1])
            if table == keys:
                return n
            fallback = n if table and table == keys[: len(table)] else fallback
        elif "=" in line and (*table, *_split(line.split("=", 1)[0])) == keys:
            return n
        elif "=" in line and not fallback and _split(line.split("=", 1)[0]) == keys[:1]:
            fallback = n
    return fallback


def _split(dotted: str) -> tuple[str, ...]:
    """A key as TOML writes it: a.b, "a.b"."""
    parts = re.findall(r'"([^"]*)"|\'([^\']*)\'|([\w-]+)', dotted.split("#")[0])
    return tuple(part for groups in parts for part in groups if part)


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about a name that does not exist."""
    known = list(known)
    found = get_close_matches(name, known, 1, 0.6)
    return f'did you mean "{found[0]}"?' if found else f"there are {', '.join(known)}"


def _broken(message: str, placed: _Placed) -> ConfigError:
    """tomllib's "Invalid value (at line 3, column 9)" as file:3."""
    found = re.search(r"\s*\(at line (\d+), column (\d+)\)", message)
    where = f"{placed.path or 'config'}"
    if found:
        return ConfigError(f"{where}:{found[1]}: {message[: found.start()]}, column {found[2]}")
    return ConfigError(f"{where}:{max(1, len(placed.lines))}: {message}")


def _only(
    told: Toml, known: Iterable[str], at: tuple[str, ...], noun: str, placed: _Placed
) -> None:
    for key in told:
        if key not in known:
            raise placed.wrong((*at, key), f'no {noun} "{key}"', nearest(key, known))


def _said(variable: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ConfigError(f'{variable}: no "{value}"', nearest(value, known))
    return value


def _one_of(told: Toml, key: str, known: tuple[str, ...], usual: str, placed: _Placed) -> str:
    value = told.get(key, usual)
    if not isinstance(value, str):
        raise placed.wrong((key,), f'"{key}" takes a word in quotes', f"one of {', '.join(known)}")
    if value not in known:
        raise placed.wrong((key,), f'no {key} "{value}"', nearest(value, known))
    return value


def _times(value: str) -> Times:
    return "utc" if value == "utc" else "local"


def _ascii(told: Toml, placed: _Placed) -> Ascii:
    value = told.get("ascii", "auto")
    if value not in ("auto", True, False):
        raise placed.wrong(("ascii",), '"ascii" is true, false or "auto"')
    return _ascii_named(str(value).lower())


def _ascii_named(value: str) -> Ascii:
    if value == "auto":
        return "auto"
    return "yes" if value in ("yes", "1", "true") else "no"


def _table(told: Toml, key: str, placed: _Placed) -> Toml:
    table = told.get(key, {})
    if not isinstance(table, dict):
        raise placed.wrong((key,), f'"{key}" is a table', f"write it below a line [{key}]")
    return table


def _is_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _colours(told: Toml, placed: _Placed) -> dict[str, str]:
    table = _table(told, "colours", placed)
    _only(table, ROLES, ("colours",), "role", placed)
    for role, style in table.items():
        if not isinstance(style, str) or not is_style(style):
            hint = 'a style is such as "bold #ff8800 on black", of the names ' + " ".join(COLOURS)
            raise placed.wrong(("colours", role), f'no style "{style}"', hint)
    return {role: str(style) for role, style in table.items()}


def is_style(text: str) -> bool:
    """Attributes and a colour, and another one behind "on"."""
    front, _, back = f" {text} ".partition(" on ")
    colours = [word for word in front.split() if word not in WORDS]
    behind = back.split()
    return (
        len(colours) <= 1
        and len(behind) == (" on " in f" {text} ")
        and all(_COLOUR.fullmatch(word) for word in colours)
        and all(word == "default" or _COLOUR.fullmatch(word) for word in behind)
    )


def _keys(told: Toml, placed: _Placed) -> dict[str, tuple[str, ...]]:
    """`requests.sort = "s"` below [keys], or `sort = "s"` below [keys.requests]."""
    found: dict[str, tuple[str, ...]] = {}

    def walk(table: Toml, at: tuple[str, ...]) -> None:
        for name, value in table.items():
            if isinstance(value, dict):
                walk(value, (*at, name))
            elif isinstance(value, str) or _is_texts(value):
                keys = [value] if isinstance(value, str) else value
                if not all(key.strip() for key in keys):
                    raise placed.wrong((*at, name), "a key without a name", 'write "space"')
                found[".".join((*at, name)[1:])] = tuple(key.strip() for key in keys)
            else:
                hint = '"x", or ["x", "ctrl+x"]'
                raise placed.wrong((*at, name), "a key is a word in quotes, or a list", hint)

    walk(_table(told, "keys", placed), ("keys",))
    return found


def _filters(told: Toml, placed: _Placed) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, line in _table(told, "filters", placed).items():
        at = ("filters", name)
        if not isinstance(line, str):
            raise placed.wrong(at, "a filter is a line in quotes", f'{name} = "status>=500"')
        if not _NAME.fullmatch(name):
            raise placed.wrong(at, f"no name for a filter: {name!r}", "letters and digits")
        try:
            parse_filter(line)
        except FilterError as wrong:
            raise placed.wrong(at, f"{wrong.message}, column {wrong.at + 1} of it") from None
        found[name] = line
    return found


def _columns(told: Toml, placed: _Placed) -> dict[str, tuple[str, ...]]:
    table, panels = _table(told, "columns", placed), discover()
    _only(table, panels, ("columns",), "table", placed)
    for name, columns in table.items():
        at = ("columns", name)
        if not _is_texts(columns) or not columns:
            raise placed.wrong(at, "columns are a list of names", f'{name} = ["pid"]')
        known = [column.name for column in panels[name].COLUMNS if column.name]
        for column in columns:
            if column not in known:
                raise placed.wrong(at, f'no column "{column}"', nearest(column, known))
    return {name: tuple(columns) for name, columns in table.items() if _is_texts(columns)}
