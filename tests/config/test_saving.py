"""A filter put into the text of a config file: that line alone is new."""

import os
from pathlib import Path

import pytest

from gwtop.config import ConfigError
from gwtop.config.reading import parse
from gwtop.config.saving import save_filter, with_filter

SLOW = "duration>100ms and method=GET"


@pytest.mark.parametrize(
    ("text", "new"),
    [
        pytest.param("", '[filters]\nslow = "x"\n', id="no file yet"),
        pytest.param(
            'theme = "dark"  # mine\n',
            'theme = "dark"  # mine\n\n[filters]\nslow = "x"\n',
            id="no table yet",
        ),
        pytest.param(
            '[filters]\na = "y"  # why\n\n# other\n[columns]\n',
            '[filters]\na = "y"  # why\nslow = "x"\n\n# other\n[columns]\n',
            id="behind the others",
        ),
        pytest.param(
            '[filters]\nslow = "y"\na = "z"\n',
            '[filters]\nslow = "x"\na = "z"\n',
            id="instead of one of that name",
        ),
        pytest.param(
            '# [filters]\n# slow = "status>=500"\n',
            '# [filters]\n# slow = "status>=500"\n\n[filters]\nslow = "x"\n',
            id="a comment is no table",
        ),
    ],
)
def test_the_rest_stays_as_it_was_written(text: str, new: str) -> None:
    assert with_filter(text, "slow", "x") == new
    assert parse(new).filters["slow"] == "x"


def test_quotes_and_backslashes_come_back_as_they_are() -> None:
    line = 'target="a b" and target~"c\\\\d"'
    assert parse(with_filter("", "two words", line)).filters == {"two words": line}


@pytest.mark.parametrize("name", ["", "a.b", "\x1b", "é"])
def test_a_name_that_cannot_be_one_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="no name for a filter"):
        with_filter("", name, SLOW)


def test_a_file_in_which_it_finds_no_place_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('filters = { a = "x" }\n')
    with pytest.raises(ConfigError, match="write it there yourself: slow = "):
        save_filter(path, "slow", SLOW)
    assert path.read_text() == 'filters = { a = "x" }\n' and os.listdir(tmp_path) == [path.name]


def test_the_file_is_made_with_its_folders_and_keeps_its_rights(tmp_path: Path) -> None:
    path = tmp_path / "new" / "gwtop" / "config.toml"
    assert save_filter(path, "slow", SLOW).filters == {"slow": SLOW}
    assert path.stat().st_mode & 0o777 == 0o644
    path.chmod(0o640)
    save_filter(path, "errors", "status>=500")
    assert path.stat().st_mode & 0o777 == 0o640
    assert parse(path.read_text()).filters == {"slow": SLOW, "errors": "status>=500"}
    assert os.listdir(path.parent) == ["config.toml"]


def test_a_link_to_it_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "dotfiles.toml", tmp_path / "config.toml"
    real.write_text("")
    link.symlink_to(real)
    save_filter(link, "slow", SLOW)
    assert link.is_symlink() and "slow" in real.read_text()


def test_what_cannot_be_read_is_said_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        save_filter(path, "slow", SLOW)


def test_what_else_the_file_says_is_the_same_or_nothing_is_written() -> None:
    text = 'theme = "dark"\n[filters]\na = """\nGET\n"""\n[keys]\napp.pause = "p"\n'
    new = parse(with_filter(text, "slow", SLOW))
    assert (new.theme, dict(new.keys)) == ("dark", {"app.pause": ("p",)})
    assert new.filters == {**parse(text).filters, "slow": SLOW}
    with pytest.raises(ConfigError, match="no room for a filter"):
        with_filter(text, "a", SLOW)
