"""Interpreters inside a web server, by the libraries it maps."""

import os

import pytest

from gwtop.taps import interpreters, proc

LINE = b"7f00-7f01 r-xp 00000000 08:01 123 %s\n"
MODULES = b"/usr/lib/apache2/modules/"


@pytest.mark.parametrize(
    ("files", "found"),
    [
        pytest.param([MODULES + b"libphp8.2.so"], "libphp8.2.so", id="mod_php"),
        pytest.param([MODULES + b"mod_perl.so"], "mod_perl.so", id="mod_perl"),
        pytest.param([b"/x/mod_wsgi-py311.so"], "mod_wsgi-py311.so", id="a wheel's mod_wsgi"),
        pytest.param(
            [MODULES + b"mod_python.so", MODULES + b"libphp8.2.so", MODULES + b"libphp8.2.so"],
            "libphp8.2.so and mod_python.so",
            id="two, each once",
        ),
        pytest.param(
            [b"/usr/lib/libpython3.11.so.1.0", MODULES + b"mod_cgi.so", b"/usr/sbin/apache2"],
            None,
            id="an interpreter of one's own, and other modules",
        ),
    ],
)
def test_only_what_a_web_server_loads_counts(files: list[bytes], found: str | None) -> None:
    assert interpreters.found_in(b"".join(LINE % file for file in files)) == found


def test_a_living_process_is_read_and_a_missing_one_is_none() -> None:
    maps = proc.maps(os.getpid())
    assert maps is not None and b"[stack]" in maps
    assert interpreters.embedded(1 << 30) is None and interpreters.embedded(os.getpid()) is None


@pytest.mark.parametrize(
    ("file", "reads_for_others", "hands_over"),
    [
        pytest.param(MODULES + b"mod_wsgi.so", True, True, id="mod_wsgi"),
        pytest.param(MODULES + b"mod_cgid.so", False, True, id="mod_cgid"),
        pytest.param(MODULES + b"mod_cgi.so", False, False, id="mod_cgi"),
        pytest.param(None, False, False, id="hidden or gone"),
    ],
)
def test_some_modules_give_what_they_read_to_others(
    file: bytes | None, reads_for_others: bool, hands_over: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proc, "maps", lambda pid: None if file is None else LINE % file)
    assert interpreters.reads_for_others(7) is reads_for_others
    assert interpreters.hands_over(7) is hands_over
