"""Probe definitions as text: what is written to the list, what is read from it."""

from pathlib import Path

import pytest

from gwtop.taps import libcs, probes, tracefs

LISTED = """p:gwtop_12_345_/calls1 /usr/lib/libc.so.6:0x00000000000f82b3
p:gwtop_12_345_/calls1 /usr/lib/libc.so.6:0x00000000000f8356
p:mine/read /usr/lib/libc.so.6:0x00000000000f82ad fd=%di
r:uprobes/p_main_0 /bin/x:0x0000000000001000
"""
MAPS = b"""\
55e0c000-55e0d000 r-xp 00001000 fe:00 2205465                    /usr/sbin/php-fpm8.2
7f10a000-7f10b000 r--p 00000000 fe:00 77                         /usr/lib/libc.so.6
7f10b000-7f10c000 r-xp 00028000 fe:00 77                         /usr/lib/libc.so.6
7f20b000-7f20c000 r-xp 00028000 fe:00 78                         /usr/lib/libcrypto.so.3
7f30b000-7f30c000 r-xp 00015000 fe:00 79                         /lib/ld-musl-x86_64.so.1 (deleted)
7f40b000-7f40c000 r-xp 00006000 fe:00 80                         /lib/libpthread-2.31.so
7f50b000-7f50c000 r-xp 00022000 fe:00 81                         /srv/a b/libc-2.31.so
7ffd0000-7ffd2000 r-xp 00000000 00:00 0                          [vdso]
"""


def test_a_definition_is_one_line_without_arguments() -> None:
    line = probes.definition("gwtop_1_2_", "calls1", "/usr/lib/libc.so.6", 0xF82B3)
    assert line == "p:gwtop_1_2_/calls1 /usr/lib/libc.so.6:0xf82b3\n"


def test_groups_and_events_are_read_from_the_list() -> None:
    assert list(probes.parse(LISTED)) == [
        ("gwtop_12_345_", "calls1"),
        ("gwtop_12_345_", "calls1"),
        ("mine", "read"),
        ("uprobes", "p_main_0"),
    ]


class List:
    """A tracefs of a folder; what is written to the list is remembered."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file = folder / probes.FILE
        self.file.write_text(LISTED)
        monkeypatch.setattr(tracefs, "mounted", lambda: str(folder))

    @property
    def written(self) -> list[str]:
        return self.file.read_text()[len(LISTED) :].splitlines()


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> List:
    return List(tmp_path, monkeypatch)


def test_of_a_maker_all_is_removed_and_of_others_nothing(listed: List) -> None:
    probes.remove_of("gwtop-12-345-")
    assert listed.written == ["-:gwtop_12_345_/calls1"]


def test_what_a_dead_maker_left_is_stale(listed: List, monkeypatch: pytest.MonkeyPatch) -> None:
    names = []
    monkeypatch.setattr(tracefs, "owner_lives", lambda name: bool(names.append(name)))
    probes.remove_stale(str(listed.file.parent))
    assert names == ["gwtop-12-345-"]
    assert listed.written == ["-:gwtop_12_345_/calls1"]


def test_what_a_living_maker_uses_stays(listed: List, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracefs, "owner_lives", lambda name: True)
    probes.remove_stale(str(listed.file.parent))
    assert listed.written == []


def test_without_tracefs_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracefs, "mounted", lambda: None)
    assert probes.remove_of("gwtop-1-2-")
    assert not probes.has_own()


def test_c_libraries_are_found_among_what_is_mapped() -> None:
    assert [(one.path, one.inode, one.range) for one in libcs.parse_maps(MAPS)] == [
        ("/usr/lib/libc.so.6", 77, "7f10b000-7f10c000"),
        ("/lib/ld-musl-x86_64.so.1", 79, "7f30b000-7f30c000"),
        ("/lib/libpthread-2.31.so", 80, "7f40b000-7f40c000"),
        ("/srv/a b/libc-2.31.so", 81, "7f50b000-7f50c000"),
    ]
