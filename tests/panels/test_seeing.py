"""The story of the newest request, for each way a gateway works."""

from dataclasses import replace

import pytest
from msgspec import structs

from gwtop.model import Model, Snapshot
from gwtop.nouns.facts import UNSET, ProcessSample, Request
from gwtop.panels._seeing import WAITING, lines, process_of, script_began_at, story
from tests.screens._facts import T0, born, exited, pool, rain, request, sample, seen, tick

MS = 10**6


def text(fact: Request, snapshot: Snapshot) -> str:
    return "".join(cell.text for cell in story(fact, snapshot))


def shown(facts: list[object], model: str | None = None) -> tuple[Request, Snapshot]:
    """The newest request of these, and what is shown of them all."""
    made = Model()
    for fact in facts:
        made.apply(fact)  # type: ignore[arg-type]
    snapshot = made.snapshot()
    newest = made.requests.detail(snapshot.requests.end - 1)
    assert newest is not None
    return newest, snapshot if model is None else replace(snapshot, model=model)


def cgi(answer: list[tuple[str, str]], **other: object) -> tuple[Request, Snapshot]:
    """A request at T0 whose process was born 1 ms later, lived 38 ms and answered after 36."""
    asked = request(
        1,
        T0 + 37 * MS,
        pid=4711,
        births=[4711],
        duration_ns=37 * MS,
        first_byte_ns=36 * MS,
        response_fields=answer,
        queue_ns=None,
        evidence="environ",
    )
    facts = [born(4711, T0 + MS, argv=["/usr/bin/python3.11", "x.py"]), asked]
    facts.append(exited(4711, T0 + 39 * MS, **{"lifetime_ns": 38 * MS, **other}))
    return shown(facts, "process-per-request")


def test_a_process_per_request_is_told_with_its_life_and_what_starting_took() -> None:
    fact, snapshot = cgi([("X-Script-Began", str(T0 + 32 * MS))])
    told = text(fact, snapshot)
    assert "pid 4711 was made for this request alone by pid 4700 and lived 38 ms" in told
    assert "31 ms of them starting Python, 4.0 ms until its answer began" in told
    assert "1 birth for 1 request so far" in told


@pytest.mark.parametrize(
    "answer",
    [
        [],
        [("X-Script-Began", "yesterday")],
        [("X-Script-Began", "1" * 30)],
        [("X-Script-Began", str(T0 - 10**15))],
        [("X-Script-Began", "٣")],
    ],
)
def test_what_the_script_does_not_say_is_not_said(answer: list[tuple[str, str]]) -> None:
    told = text(*cgi(answer))
    assert "lived 38 ms;" in told and "starting" not in told


def test_how_it_ended_is_said_where_that_was_not_well() -> None:
    assert "signal 9 ended it" in text(*cgi([], signal=9, code=None))
    assert "ended with status 3" in text(*cgi([], code=3))


def test_a_process_that_nobody_saw_is_not_made_up() -> None:
    fact, snapshot = cgi([])
    unseen = structs.replace(fact, pid=None, evidence=None)
    assert "nobody saw which" in text(unseen, snapshot)


def test_of_a_pool_it_is_one_of_the_workers_with_its_wait_and_count() -> None:
    fact, snapshot = shown(pool())
    told = text(structs.replace(fact, pid=1207, queue_ns=9 * MS, births=[]), snapshot)
    assert "it waited 9.0 ms to be read; pid 1207, one of 4 workers, answered it in" in told
    assert "request in" in told and "no process was born for it" in told
    assert "waited" not in text(structs.replace(fact, queue_ns=10_000), snapshot)


def test_in_a_thread_it_names_the_thread() -> None:
    facts: list[object] = [seen(7, 1, "worker", "gunicorn"), request(1, T0, pid=7, thread=9)]
    facts.append(structs.replace(sample(T0, 7), threads=5))
    fact, snapshot = shown(facts, "threaded")
    assert "pid 7 (worker) answered it in" in text(fact, snapshot)
    assert "in its thread 9 of 5; others share its memory" in text(fact, snapshot)


def test_embedded_it_is_the_servers_own() -> None:
    told = text(*shown([seen(7, 1, "worker", "apache2"), request(1, T0, pid=7)], "embedded"))
    assert "pid 7 (worker) answered it" in told and "the interpreter lives in it" in told


def test_a_single_process_answers_all() -> None:
    facts: list[object] = [
        seen(7, 1, "worker", "tornado"),
        *(request(n, T0, pid=7) for n in (1, 2)),
    ]
    told = text(*shown(facts, "single-process"))
    assert "one process answers all of them: 2 so far" in told
    busy: ProcessSample = structs.replace(sample(T0, 7), threads=4)
    assert "with 4 threads inside: 2 so far" in text(*shown([*facts, busy], "single-process"))


def test_before_a_verdict_it_says_what_it_takes() -> None:
    fact, snapshot = shown([request(1, T0, pid=7), tick(T0, 1)])
    told = text(fact, replace(snapshot, model=None))
    assert "five answered requests tell how" in told
    nobody = structs.replace(fact, pid=None, evidence=None)
    assert "by whom nobody saw" in text(nobody, replace(snapshot, model=None))


def test_what_passed_on_the_hop_stands_at_the_end() -> None:
    fact, snapshot = shown(pool())
    seen_before = structs.replace(fact, sequence=2, response_body_bytes=1)
    told = text(seen_before, snapshot)
    assert "On the hop: uwsgi" in told and "the 3rd on its connection; 1 byte came back" in told


def test_the_lines_are_as_many_as_there_is_room_for_and_no_wider() -> None:
    fact, snapshot = shown(rain())
    for width in (40, 80, 120, 200):
        for n_lines in (2, 3, 4, 8):
            told = lines(fact, snapshot, "Every request makes a new process. " * 9, width, n_lines)
            assert len(told) == n_lines
            assert all(sum(len(cell.text) for cell in line) <= width for line in told)
    last = "".join(cell.text for cell in told[-1])
    assert last == "" or last.endswith("e: the whole page")


def test_what_passed_on_the_hop_is_told_whole_or_not_at_all() -> None:
    fact, snapshot = cgi([("X-Script-Began", str(T0 + 32 * MS))])
    for width in range(60, 200, 7):
        told = " ".join(
            cell.text for line in lines(fact, snapshot, "", width, 2) for cell in line
        ).rstrip()
        assert "On the hop" not in told or told.endswith("came back"), width


def test_before_the_first_request_it_waits_and_shows_the_page() -> None:
    told = lines(None, Snapshot(), "CGI starts a program.", 80, 3)
    words = ["".join(cell.text for cell in line) for line in told]
    assert WAITING in words[0] and "CGI starts a program.  e: the whole page" in words[1]
    assert words[2] == ""


def test_hostile_text_does_nothing_to_a_terminal() -> None:
    fact, snapshot = shown(pool())
    evil = structs.replace(fact, target="/\x1b[2J\n[red]", method="\x9b", protocol="\x07")
    assert text(evil, snapshot).isprintable()


def test_without_fields_there_is_no_beginning_and_without_a_pid_no_process() -> None:
    fact, snapshot = shown(pool())
    assert script_began_at(structs.replace(fact, response_fields=UNSET)) is None
    assert process_of(structs.replace(fact, pid=None), snapshot) is None


def test_one_that_was_cut_off_is_not_said_to_be_answered() -> None:
    fact, snapshot = shown([*pool(), request(99, T0, pid=1207, status=None, duration_ns=None)])
    told = text(fact, replace(snapshot, model="worker-pool"))
    assert "→ no answer" in told and "had it; no answer of it was seen" in told
