"""Files under sudo: whose they are, and that our own rights come back."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gwtop.cli.invoker import as_user

NOBODY = 65534


def owner_of_new(path: Path) -> int:
    with as_user():
        path.write_text("")
    return path.stat().st_uid


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else for a while")
def test_under_sudo_a_file_is_its_users_and_our_rights_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rights = (os.geteuid(), os.getegid(), os.getgroups())
    monkeypatch.setenv("SUDO_UID", str(NOBODY))
    monkeypatch.setenv("SUDO_GID", str(NOBODY))
    with TemporaryDirectory() as folder:  # pytest's own are closed to others
        os.chmod(folder, 0o777)
        assert owner_of_new(Path(folder, "report")) == NOBODY
    assert (os.geteuid(), os.getegid(), os.getgroups()) == rights


@pytest.mark.parametrize("uid", ["", "0", "-1", "root"])
def test_who_was_not_called_by_sudo_stays_who_he_is(
    uid: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_UID", uid)
    monkeypatch.setenv("SUDO_GID", uid)
    assert owner_of_new(tmp_path / "report") == os.geteuid()
