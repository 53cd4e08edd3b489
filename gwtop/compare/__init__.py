"""Comparing demos: each is started, watched, loaded, looked at, edited and stopped, one by one.

In: names of demos. Out: a `Compared` each, whose every cell was measured here and now. Refuses to
know how it is shown, and what a demo says of itself.

The programs run from a copy, because one of the questions is what an edit of the application does.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from gwtop import clock, demos
from gwtop.compare import client, loaded, machine, watched
from gwtop.nouns.comparison import COLUMNS, Cell, Compared

Progress = Callable[[str], None]
MILLISECOND_NS = 1_000_000
HELLO, CHANGED = b"Hello from process", b"Howdy from process"
"""What the applications answer to /, and what they answer after the edit: of one length."""
EDIT_DEADLINE_NS = 5_000_000_000  # PHP's opcache looks at files each 2 s


def one_of_each_kind(catalogue: Iterable[demos.DemoInfo]) -> list[str]:
    """The installed demo with the shortest name for each hop and process model."""
    found: dict[tuple[str, str], str] = {}
    for info in sorted(catalogue, key=lambda info: (len(info.name), info.name)):
        if info.installed:
            found.setdefault((info.protocol, info.process_model), info.name)
    return sorted(found.values())


def measure(name: str, seconds: float, tell: Progress) -> Compared:
    """Raises GwtopError when the demo does not start."""
    with TemporaryDirectory(prefix="gwtop-compare-") as folder:
        Path(folder).chmod(0o1777)  # as /tmp is: servers become other users
        tell(f"{name}: starting")
        began_ns = clock.monotonic_ns()
        running = demos.start(name, copy=Path(folder))
        try:
            client.ask(running.ready["url"])
            first_ms = (clock.monotonic_ns() - began_ns) / MILLISECOND_NS
            cells = {"first_answer_ms": Cell(first_ms)}
            cells |= _cells(
                running.ready, Path(folder), seconds, lambda what: tell(f"{name}: {what}")
            )
        finally:
            running.stop()
    return Compared(name, {column.key: cells[column.key] for column in COLUMNS})


def _cells(ready: demos.Ready, folder: Path, seconds: float, tell: Progress) -> dict[str, Cell]:
    tell("watched at work")
    told = watched.watch(ready)
    cells = watched.cells(told)
    tell("one client")
    one = loaded.drive(ready, 1, seconds)
    tell("eight clients")
    eight = loaded.drive(ready, 8, seconds)
    cells |= loaded.cells(one, eight, told.makes_processes)
    tell("memory and maps")
    before = machine.tree(ready["pid"])
    client.ask(f"{ready['url']}{loaded.SETTLE}")
    idle = [pid for pid in machine.tree(ready["pid"]) if pid in before]
    cells |= machine.cells(ready["pid"], idle, told.workers)
    tell("an edit of the application")
    cells["edit_takes_effect"] = _edit(folder, ready["url"])
    return cells


def _edit(folder: Path, url: str) -> Cell:
    """Whether answers change soon after the file did; nothing is told to the server."""
    before = client.ask(url)
    if HELLO not in before:
        return Cell(None, "its application does not greet as the others do")
    for path in folder.rglob("_application.*"):
        if path.suffix != ".pyc":
            path.write_bytes(path.read_bytes().replace(HELLO, CHANGED))
    deadline_ns = clock.monotonic_ns() + EDIT_DEADLINE_NS
    while clock.monotonic_ns() < deadline_ns:
        if CHANGED in client.ask(url):
            return Cell(True)
        client.ask(f"{url}slow?ms=100")  # time passes at the server
    return Cell(False)
