"""What `gwtop config` writes: a commented file to start from, the values in effect, the schema.

In: a `Config`, the actions there are. Out: text. Knows no terminal.
"""

import json
from collections.abc import Mapping

from gwtop.config import ROLES, THEMES, Config
from gwtop.config.reading import COLOURS
from gwtop.panels import discover

SAMPLE_HEAD = """\
# gwtop's config. Every line is a comment: what stands here is what is built in.
# What counts, the last that speaks: what is built in; this file (GWTOP_CONFIG names another one);
# GWTOP_THEME, GWTOP_ASCII and GWTOP_TIMES. NO_COLOR takes the colour from any theme.
# `gwtop config` prints the values in effect, `gwtop config schema` what may stand here.

# theme = "terminal"    # {themes}
# ascii = "auto"        # true, false; "auto": as TERM and the locale say
# times = "local"       # utc

# A role's style: attributes, a colour (16 names, or "#rrggbb"), "on" and a background.
# [colours]
# bad = "bold bright_red"
# accent = "#5fafff"

# Lines of the filter language, by name; the palette (^p) offers them.
# [filters]
# errors = "status>=500"
# slow = "duration>100ms and method=GET"

# The columns of a table; what is not named is put away (key c shows it again).
# [columns]
"""


def sample(actions: Mapping[str, tuple[str, ...]]) -> str:
    """A file in which everything is commented out."""
    lines = [SAMPLE_HEAD.format(themes=", ".join(THEMES)).rstrip("\n")]
    for name, panel in discover().items():
        columns = [column.name for column in panel.COLUMNS if column.name]
        lines.append(f"# {name} = {value_text(columns)}")
    lines += ["", "# An action's key, or its keys; [] takes them all away."]
    room = ""
    for action, keys in sorted(actions.items()):
        first, _, rest = action.partition(".")
        if first != room:
            room = first
            lines += ["", f"# [keys.{room}]"]
        lines.append(f"# {rest} = {value_text(keys[0] if len(keys) == 1 else list(keys))}")
    return "\n".join(lines) + "\n"


def effective(config: Config, actions: Mapping[str, tuple[str, ...]], is_ascii: bool) -> str:
    """The values that count now, as a file that would set them."""
    found = "" if config.path else "   # not there: what is built in counts"
    chosen = {"yes": True, "no": False, "auto": "auto"}[config.ascii]
    meaning = "ASCII" if is_ascii else "UTF-8"
    lines = [
        f"theme = {value_text(config.theme)}{found}",
        f"ascii = {value_text(chosen)}   # here: {meaning}",
        f"times = {value_text(config.zone)}",
    ]
    tables = {"colours": config.colours, "filters": config.filters, "columns": config.columns}
    for name, table in tables.items():
        if table:
            lines += ["", f"[{name}]"]
            lines += [f"{key_text(key)} = {value_text(value)}" for key, value in table.items()]
    lines += ["", "[keys]"]
    for action, keys in sorted(actions.items()):
        room, _, rest = action.partition(".")
        mine = config.keys.get(action)
        mark = "" if mine is None else "   # yours"
        shown = keys if mine is None else mine
        value = shown[0] if len(shown) == 1 else list(shown)
        lines.append(f"{room}.{key_text(rest)} = {value_text(value)}{mark}")
    return "\n".join(lines) + "\n"


def schema(actions: Mapping[str, tuple[str, ...]]) -> dict[str, object]:
    """JSON Schema (2020-12) of the file; editors with TOML support complete by it."""
    keys = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    rooms: dict[str, dict[str, object]] = {}
    for action in actions:
        room, _, rest = action.partition(".")
        rooms.setdefault(room, {})[rest] = keys
    names = "|".join(COLOURS)
    style = {
        "type": "string",
        "description": "attributes, a colour, and a background behind 'on'",
        "examples": ["bold #ff8800 on black", f"one of {names}"],
    }
    columns = {
        name: _list_of([c.name for c in panel.COLUMNS if c.name])
        for name, panel in discover().items()
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "gwtop's config.toml",
        **_object(
            {
                "theme": {"enum": list(THEMES), "default": "terminal"},
                "ascii": {"enum": ["auto", True, False], "default": "auto"},
                "times": {"enum": ["local", "utc"], "default": "local"},
                "colours": _object(dict.fromkeys(ROLES, style)),
                "keys": _object({room: _object(known) for room, known in rooms.items()}),
                "filters": {"type": "object", "additionalProperties": {"type": "string"}},
                "columns": _object(columns),
            }
        ),
    }


def _object(properties: Mapping[str, object]) -> dict[str, object]:
    return {"type": "object", "additionalProperties": False, "properties": dict(properties)}


def _list_of(names: list[str]) -> dict[str, object]:
    return {"type": "array", "minItems": 1, "items": {"enum": names}}


def value_text(value: object) -> str:
    """As TOML writes it; its basic strings are JSON's."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def key_text(name: str) -> str:
    return (
        name
        if name.isascii() and name.replace("-", "").replace("_", "").isalnum()
        else value_text(name)
    )
