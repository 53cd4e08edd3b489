"""How the person at the screen wants it: theme, keys, saved filters, columns, as a TOML file says.

In: the text of a file and an environment. Out: a `Config`, or a `ConfigError` that names file and
line. Refuses to know what a theme looks like or which actions there are: the screen checks those.

What counts, the last that speaks: what is built in; the file (`GWTOP_CONFIG`, else
`$XDG_CONFIG_HOME/gwtop/config.toml`, else `~/.config/gwtop/config.toml`); the environment
(`GWTOP_THEME`, `GWTOP_ASCII`, `GWTOP_TIMES`; `NO_COLOR` takes colour from any theme).
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from gwtop.errors import GwtopError

Ascii: TypeAlias = Literal["auto", "yes", "no"]
Times: TypeAlias = Literal["local", "utc"]
THEMES = ("terminal", "dark", "light", "high-contrast", "mono")
ROLES = ("text", "dim", "bold", "good", "warn", "bad", "accent", "head", "warn-block", "bad-block")
"""What has a colour; "text" is everything else, and its background that of the screen."""
DUMB_TERMINALS = ("dumb", "unknown")
PLAIN_TERMINALS = ("linux", "vt", "cons", "wyse", "hp", "sun")
"""How the names of those begin whose fonts lack rounded corners and braille, or most of UTF-8."""


class ConfigError(GwtopError):
    """The file says something that cannot be meant; said before there is a screen."""


@dataclass(frozen=True, slots=True)
class Config:
    theme: str = "terminal"
    colours: Mapping[str, str] = field(default_factory=dict)
    """Role: a style, over that of the theme."""
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Action ("requests.sort"): its keys; () takes them all away."""
    filters: Mapping[str, str] = field(default_factory=dict)
    """Name: a line of the filter language."""
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Table: the columns that are shown."""
    ascii: Ascii = "auto"
    zone: Times = "local"
    path: Path | None = None
    """None: there is no file."""
    text: str = ""
    """What the file says, to find lines in."""

    def is_ascii(self, environ: Mapping[str, str]) -> bool:
        return terminal_is_plain(environ) if self.ascii == "auto" else self.ascii == "yes"


def path_of(environ: Mapping[str, str], home: Path) -> Path:
    """Where the file is, or would be."""
    if named := environ.get("GWTOP_CONFIG"):
        return Path(os.path.expanduser(named))  # as it is, where nobody has that home
    base = environ.get("XDG_CONFIG_HOME", "")
    folder = Path(base) if base.startswith("/") else home / ".config"
    return folder / "gwtop" / "config.toml"  # XDG base directories 0.8: relative ones are ignored


def load(environ: Mapping[str, str], home: Path) -> Config:
    """Raises ConfigError. No file is no error, unless `GWTOP_CONFIG` names it."""
    from gwtop.config.reading import overridden, parse  # tomllib and the filters: 10 ms

    path = path_of(environ, home)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if environ.get("GWTOP_CONFIG"):
            raise ConfigError(
                f"there is no {path}, which GWTOP_CONFIG names", "`gwtop config init` writes one"
            ) from None
        return overridden(Config(), environ)
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8", "TOML is") from None
    except OSError as why:
        raise ConfigError(f"cannot read {path} ({why.strerror})") from None
    return overridden(parse(text, path), environ)


def terminal_is_plain(environ: Mapping[str, str]) -> bool:
    """Whether it has nothing but ASCII, as far as the environment says.

    Nothing said is not "C": many containers set no locale on terminals that can do all. Python
    itself sets LC_CTYPE=C.UTF-8 where LANG is C (PEP 538), so that does not speak for the terminal.
    """
    if environ.get("TERM", "").startswith(PLAIN_TERMINALS):
        return True
    said = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    coerced = said.lower() in ("c.utf-8", "c.utf8", "utf-8") and not environ.get("LC_ALL")
    if coerced and environ.get("LANG") in ("C", "POSIX"):
        return True
    return bool(said) and "utf" not in said.lower()
