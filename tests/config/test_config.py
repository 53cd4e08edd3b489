"""The config file: what it says counts, and what it cannot mean is said with its line."""

import json
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError

from gwtop.config import Config, ConfigError, load, path_of, terminal_is_plain
from gwtop.config.reading import line_of, overridden, parse
from gwtop.config.writing import effective, sample, schema
from gwtop.tui.keymap import default_keys

FULL = """\
theme = "light"
ascii = true
times = "utc"

[colours]
bad = "bold #ff0000 on black"

[keys]
app.pause = ["space", "p"]
requests.mark = []

[keys.lifelines]
finer = "z"

[filters]
slow = "duration>100ms"

[columns]
requests = ["ended", "target"]
"""


def test_every_part_of_a_file_counts() -> None:
    config = parse(FULL)
    assert (config.theme, config.ascii, config.zone) == ("light", "yes", "utc")
    assert config.colours == {"bad": "bold #ff0000 on black"}
    assert config.keys == {
        "app.pause": ("space", "p"),
        "requests.mark": (),
        "lifelines.finer": ("z",),
    }
    assert config.filters == {"slow": "duration>100ms"}
    assert config.columns == {"requests": ("ended", "target")}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        pytest.param("\nthme = 1\n", 2, 'no key "thme"; did you mean "theme"?', id="key"),
        pytest.param('theme = "drak"', 1, 'did you mean "dark"?', id="theme"),
        pytest.param("theme = 3", 1, "a word in quotes", id="theme of a number"),
        pytest.param('# x\nascii = "maybe"', 2, "true, false", id="ascii"),
        pytest.param('times = "mars"', 1, "there are local, utc", id="times"),
        pytest.param("theme = dark", 1, "Invalid value, column 9", id="no quotes"),
        pytest.param("[keys", 1, "at the end of a table", id="syntax"),
        pytest.param('[colours]\n\nbda = "red"', 3, 'did you mean "bad"?', id="role"),
        pytest.param('[colours]\nbad = "rde"', 2, 'no style "rde"', id="colour"),
        pytest.param('[colours]\nbad = "red on"', 2, 'no style "red on"', id="no background"),
        pytest.param('[colours]\nbad = "red blue"', 2, "no style", id="two colours"),
        pytest.param("colours = 1", 1, "below a line [colours]", id="no table"),
        pytest.param(
            'theme = "dark"\ncolours = { hed = "red" }',
            2,
            'did you mean "head"?',
            id="inline table",
        ),
        pytest.param("[keys]\napp.pause = 5", 2, "a key is a word", id="key of a number"),
        pytest.param('[keys.app]\n# c\npause = " "', 3, "without a name", id="blank key"),
        pytest.param('[filters]\na = "b"\nx = "status>"', 3, "of it", id="filter"),
        pytest.param("[filters]\nx = 5", 2, 'x = "status>=500"', id="filter of a number"),
        pytest.param('[filters]\n"a\\u0007" = "x"', 1, "no name", id="name of a filter"),
        pytest.param('[columns]\nrequest = ["x"]', 2, 'mean "requests"?', id="table"),
        pytest.param('[columns]\nrequests = ["tragte"]', 2, 'mean "target"?', id="column"),
        pytest.param("[columns]\nrequests = []", 2, "a list of names", id="no column"),
    ],
)
def test_what_cannot_be_meant_is_said_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        parse(text, Path("/c.toml"))
    assert str(wrong.value).startswith(f"/c.toml:{line}: ")
    assert words in str(wrong.value)
    assert "\n" not in str(wrong.value)


def test_a_line_is_found_however_its_key_is_written() -> None:
    lines = ["[keys]", 'requests."mark" = 1', "[keys.app]", "'pause' = 2", "[a.b]", "c.d = 3"]
    assert line_of(lines, ("keys", "requests", "mark")) == 2
    assert line_of(lines, ("keys", "app", "pause")) == 4
    assert line_of(lines, ("keys", "app")) == 3
    assert line_of(lines, ("a", "b", "c", "d")) == 6
    assert line_of(lines, ("keys", "app", "nowhere")) == 3
    assert line_of(lines, ("nowhere",)) == 0


