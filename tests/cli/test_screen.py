"""The engine of a screen: what it said to stderr, however much that was."""

import sys

from gwtop.cli.screen import MAX_SAID_BYTES, Engine

TALKS = "import sys; [print(f'line {n:06}', file=sys.stderr) for n in range(%d)]; sys.exit(3)"


def ended(n_lines: int) -> Engine:
    argv = [sys.executable, "-c", TALKS % n_lines]
    engine = Engine(argv, reads_our_stdin=False, in_our_session=True)
    engine.facts.read()
    return engine


def test_what_an_engine_said_is_told_in_whole_lines() -> None:
    with ended(3) as engine:
        assert engine.why_it_ended() == "line 000002"
        assert engine.said() == ["line 000000", "line 000001", "line 000002"]


def test_of_an_engine_that_says_too_much_the_end_is_kept() -> None:
    with ended(20_000) as engine:
        assert engine.why_it_ended() == "line 019999"
        said = engine.said()
    assert sum(len(line) + 1 for line in said) <= MAX_SAID_BYTES
    assert set(map(len, said)) == {len("line 000000")} and said[-1] == "line 019999"
