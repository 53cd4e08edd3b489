"""The debug report: what a bug report needs, as JSON lines in a file, and nothing of the traffic.

In: named values (versions, plan, tap states, counters) and exceptions. Out: lines. It refuses to
hold bytes from the wire: of an exception it tells type and frames and not the message, because
messages quote what they choke on.
"""

import os
import platform
import sys
import traceback
from pathlib import Path

import click
import msgspec

from gwtop import __version__, clock
from gwtop.cli.invoker import as_user
from gwtop.errors import GwtopError
from gwtop.nouns.times import instant

LIBRARIES = ("click", "msgspec", "psutil", "rich", "scapy", "textual")


class DebugReport:
    """A file of the user's, whom sudo may let run us and nothing else."""

    def __init__(self, path: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        try:
            with as_user():
                self._fd = os.open(path, flags, 0o600)
        except OSError as refused:
            raise GwtopError(
                f"cannot write {path} ({refused.strerror})", "give --debug another file"
            ) from None
        self._path = path
        self._has_room = True
        self.write("versions", **versions())

    def write(self, what: str, /, **values: object) -> None:
        """A disk that is full ends the report, and is said once; it is no reason to see less."""
        if not self._has_room:
            return
        line = {"what": what, "at": instant(clock.now()), **values}
        try:
            os.write(self._fd, msgspec.json.encode(line, enc_hook=repr) + b"\n")
        except OSError as full:
            self._has_room = False
            click.echo(f"gwtop: {self._path} ends here ({full.strerror})", err=True)

    def exception(self, error: BaseException) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        self.write(
            "exception",
            type=type(error).__name__,
            frames=[f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames],
        )

    def close(self) -> None:
        os.close(self._fd)


def versions() -> dict[str, object]:
    """Ours, Python's, the kernel's and the libraries', without importing these."""
    from importlib.metadata import PackageNotFoundError, version  # 20 ms that only debugging pays

    found: dict[str, object] = {}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = None
    return {
        "gwtop": __version__,
        "python": sys.version,
        "system": platform.platform(),
        "euid": os.geteuid(),
        **found,
    }
