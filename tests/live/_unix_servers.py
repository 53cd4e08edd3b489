"""Real servers on unix sockets behind one's own nginx: the way to them, and what is told of them.

In: a folder, how many workers. Out: the socket's path. They run as root, because pytest's folders
are closed to anybody else.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.live._php import PAGE
from tests.live._running import Fact, of_type
from tests.live._unix import fpm, uwsgi


@contextmanager
def unix_pool(folder: Path, n_workers: int) -> Iterator[tuple[Path, str]]:
    """php-fpm with a page of its own: its socket, and nginx's location for it."""
    page = folder / "page.php"
    page.write_text(PAGE)
    with fpm(folder, n_workers, page, backlog=64) as (path, lines):
        yield path, lines.replace("GATE", f"unix:{path}")


@contextmanager
def unix_uwsgi(folder: Path, n_workers: int) -> Iterator[tuple[Path, str]]:
    """uWSGI with the demos' application, likewise."""
    with uwsgi(folder, n_workers) as (path, lines):
        yield path, lines.replace("GATE", f"unix:{path}")


def told_of(facts: Sequence[Fact]) -> Counter[int]:
    """How many connections each process took, by the last that was told of it."""
    last = {f["pid"]: f["unix"] for f in of_type(facts, "process_sample") if "unix" in f}
    return Counter({pid: told["connections"] for pid, told in last.items()})
