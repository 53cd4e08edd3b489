"""Comparing demos: each is started, watched, loaded, looked at, edited and stopped, one by one.

In: names of demos. Out: a `Compared` each, whose every cell was measured here and now. Refuses to
know how it is shown, and what a demo says of itself.

The programs run from a copy, because one of the questions is what an edit of the application does.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Thread

from gwtop import clock, demos
from gwtop.compare import client, loaded, machine, watched
from gwtop.nouns.comparison import COLUMNS, Cell, Compared
from gwtop.nouns.times import MILLISECOND_NS

Progress = Callable[[str], None]
HELLO, CHANGED = b"Hello from process", b"Howdy from process"
"""What the applications answer to /, and what they answer after the edit: of one length."""
EDIT_DEADLINE_NS = 16_000_000_000
"""PHP's opcache looks at a file each 2 s and counts in whole seconds: 2.8 to 3.0 s, as measured.
Tomcat looks each 4 s, and then compiles: 5 s, and 9 on a busy machine."""
QUIET = "slow?ms=5000"
"""A moment without requests: whoever looks at files each so often will look at the next one, and
not at those that follow it. Without, it is chance when the edit is found."""
AT_ONCE_NS = 500_000_000
N_ALIKE = 12
"""Answers with the change, one after the other: each worker of a pool finds out for itself."""
AT_WORK = "slow?ms=800"
AT_WORK_S = (
    0.4  # an interpreter is at work by then: Python starts in 20 ms, in 150 on a busy machine
)


def one_of_each_kind(catalogue: Iterable[demos.DemoInfo]) -> list[str]:
    """The installed demo with the shortest name for each hop and process model."""
    found: dict[tuple[str, str], str] = {}
    for info in sorted(catalogue, key=lambda info: (len(info.name), info.name)):
        if info.installed:
            found.setdefault((info.protocol, info.process_model), info.name)
    return sorted(found.values())


def measure(name: str, folder: Path, seconds: float, tell: Progress) -> Compared:
    """`folder`: an empty one, where the programs are copied to. Raises GwtopError when the demo
    does not start, or does not answer."""
    folder.chmod(0o1777)  # as /tmp is: servers become other users
    tell("starting")
    began_ns = clock.monotonic_ns()
    running = demos.start(name, copy=folder)
    try:
        client.ask(running.ready["url"])
        first_ms = (clock.monotonic_ns() - began_ns) / MILLISECOND_NS
        cells = {"first_answer_ms": Cell(first_ms)}
        cells |= _cells(running.ready, folder, seconds, tell)
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
    cells |= loaded.cells(one, eight, told.makes_processes, told.program_cpu_ns)
    tell("memory and maps")
    cells |= _looked_at(ready, told)
    tell("an edit of the application")
    cells["edit_takes_effect"] = _edit(folder, ready["url"])
    return cells


def _looked_at(ready: demos.Ready, told: watched.Watched) -> dict[str, Cell]:
    """/proc, while one request is being answered."""
    before = machine.tree(ready["pid"])
    client.ask(f"{ready['url']}{loaded.SETTLE}")
    idle = [pid for pid in machine.tree(ready["pid"]) if pid in before]
    # Should it fail, that is no failure of the comparison: the thread says so and ends.
    asking = Thread(target=client.ask, args=(f"{ready['url']}{AT_WORK}",), daemon=True)
    asking.start()
    asking.join(AT_WORK_S)
    now = machine.tree(ready["pid"])
    born = [pid for pid in now if pid not in idle] if told.makes_processes else []
    try:
        return machine.cells(ready["pid"], idle, born or sorted(told.workers & set(now)))
    finally:
        asking.join()


def _edit(folder: Path, url: str) -> Cell:
    """Whether all answers change soon after the file did; nothing is told to the server."""
    client.ask(f"{url}{QUIET}")
    if HELLO not in client.ask(url):
        return Cell(None, "its application does not greet as the others do")
    for path in folder.rglob("_application.*"):
        if path.suffix != ".pyc":
            path.write_bytes(path.read_bytes().replace(HELLO, CHANGED))
    began_ns = clock.monotonic_ns()
    changed_ns, n_alike = began_ns, 0
    while (now_ns := clock.monotonic_ns()) < began_ns + EDIT_DEADLINE_NS:
        if CHANGED in client.ask(url):
            changed_ns = changed_ns if n_alike else now_ns
            n_alike += 1
            if n_alike == N_ALIKE:
                return _took_effect(changed_ns - began_ns)
        else:
            n_alike = 0
            client.ask(f"{url}slow?ms=100")  # time passes at the server
    return Cell(False)


def _took_effect(after_ns: int) -> Cell:
    """In whole seconds: where a cache looks again each so many, it is chance when it is next."""
    if after_ns < AT_ONCE_NS:
        return Cell(True)
    return Cell(f"yes, within {-(-after_ns // 1_000_000_000)} s")
