"""Scripts that could not answer: what each front and each process did, and what is said of it.

The pages, codes and words are those of Apache 2.4.71, lighttpd 1.4.69, fcgiwrap 1.1 and coreutils'
env 9.1; tests/live/test_demo_problems.py has the servers themselves.
"""

from dataclasses import dataclass, field

import pytest

from gwtop.nouns.records import Execed, ExecRefused, Exited, Forked, Present
from gwtop.nouns.times import MILLISECOND_NS as MS
from gwtop.nouns.times import SECOND_NS
from gwtop.protocols._base import Pair
from gwtop.tracker.exchange import Exchange, Hop
from gwtop.tracker.lineage import Lineage
from gwtop.tracker.scripts import remark
from tests.tracker._scripted import ScriptedModule

T0 = 1_800_000_000 * SECOND_NS
PATH = b"/srv/cgi/a.py"
APACHE = (
    b'<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<h1>Internal Server Error</h1>\n'
    b"<p>The server encountered an internal error or\nmisconfiguration and was unable to complete\n"
)
LIGHTTPD = (
    b" <head>\n  <title>500 Internal Server Error</title>\n </head>\n <body>\n  "
    b"<h1>500 Internal Server Error</h1>\n </body>\n</html>\n"
)
FCGIWRAP = b"An error occurred while reading CGI reply (no response received)\n"
ENV = (b"/usr/bin/env", b"python9", PATH)
PYTHON = (b"/usr/bin/python3", PATH)


class Answering(ScriptedModule):
    def __init__(self, fields: list[Pair], answered: list[Pair]) -> None:
        super().__init__({}, fields)
        self._answered = answered

    def response_fields(self, block: bytes) -> list[Pair]:
        return self._answered


@dataclass
class Story:
    """A request, the process that was forked for it, and how both ended."""

    status: int | None = 500
    opening: bytes | None = None
    argv: tuple[bytes, ...] | None = None
    """None: it never became a program."""
    code: int | None = 255
    signal: int | None = None
    refusal: int | None = None
    born: bool = True
    exited: bool = True
    told_path: bool = True
    answered: list[Pair] = field(default_factory=list)
    target: bytes = b"/a.py"

    def codes(self) -> str | None:
        said = self.said()
        return None if said is None else said[0]

    def said(self) -> tuple[str, str] | None:
        tree = Lineage(False, False, None)
        tree.present(Present(T0 - 1, 100, 1, None, (b"apache2",), b"apache2", b"apache2", True))
        named = [(b"SCRIPT_FILENAME", PATH)] if self.told_path else []
        hop = Hop(1, "127.0.0.1:50000", "127.0.0.1:80", Answering(named, self.answered))
        exchange = Exchange(7, hop, 0, 0, T0)
        exchange.method, exchange.target, exchange.block = b"GET", self.target, b""
        exchange.status, exchange.opening, exchange.outcome = self.status, self.opening, "done"
        exchange.response_block, exchange.response_body_bytes = b"", len(self.opening or b"")
        if self.born:
            self._live(tree, exchange)
        found = remark(exchange, tree)
        return None if found is None else (found.code, found.text)

    def _live(self, tree: Lineage, exchange: Exchange) -> None:
        process = tree.forked(Forked(T0 + MS, 201, 100))
        assert process is not None
        process.request, exchange.pid, exchange.births = 7, 201, [201]
        if self.refusal is not None:
            tree.refused(ExecRefused(T0 + 2 * MS, 201, self.refusal))
        if self.argv is not None:
            tree.execed(Execed(T0 + 2 * MS, 201, self.argv, self.argv[0], ()))
        if self.exited:
            code = None if self.signal else self.code
            tree.exited(Exited(T0 + 3 * MS, 201, code, self.signal))


@pytest.mark.parametrize(
    ("refusal", "code", "words"),
    [
        pytest.param(13, "script-not-executable", "chmod +x /srv/cgi/a.py", id="no execute bit"),
        pytest.param(2, "script-interpreter-missing", "head -1 /srv/cgi/a.py", id="no interpreter"),
        pytest.param(8, "script-not-a-program", "has to be #!", id="no first line"),
        pytest.param(7, "script-not-run", "exec gave error 7", id="another error"),
    ],
)
def test_what_exec_said_is_what_is_said(refusal: int, code: str, words: str) -> None:
    said = Story(refusal=refusal).said()
    assert said is not None and said[0] == code and words in said[1]
    assert said[1].startswith("/srv/cgi/a.py was not run: ")


def test_a_front_that_keeps_the_path_to_itself_gets_the_same_advice() -> None:
    said = Story(refusal=13, told_path=False).said()
    assert said is not None and said[1].startswith("The script was not run: permission denied.")
    assert "chmod +x SCRIPT" in said[1]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        pytest.param(403, 99, id="fcgiwrap looks first"),
        pytest.param(500, 255, id="Apache"),
        pytest.param(500, 13, id="lighttpd"),
        pytest.param(502, 127, id="a shell's custom"),
    ],
)
def test_without_execs_word_the_code_of_its_end_says_that_nothing_ran(
    status: int, code: int
) -> None:
    said = Story(status=status, code=code).said()
    assert said is not None and said[0] == "script-not-run" and f"code {code}" in said[1]


