"""What /proc says: of made-up texts, and of this very process."""

import os

import pytest

from gwtop.compare import machine


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        (b"/usr/bin/python3.11", True),
        (b"/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0", True),
        (b"/usr/lib/apache2/modules/libphp8.2.so", True),
        (b"/usr/sbin/php-fpm8.2", True),
        (b"/usr/lib/x86_64-linux-gnu/libperl.so.5.36.0", True),
        (b"/usr/lib/apache2/modules/mod_wsgi.so-3.11", True),
        (b"/usr/lib/jvm/java-17/lib/server/libjvm.so", True),
        (b"/usr/sbin/nginx", False),
        (b"/usr/lib/apache2/modules/mod_cgi.so", False),
        (b"/usr/lib/python3/dist-packages/thing.so", False),
    ],
)
def test_an_interpreter_is_known_by_its_program_or_library(path: bytes, is_one: bool) -> None:
    line = b"7f00-7f10 r-xp 00000000 fe:01 1234    "
    maps = line + b"/usr/lib/libc.so.6\n" + line + path + b"\n" + line + b"[heap]\n"
    assert machine.carries(maps) is is_one


def test_a_size_is_read_from_its_own_line() -> None:
    text = b"Rss:   10 kB\nPss_Dirty: 1 kB\nPss:      1234 kB\nVmRSSx: 5 kB\n"
    assert machine.number(text, "Pss") == 1234
    assert machine.number(text, "VmRSS") is None


def test_this_process_is_in_its_own_tree_and_uses_cpu() -> None:
    assert machine.tree(os.getpid())[0] == os.getpid()
    used = machine.cpu(os.getpid())
    assert used.all_ns > 0 and used.all_ns >= used.reaped_ns >= 0


def test_without_children_and_workers_cells_say_so() -> None:
    found = machine.cells(os.getpid(), [], [])
    assert all(cell.value is None and cell.why for cell in found.values())
    assert set(found) == {"memory_mb", "worker_mb", "idle_interpreters", "interpreter"}


@pytest.mark.parametrize(
    ("program", "mapped", "told"),
    [
        pytest.param(
            "apache2",
            ["/usr/lib/apache2/modules/mod_wsgi.so-3.11", "/usr/lib/libpython3.11.so.1.0"],
            "libpython3.11.so.1.0 by mod_wsgi.so-3.11 in apache2",
            id="embedded",
        ),
        pytest.param(
            "apache2",
            ["/usr/lib/apache2/modules/libphp8.2.so"],
            "libphp8.2.so in apache2",
            id="the module is the library",
        ),
        pytest.param(
            "uwsgi-core",
            ["/usr/lib/uwsgi/plugins/python311_plugin.so", "/usr/lib/libpython3.11.so.1.0"],
            "libpython3.11.so.1.0 by python311_plugin.so in uwsgi-core",
            id="a plugin",
        ),
        pytest.param(
            "python3.11",
            ["/site-packages/pyuwsgi.cpython-311-x86_64-linux-gnu.so"],
            "python3.11 itself, with pyuwsgi.cpython-311-x86_64-linux-gnu.so",
            id="the other way round",
        ),
        pytest.param("php-fpm8.2", ["/usr/lib/libc.so.6"], "php-fpm8.2 itself", id="static"),
        pytest.param("java", ["/usr/lib/jvm/x/libjvm.so"], "libjvm.so in java", id="java"),
        pytest.param("nginx", ["/usr/lib/libc.so.6"], None, id="none"),
    ],
)
def test_the_interpreter_is_named_with_what_brought_it(
    program: str, mapped: list[str], told: str | None
) -> None:
    lines = [f"7f00-7f10 r-xp 00000000 fe:01 1234    {path}\n" for path in mapped]
    assert machine.interpreter_of(program, "".join(lines).encode()) == told


def test_this_process_is_a_python() -> None:
    cell = machine.cells(os.getpid(), [], [os.getpid()])["interpreter"]
    assert isinstance(cell.value, str) and "python3" in cell.value
