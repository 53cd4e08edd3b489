"""The hop from the wire into a CGI program's variables, in the detail."""

from gwtop.model import Model
from gwtop.nouns.facts import ProcessBorn, Request
from gwtop.nouns.times import MILLISECOND_NS as MS
from gwtop.panels import _program
from gwtop.panels._detail import hops, tabs
from tests.screens._facts import T0, born, exited, request

ASKED = [
    ("Host", "h"),
    ("User-Agent", "curl"),
    ("Authorization", "[redacted]"),
    ("X-Tag", "a"),
    ("X-Tag", "b"),
]
GIVEN = [
    ("GATEWAY_INTERFACE", "CGI/1.1"),
    ("REQUEST_METHOD", "GET"),
    ("HTTP_HOST", "h"),
    ("HTTP_USER_AGENT", "curl"),
    ("HTTP_X_TAG", "a, b"),
    ("REMOTE_PORT", "50000"),
]


def answered(pid: int = 4711, **other: object) -> Request:
    told: dict[str, object] = {"fields": ASKED, "births": [pid], "pid": pid, **other}
    return request(1, T0, **told)


def told(fact: Request, *facts: ProcessBorn | Request) -> tuple[list[str], Model]:
    model = Model()
    for one in (*facts, fact):
        model.apply(one)
    lines = hops(fact, model.snapshot(), 72)
    return ["".join(cell.text for cell in line) for line in lines], model


def program(at: int = -10 * MS, **other: object) -> ProcessBorn:
    told: dict[str, object] = {"role": "cgi", "name": "hello.cgi", "environ": GIVEN, **other}
    return born(4711, T0 + at, **told)


def test_what_the_front_set_renamed_joined_and_dropped_is_shown() -> None:
    text, model = told(answered(), program())
    assert text[0] == "the program: process 4711, hello.cgi, by its environ"
    assert text[1].startswith("given: request → variables  2 renamed")
    assert "− Authorization  [redacted]" in text
    assert any(line.startswith("⊕ X-Tag  a | b") for line in text)
    assert {"+ GATEWAY_INTERFACE  CGI/1.1", "+ REQUEST_METHOD  GET", "+ REMOTE_PORT  50000"} <= set(
        text
    )
    (tab,) = (tab for tab in tabs(answered(), None, model.snapshot()) if tab.name == "Hops")
    assert not tab.is_empty


def test_a_program_that_was_given_no_header_was_given_variables_all_the_same() -> None:
    given = [("GATEWAY_INTERFACE", "CGI/1.1"), ("CONTENT_LENGTH", "4")]
    fact = answered(fields=[("Host", "h"), ("Content-Length", "4")])
    text, _ = told(fact, program(environ=given))
    assert "− Host  h" in text and not any("CONTENT_LENGTH" in line for line in text)


def test_an_earlier_process_of_that_pid_is_not_it() -> None:
    model = Model()
    fact = answered()
    for one in (program(at=-500 * MS), exited(4711, T0 - 400 * MS), fact):
        model.apply(one)
    assert _program.of(fact, model.snapshot()) is None
    model.apply(program())
    row = _program.of(fact, model.snapshot())
    assert row is not None and row.environ == GIVEN


def test_who_was_not_born_for_the_request_or_is_no_cgi_has_no_variables() -> None:
    for fact, process in (
        (answered(births=[]), program()),
        (answered(), program(role="worker")),
        (answered(), program(environ=None)),
    ):
        text, _ = told(fact, process)
        assert text == ["only this hop of it is watched; --port once more adds another"]


def test_what_is_kept_of_variables_is_bounded() -> None:
    many = [(f"V{n}", "x" * 10_000) for n in range(1_000)]
    model = Model()
    model.apply(program(environ=many))
    kept = model.snapshot().processes[0].environ
    assert kept is not None and len(kept) == 256
    assert all(len(value) == 4_096 for _, value in kept)
