"""Files shown before, in a state folder of the test's own."""

from pathlib import Path

import pytest

from gwtop import recent


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def shown(folder: Path, name: str) -> str:
    (folder / name).write_bytes(b"")
    recent.remember("read", str(folder / name))
    return str(folder / name)


def test_the_newest_is_first_and_none_is_twice(tmp_path: Path) -> None:
    first, second = shown(tmp_path, "a"), shown(tmp_path, "b")
    recent.remember("view", first)
    assert [(one.command, one.path) for one in recent.recent()] == [
        ("view", first),
        ("read", second),
    ]
    assert [path.name for path in recent.place().parent.iterdir()] == ["recent.json"]


def test_only_the_newest_twenty_are_kept(tmp_path: Path) -> None:
    paths = [shown(tmp_path, f"{n}.pcap") for n in range(25)]
    assert [one.path for one in recent.recent()] == paths[:4:-1]


def test_what_is_gone_is_not_offered_and_standard_input_is_not_kept(tmp_path: Path) -> None:
    Path(shown(tmp_path, "gone")).unlink()
    recent.remember("read", "-")
    recent.remember("read", str(tmp_path))
    assert recent.recent() == []


@pytest.mark.parametrize("text", ["", "{}", '[{"command":"rm","path":"/etc/passwd","at":1}]'])
def test_a_file_of_another_shape_holds_nothing_and_is_written_anew(
    tmp_path: Path, text: str
) -> None:
    recent.place().parent.mkdir(parents=True)
    recent.place().write_text(text)
    assert recent.recent() == []
    path = shown(tmp_path, "a")
    assert [one.path for one in recent.recent()] == [path]


def test_where_nothing_can_be_written_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    shown(tmp_path, "a")
    assert recent.recent() == []


def test_without_the_variable_the_home_folder_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", "/nowhere")
    assert str(recent.place()) == "/nowhere/.local/state/gwtop/recent.json"


def test_a_name_that_is_no_utf_8_is_shown_and_not_remembered(tmp_path: Path) -> None:
    kept = shown(tmp_path, "a")
    shown(tmp_path, "\udcff.pcap")
    assert [one.path for one in recent.recent()] == [kept]


def test_who_has_no_home_keeps_nothing_and_is_told_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)
    monkeypatch.chdir(tmp_path)
    shown(tmp_path, "a")
    assert recent.recent() == []
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