def test_the_environment_names_the_file_and_speaks_last(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text('theme = "dark"\nascii = true\ntimes = "utc"\n')
    environ = {"GWTOP_CONFIG": str(file), "GWTOP_THEME": "mono", "GWTOP_ASCII": "0"}
    config = load({**environ, "GWTOP_TIMES": "local"}, tmp_path)
    assert (config.theme, config.ascii, config.zone) == ("mono", "no", "local")
    with pytest.raises(ConfigError, match=r'GWTOP_THEME: no "drak"; did you mean "dark"\?'):
        load({**environ, "GWTOP_THEME": "drak"}, tmp_path)


def test_no_file_is_no_error_unless_it_was_named(tmp_path: Path) -> None:
    assert load({}, tmp_path) == Config()
    with pytest.raises(ConfigError, match="which GWTOP_CONFIG names; `gwtop config init`"):
        load({"GWTOP_CONFIG": str(tmp_path / "none.toml")}, tmp_path)


@pytest.mark.parametrize("what", ["folder", "bytes"])
def test_a_file_that_cannot_be_read_is_said(tmp_path: Path, what: str) -> None:
    path = tmp_path / "c.toml"
    if what == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="Is a directory" if what == "folder" else "not UTF-8"):
        load({"GWTOP_CONFIG": str(path)}, tmp_path)


def test_the_folder_is_that_of_the_base_directories() -> None:
    home = Path("/h")
    assert path_of({}, home) == Path("/h/.config/gwtop/config.toml")
    assert path_of({"XDG_CONFIG_HOME": "/x"}, home) == Path("/x/gwtop/config.toml")
    assert path_of({"XDG_CONFIG_HOME": "relative"}, home) == Path("/h/.config/gwtop/config.toml")


@pytest.mark.parametrize(
    ("environ", "plain"),
    [
        ({}, False),
        ({"LANG": "en_GB.UTF-8", "TERM": "xterm"}, False),
        ({"LANG": "C.UTF-8", "LC_CTYPE": "C.UTF-8"}, False),
        ({"LANG": "C"}, True),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True),
        ({"LANG": "C", "LC_ALL": "C.UTF-8"}, False),
        ({"LANG": "de_DE.ISO-8859-1"}, True),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "POSIX"}, True),
        ({"LANG": "en_GB.UTF-8", "TERM": "linux"}, True),
        ({"LANG": "en_GB.UTF-8", "TERM": "vt100"}, True),
    ],
)
def test_a_terminal_of_ascii_is_known_by_what_it_says(environ: dict[str, str], plain: bool) -> None:
    assert terminal_is_plain(environ) is plain
    assert Config().is_ascii(environ) is plain
    assert Config(ascii="no").is_ascii(environ) is False


def test_a_file_to_start_from_changes_nothing_until_its_signs_are_taken_away() -> None:
    text = sample(default_keys())
    assert parse(text) == Config(text=text)
    live = [line.removeprefix("# ") for line in text.splitlines() if " = " in line or "# [" in line]
    told = tomllib.loads("\n".join(live))
    Draft202012Validator(schema(default_keys())).validate(told)
    assert parse("\n".join(live)).keys["app.quit"] == ("q",)


def test_what_is_printed_as_in_effect_is_a_file_that_says_the_same() -> None:
    config = parse(FULL)
    again = parse(effective(config, default_keys(), True))
    assert (again.theme, again.ascii, again.zone) == (config.theme, config.ascii, config.zone)
    assert again.keys.items() >= config.keys.items()
    assert (again.filters, again.columns) == (config.filters, config.columns)


def test_the_schema_knows_good_from_bad() -> None:
    validator = Draft202012Validator(schema(default_keys()))
    Draft202012Validator.check_schema(validator.schema)
    validator.validate(tomllib.loads(FULL))
    json.dumps(validator.schema)
    for wrong in ({"thme": 1}, {"keys": {"app": {"puase": "p"}}}, {"columns": {"requests": ["x"]}}):
        with pytest.raises(ValidationError):
            validator.validate(wrong)


def test_overriding_with_nothing_changes_nothing() -> None:
    assert overridden(parse(FULL), {"GWTOP_THEME": ""}) == parse(FULL)