def test_an_interpreter_that_env_does_not_find_is_named() -> None:
    said = Story(opening=APACHE, argv=ENV, code=127).said()
    assert said is not None and said[0] == "script-interpreter-missing"
    assert "did not find python9" in said[1]


def test_a_front_that_stops_it_before_it_can_end_hides_its_code_and_not_what_exec_said() -> None:
    stopped = Story(opening=APACHE, argv=ENV, signal=15, refusal=2)
    assert stopped.codes() == "script-interpreter-missing"
    assert Story(opening=APACHE, argv=PYTHON, signal=15).codes() == "no-answer-header"


def test_a_line_that_ends_in_cr_is_told_from_a_missing_interpreter() -> None:
    said = Story(opening=APACHE, argv=(b"/usr/bin/env", b"python3\r", PATH), code=127).said()
    assert said is not None and said[0] == "script-interpreter-missing"
    assert "ends in CR" in said[1] and "'python3\\r'" in said[1]


def test_code_126_is_something_found_that_may_not_be_executed() -> None:
    assert Story(opening=APACHE, argv=ENV, code=126).codes() == "script-not-executable"


@pytest.mark.parametrize("code", [0, 1])
@pytest.mark.parametrize(
    ("status", "page"),
    [
        pytest.param(500, APACHE, id="Apache"),
        pytest.param(500, LIGHTTPD, id="lighttpd"),
        pytest.param(502, FCGIWRAP, id="fcgiwrap"),
        pytest.param(502, b"Bad Gateway: the worker died without an answer\n", id="builtin"),
        pytest.param(None, None, id="no answer at all"),
        pytest.param(200, b"hello", id="lighttpd takes it for a body"),
    ],
)
def test_a_program_that_ended_and_whose_front_had_to_answer_printed_no_head(
    status: int | None, page: bytes | None, code: int
) -> None:
    said = Story(status=status, opening=page, argv=PYTHON, code=code).said()
    assert said is not None and said[0] == "no-answer-header" and f"code {code}" in said[1]


def test_a_program_that_was_killed_is_not_told_to_print_its_head_first() -> None:
    said = Story(opening=APACHE, argv=PYTHON, signal=9).said()
    assert said is not None and said[0] == "worker-killed" and "by signal 9" in said[1]
    assert Story(200, b"hello", PYTHON, signal=9, answered=TYPE).said() is None


TYPE = [(b"Content-Type", b"text/plain")]


@pytest.mark.parametrize(
    "story",
    [
        pytest.param(Story(opening=b"sorry\n", argv=PYTHON, code=0), id="its own 500"),
        pytest.param(Story(opening=b"sorry\n", argv=PYTHON, code=1), id="its own 500, and code 1"),
        pytest.param(Story(opening=b"sorry\n", argv=ENV, code=127), id="its own 500, and code 127"),
        pytest.param(Story(opening=None, argv=PYTHON, code=0), id="its own 500, without a body"),
        pytest.param(Story(502, b"upstream is down", PYTHON, 0), id="its own 502"),
        pytest.param(Story(200, b"hello", PYTHON, 0, answered=TYPE), id="200"),
        pytest.param(Story(200, b"hello", PYTHON, 127, answered=TYPE), id="200, and a code"),
        pytest.param(Story(304, None, PYTHON, 0), id="304 has no type"),
        pytest.param(Story(status=500, code=1), id="a forked server's child with its own code"),
        pytest.param(Story(status=500, code=0), id="a forked server's child"),
        pytest.param(Story(status=404, code=255), id="no script of that name"),
        pytest.param(Story(status=200, refusal=2), id="a helper not found, and an answer"),
        pytest.param(Story(opening=APACHE, born=False), id="an embedded interpreter's 500"),
        pytest.param(Story(opening=APACHE, argv=PYTHON, exited=False), id="it still runs"),
    ],
)
def test_an_answer_that_was_meant_is_left_alone(story: Story) -> None:
    assert story.said() is None


@pytest.mark.parametrize(
    ("opening", "target", "said"),
    [
        pytest.param(b"#!/usr/bin/perl -w\nuse", b"/a.pl", True, id="perl"),
        pytest.param(b"#!/usr/bin/python3\r\n", b"/x", True, id="CR LF"),
        pytest.param(b"#!/bin/sh\n", b"/cgi-bin/x", True, id="a shell script where CGI lives"),
        pytest.param(b"#!/bin/sh\n", b"/install.sh", False, id="a shell script for download"),
        pytest.param(b"# a heading\n", b"/cgi-bin/x", False, id="no script"),
    ],
)
def test_a_scripts_text_in_an_answer_is_told(opening: bytes, target: bytes, said: bool) -> None:
    code = Story(200, opening, born=False, target=target).codes()
    assert code == ("script-sent-as-text" if said else None)
