"""Files that were shown before: captures, recordings and facts, the newest first.

In: a path when it is shown. Out: `Recent`s. A small file of state keeps them, bounded, under
XDG_STATE_HOME (the XDG Base Directory specification); where it cannot be read or written there
simply are none, for a convenience must never be in the way.

Standard input and what is no file are not remembered.
"""

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from gwtop import clock
from gwtop.nouns.offers import Recent

KEPT = 20
MAX_FILE_BYTES = 256 * 1024  # 20 paths of the longest kind are 80 KB


def place() -> Path:
    """Where they are kept."""
    home = os.environ.get("XDG_STATE_HOME", "")
    folder = Path(home) if home.startswith("/") else Path("~/.local/state").expanduser()
    return folder / "gwtop" / "recent.json"


def recent() -> list[Recent]:
    """Newest first; those that are there no longer are left out."""
    return [one for one in _kept() if os.path.isfile(one.path)]


def remember(command: str, path: str) -> None:
    """Puts it first. Silently nothing where there is no room for it."""
    if path == "-" or not os.path.isfile(path):
        return
    full = os.path.abspath(path)
    others = [one for one in _kept() if one.path != full]
    kept = [Recent(command, full, clock.now()), *others][:KEPT]
    # No home, a full disk, somebody else's folder; a name that is no UTF-8, and JSON can't say.
    with suppress(OSError, RuntimeError, UnicodeEncodeError):
        file = place()
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = file.with_suffix(f".{os.getpid()}")
        beside.write_bytes(msgspec.json.encode(kept))
        os.replace(beside, file)


def _kept() -> list[Recent]:
    try:
        with place().open("rb") as file:
            found = msgspec.json.decode(file.read(MAX_FILE_BYTES), type=list[Recent])
    except (OSError, RuntimeError, msgspec.MsgspecError, UnicodeDecodeError):
        return []
    return [one for one in found if one.command in ("read", "view")][:KEPT]
