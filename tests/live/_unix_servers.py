"""Real servers on unix sockets for live tests: php-fpm and uWSGI, and nginx's way to them.

In: a folder, how many workers. Out: the socket's path. They run as root, because pytest's folders
are closed to anybody else.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.live._php import PAGE, need_fpm
from tests.live._running import DEMOS, Fact, need_uwsgi, of_type
from tests.live._unix import on_socket


@contextmanager
def unix_pool(folder: Path, n_workers: int) -> Iterator[tuple[Path, str]]:
    """php-fpm: its socket, and nginx's location for it."""
    path, page, conf = folder / "fpm.sock", folder / "page.php", folder / "fpm.conf"
    page.write_text(PAGE)
    conf.write_text(
        f"[global]\nerror_log = {folder}/fpm.log\ndaemonize = no\n"
        f"[www]\nuser = root\nlisten = {path}\nlisten.backlog = 64\n"
        f"pm = static\npm.max_children = {n_workers}\n"
    )
    with on_socket([need_fpm(), "-F", "-R", "-y", str(conf)], path, folder):
        yield (
            path,
            "include /etc/nginx/fastcgi_params; "
            f"fastcgi_param SCRIPT_FILENAME {page}; fastcgi_pass unix:{path};",
        )


@contextmanager
def unix_uwsgi(folder: Path, n_workers: int) -> Iterator[tuple[Path, str]]:
    """uWSGI with the demos' application: its socket, and nginx's location for it."""
    path = folder / "uwsgi.sock"
    command = [
        *need_uwsgi(),
        *("--master", "--die-on-term", "--need-app", "--disable-logging"),
        *("--processes", str(n_workers), "--buffer-size", "65535"),
        *("--uwsgi-socket", str(path), "--chmod-socket=666"),
        *("--wsgi-file", str(DEMOS / "_application.py"), "--pythonpath", str(DEMOS)),
    ]
    with on_socket(command, path, folder):
        yield path, f"include /etc/nginx/uwsgi_params; uwsgi_pass unix:{path};"


def told_of(facts: Sequence[Fact]) -> Counter[int]:
    """How many connections each process took, by the last that was told of it."""
    last = {f["pid"]: f["unix"] for f in of_type(facts, "process_sample") if "unix" in f}
    return Counter({pid: told["connections"] for pid, told in last.items()})
