"""`gwtop read` on a screen: what its engine is told to read."""

import pytest
from click.testing import CliRunner

from gwtop.cli import screen
from gwtop.cli.options import Telling
from gwtop.cli.read import read
from gwtop.errors import GwtopError


@pytest.mark.parametrize(("file", "told"), [("-x.pcap", "./-x.pcap"), ("-", "-"), ("a/b", "a/b")])
def test_a_name_is_never_an_option_of_the_engine(
    file: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def spawn(argv: list[str], telling: Telling) -> None:
        asked.append(argv)
        raise GwtopError("no engine here")

    monkeypatch.setattr(screen, "spawn_engine", spawn)
    run = CliRunner().invoke(read, ["--port", "9", "--", file], standalone_mode=False)
    assert isinstance(run.exception, GwtopError)
    assert asked == [["read", told, "--port", "9"]]
