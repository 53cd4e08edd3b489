"""Which key does what, once the user has had a say.

In: the bindings that stand in the panes' classes, and a config's keys. Out: the actions by name,
widgets bound anew, or a `ConfigError` for a key that does not exist or does two things. Knows no
action's meaning.

Nothing registers: an action's name is made of the class its binding stands in and of the
binding's description, `requests.sort`. Without a word of the user nothing is looked at.
"""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from textual.binding import Binding, BindingsMap
from textual.keys import Keys, _character_to_key, key_to_character

import gwtop.tui
from gwtop.config import Config

FIXED = "ctrl+c"
"""Ends the screen whatever else a config does."""
ROOMS = {"Screen": "app", "LiveTable": "table", "RequestTable": "requests"}
"""Class: the first half of its actions' names; of others, the class's own name."""
MAIN = {"LiveTable", "RequestTable", "Lifelines", "Plots"}
"""Panes in which the app's keys work too."""
SIGNS = {
    "space": "␣",
    "enter": "⏎",
    "escape": "Esc",
    "tab": "Tab",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
}


@dataclass(frozen=True, slots=True)
class Action:
    """What keys can be bound to."""

    name: str
    owner: type
    binding: Binding
    """One of its bindings; what they do is the same."""
    keys: tuple[str, ...]
    """Built in."""


@lru_cache(maxsize=1)
def actions() -> Mapping[str, Action]:
    """All there are, by name."""
    found: dict[str, Action] = {}
    for info in sorted(iter_modules(gwtop.tui.__path__), key=lambda info: info.name):
        module = import_module(f"{gwtop.tui.__name__}.{info.name}")
        for _, owner in inspect.getmembers(module, inspect.isclass):
            if owner.__module__ == module.__name__ and "BINDINGS" in vars(owner):
                _collect(owner, found)
    return found


def default_keys() -> dict[str, tuple[str, ...]]:
    return {name: tuple(map(shown, action.keys)) for name, action in actions().items()}


def _collect(owner: type, found: dict[str, Action]) -> None:
    for binding in Binding.make_bindings(vars(owner)["BINDINGS"]):
        if binding.key == FIXED:
            continue
        name = _name(owner, binding, found)
        known = found.get(name)
        keys = (*known.keys, binding.key) if known else (binding.key,)
        found[name] = Action(name, owner, binding, keys)


def _name(owner: type, binding: Binding, found: Mapping[str, Action]) -> str:
    room = ROOMS.get(owner.__name__, owner.__name__.lower())
    words = binding.id or f"{room}.{_slug(binding.description or binding.action)}"
    known = found.get(words)
    if known is not None and known.binding.action != binding.action:
        return f"{room}.{_slug(binding.action)}"
    return words


def _slug(text: str) -> str:
    words = "".join(c if c.isalnum() else " " for c in text.lower()).split()
    return "-".join(words)


@lru_cache(maxsize=1)
def _known_keys() -> frozenset[str]:
    typed = {_character_to_key(chr(code)) for code in range(33, 127)}
    return frozenset(typed | {key.value for key in Keys if not key.value.startswith("<")})


def normal(key: str) -> str | None:
    """A key as textual names it: "?" is question_mark. None: there is no such key."""
    if len(key) == 1:
        return "space" if key == " " else _character_to_key(key)
    *modifiers, last = key.split("+") if not key.endswith("+") else [*key[:-2].split("+"), "+"]
    if any(word not in ("ctrl", "shift", "alt") for word in modifiers):
        return None
    name = _character_to_key(last) if len(last) == 1 else last.lower()
    return "+".join([*modifiers, name]) if name in _known_keys() else None


def shown(key: str) -> str:
    """As one writes it in the config: "?" and not question_mark."""
    character = key_to_character(key)
    return character if character and character.isprintable() and character != " " else key


def sign(key: str) -> str:
    """As it stands at the foot of the screen."""
    if key.startswith("ctrl+") and len(key) == 6:
        return "^" + key[-1]
    return SIGNS.get(key) or shown(key)


class Keymap:
    """The user's keys; raises ConfigError when they cannot be meant."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.chosen: dict[str, tuple[str, ...]] = {}
        """Action: its keys, as textual names them."""
        for name, keys in config.keys.items():
            if name not in actions():
                raise self._wrong(name, f'no action "{name}"', _nearest(name, actions()))
            self.chosen[name] = tuple(self._checked(name, key) for key in keys)
        for name in self.chosen:
            self._no_conflict(name)

    def _wrong(self, name: str, what: str, remedy: str) -> Exception:
        from gwtop.config.reading import wrong_at  # tomllib: 10 ms, and keys are seldom wrong

        return wrong_at(self._config, ("keys", *name.split(".")), what, remedy)

    def _checked(self, name: str, key: str) -> str:
        found = normal(key)
        if found is None:
            raise self._wrong(name, f'no key "{key}"', _nearest(key, sorted(_known_keys())))
        return found

    def _no_conflict(self, name: str) -> None:
        mine = actions()[name]
        for other in actions().values():
            if other.binding.action == mine.binding.action and other.owner is mine.owner:
                continue
            both = set(self.chosen[name]) & set(self.keys_of(other.name))
            both -= set(mine.keys) & set(other.keys)  # one hides the other, as was meant
            if both and _meet(mine.owner, other.owner):
                key = shown(min(both))
                what = f'"{key}" is the key of {name} and of {other.name}'
                raise self._wrong(name, what, f"give {other.name} another one too")

    def keys_of(self, name: str) -> tuple[str, ...]:
        chosen = self.chosen.get(name)
        return actions()[name].keys if chosen is None else chosen

    def sign_of(self, action: str, usual: str) -> str:
        """What stands at the foot for an action of the app; "" where no key does it."""
        for name, keys in self.chosen.items():
            known = actions()[name]
            if known.binding.action == action and known.owner.__name__ == "Screen":
                return sign(keys[0]) if keys else ""
        return usual

    def told(self) -> tuple[tuple[str, str], ...]:
        """For help: the user's keys, and what they do."""
        return tuple(
            (" ".join(map(sign, keys)) or "-", f"{actions()[name].binding.description} ({name})")
            for name, keys in self.chosen.items()
        )

    def bind(self, node: Any) -> None:
        """Gives a widget that was just made the user's keys. Any: `_bindings` is textual's own."""
        if not self.chosen:
            return
        kept: dict[str, list[Binding]] = {}
        moved: dict[str, Binding] = {}
        for key, binding in node._bindings:
            name = self._name_of(type(node), key, binding)
            if name is None:
                kept.setdefault(key, []).append(binding)
            else:
                moved[name] = binding
        for name, binding in moved.items():
            for key in self.chosen[name]:
                kept[key] = [replace(binding, key=key, key_display=None)]
        node._bindings = BindingsMap.from_keys(kept)

    def _name_of(self, kind: type, key: str, binding: Binding) -> str | None:
        for name in self.chosen:
            action = actions()[name]
            is_it = action.binding.action == binding.action and key in action.keys
            if is_it and issubclass(kind, action.owner):
                return name
        return None


def _meet(one: type, other: type) -> bool:
    """Whether a key of the one may arrive where the other listens. What opens over the panes, or
    takes the keys for itself, hides the app's keys, as is meant."""
    names = {one.__name__, other.__name__}
    shared = "Screen" in names and bool(names & MAIN)
    return shared or issubclass(one, other) or issubclass(other, one)


def _nearest(name: str, known: Iterable[str]) -> str:
    from gwtop.config.reading import nearest  # as in _wrong

    return nearest(name, known)
