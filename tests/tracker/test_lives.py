"""The facts of a life: what a process is called, what part it has, what is told of it."""

import pytest

from gwtop.nouns.facts import UNSET
from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS, instant
from gwtop.tracker import lives
from gwtop.tracker.process import Process

T0 = 1_800_000_000 * SECOND_NS


def process(**given: object) -> Process:
    made = Process(200, 100, None)
    made.born_at = T0
    for name, value in given.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("argv", "other", "expected"),
    [
        pytest.param((b"/usr/bin/php", b"-f"), None, "php", id="by argv"),
        pytest.param((b"x",), b"/usr/sbin/nginx", "nginx", id="by executable"),
        pytest.param(None, None, None, id="nobody knows"),
        pytest.param((b"",), b"", None, id="empty"),
        pytest.param((b"/usr/sbin/apache2", b"-D"), b"/usr/sbin/apach", "apache2", id="cut short"),
        pytest.param((b"nginx: master process /etc/x.conf",), b"nginx", "nginx", id="a title"),
        pytest.param(None, b"/srv/caf\xe9.cgi", "caf\xe9.cgi", id="bytes as they are"),
    ],
)
def test_a_process_is_called_by_its_program(
    argv: tuple[bytes, ...] | None, other: bytes | None, expected: str | None
) -> None:
    assert lives.name_of(argv, other) == expected


def test_a_cgi_program_is_known_by_its_variables_or_by_its_request() -> None:
    marked = {lives.CGI_MARK: b"CGI/1.1"}
    assert lives.role(process(environ=marked, execed=True), None) == "cgi"
    assert lives.role(process(environ=marked, execed=False), None) == "other", "its parent's"
    assert lives.role(process(request=7, execed=True, n_requests=1), None) == "cgi"
    assert lives.role(process(request=7, execed=True, n_requests=0), None) == "other", "a helper"


def test_who_listens_is_a_worker_or_a_master_and_a_front_where_it_is_said() -> None:
    master = process(holds_listener=True)
    assert lives.role(master, None) == "worker"
    master.children.append(process(holds_listener=True))
    assert lives.role(master, None) == "master"
    assert lives.role(master, 200) == "front"


def family(**of_the_front: object) -> tuple[Process, list[Process]]:
    """A front (pid 200) and three that it forked."""
    front, below = process(**of_the_front), []
    for pid in (201, 202, 203):
        child = Process(pid, 200, front)
        front.children.append(child)
        below.append(child)
    return front, below


def test_what_a_front_before_a_gateway_forked_is_front_too() -> None:
    _, (child, *_) = family(holds_listener=False)
    assert lives.role(child, 200) == "front"
    assert lives.role(child, None) == "other"


def test_behind_a_front_that_listens_who_answers_is_a_worker_and_who_passes_on_is_none() -> None:
    _, (reader, idle, daemon) = family(holds_listener=True)
    reader.holds_listener = idle.holds_listener = True
    assert [lives.role(p, 200) for p in (reader, idle, daemon)] == ["worker", "worker", "other"]
    reader.n_passed, daemon.n_requests = 3, 3
    assert [lives.role(p, 200) for p in (reader, idle, daemon)] == ["front", "front", "worker"]
    assert lives.role(reader, None) == "worker", "nobody said that this is a front"


def test_an_exit_says_how_long_it_lived_and_nothing_that_is_not_known() -> None:
    told = lives.exited(process(exited_at=T0 + 3 * MILLISECOND_NS, code=0), "worker")
    assert (told.at, told.lifetime_ns) == (instant(T0 + 3 * MILLISECOND_NS), 3 * MILLISECOND_NS)
    assert (told.code, told.signal, told.cpu_ns, told.max_rss_bytes) == (0, None, None, None)
    before = lives.exited(process(born_at=None, exited_at=T0, spent_cpu_ns=5, cpu_ns=3), "other")
    assert (before.lifetime_ns, before.cpu_ns) == (None, 5)


def test_an_exit_says_that_it_was_a_cgi_process_if_that_was_not_known_when_it_was_told() -> None:
    for told_role, role, said in (
        ("worker", "cgi", "cgi"),
        ("cgi", "cgi", UNSET),
        ("front", "other", UNSET),
        ("worker", "worker", UNSET),
    ):
        assert lives.exited(process(exited_at=T0, told_role=told_role), role).role is said


def test_variables_are_told_with_details_only_and_without_secrets() -> None:
    one = process(environ={b"A": b"b", b"HTTP_COOKIE": b"secret"}, execed=True)
    assert lives.born(one, "cgi", details=False, show_secrets=False).environ is UNSET
    told = dict(lives.born(one, "cgi", details=True, show_secrets=False).environ or [])
    assert told["A"] == "b" and "secret" not in told["HTTP_COOKIE"]
    shown = dict(lives.born(one, "cgi", details=True, show_secrets=True).environ or [])
    assert shown["HTTP_COOKIE"] == "secret"
    one.execed = False
    assert lives.born(one, "cgi", details=True, show_secrets=False).environ is None
