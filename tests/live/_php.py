"""A php-fpm pool for tests of queues: real, small on purpose, with a page that takes its time.

In: a folder, how many workers, lines for its pool. Out: its port and its page, which takes `?ms=`.
It runs as root, because pytest's folders are closed to anybody else.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live._running import free_port, need_program, server

PAGE = """<?php
usleep(1000 * intval($_GET["ms"] ?? 0));
header("X-Worker-Pid: " . getmypid());
echo "ok";
"""


def need_fpm() -> str:
    for version in ("8.2", "8.4", "8.3", "8.1"):
        try:
            return need_program(f"php-fpm{version}", f"php{version}-fpm")
        except pytest.skip.Exception:
            continue
    pytest.skip("needs php-fpm (apt-get install php8.2-fpm)")


@contextmanager
def pool(folder: Path, n_workers: int, *more: str) -> Iterator[tuple[int, Path]]:
    """Its port and its page. `more`: lines that replace the static pool's."""
    port = free_port()
    page = folder / "page.php"
    page.write_text(PAGE)
    lines = more or ("pm = static", f"pm.max_children = {n_workers}")
    conf = folder / "fpm.conf"
    conf.write_text(
        f"[global]\nerror_log = {folder}/fpm.log\ndaemonize = no\n"
        f"[www]\nuser = root\nlisten = 127.0.0.1:{port}\nlisten.backlog = 64\n"
        + "\n".join(lines)
        + "\n"
    )
    with server([need_fpm(), "-F", "-R", "-y", str(conf)], "127.0.0.1", port, folder):
        yield port, page


def passed_to(port: int, page: Path) -> str:
    """nginx's location for it."""
    return (
        "location / { include /etc/nginx/fastcgi_params; "
        f"fastcgi_param SCRIPT_FILENAME {page}; fastcgi_pass 127.0.0.1:{port}; }}"
    )
