"""The watched listeners and their roots, on a made-up machine."""

import pytest

from gwtop.nouns.plan import Plan
from gwtop.nouns.times import SECOND_NS
from gwtop.taps.watched import AWAITED_NS, LONGEST_PAUSE_NS, SETTLED_NS, Watched


def test_a_listener_that_is_not_there_is_awaited_and_said_once(machine) -> None:
    watched = Watched(Plan(ports=(9000,)))
    words, changed = watched.look(0)
    assert [(w.code, w.severity, w.listen) for w in words] == [
        ("listener-awaited", "info", "*:9000")
    ]
    assert not changed and watched.due_after_ns() == AWAITED_NS
    assert watched.look(1) == ([], False)
    machine.born(100, 50, 10)
    machine.listens(100, 9000, 7)
    assert watched.look(2) == ([], True)
    assert watched.roots == {100} and watched.links == {"socket:[7]"}
    assert watched.due_after_ns() == SETTLED_NS


def test_a_restarted_server_is_followed(machine) -> None:
    machine.born(100, 50, 10)
    machine.listens(100, 9000, 7)
    watched = Watched(Plan(ports=(9000,)))
    assert watched.look(0) == ([], True)
    machine.dies(100)
    machine.stops_listening(7)
    words, changed = watched.look(SECOND_NS)
    assert [w.code for w in words] == ["listener-awaited"] and not changed
    machine.born(200, 50, 20)
    machine.listens(200, 9000, 8)
    assert watched.look(2 * SECOND_NS) == ([], True)
    assert watched.roots == {200}


def test_a_socket_that_outlives_its_master_finds_the_next_owner(machine) -> None:
    machine.born(100, 50, 10)
    machine.listens(100, 9000, 7)
    machine.forked(101, 100, 20)
    watched = Watched(Plan(ports=(9000,)))
    watched.look(0)
    machine.dies(100)
    assert watched.look(2 * SECOND_NS) == ([], True)
    assert watched.roots == {101}


def test_a_pid_given_to_another_process_is_no_root(machine) -> None:
    machine.born(100, 50, 10)
    machine.listens(100, 9000, 7)
    watched = Watched(Plan(ports=(9000,)))
    watched.look(0)
    machine.born(100, 50, 90_000_000, (b"cron",), b"/usr/sbin/cron")
    machine.born(101, 1, 50)
    machine.people[101].links.add("socket:[7]")
    watched.look(2 * SECOND_NS)
    assert watched.roots == {101}


def test_the_host_chooses_among_listeners_of_one_port(machine) -> None:
    for pid, address in ((100, "127.0.0.1"), (101, "127.0.0.2"), (102, "0.0.0.0")):
        machine.born(pid, 50, pid)
        machine.listens(pid, 9000, pid, address)
    watched = Watched(Plan(ports=(9000,), host="127.0.0.2"))
    watched.look(0)
    assert watched.roots == {101, 102}


def test_a_named_pid_is_the_root_whoever_listens(machine) -> None:
    machine.born(100, 50, 10)
    machine.born(101, 50, 10)
    machine.listens(101, 9000, 7)
    watched = Watched(Plan(ports=(9000,), pid=100))
    assert watched.look(0) == ([], True)
    assert watched.roots == {100} and watched.links == {"socket:[7]"}
    assert watched.look(1) == ([], False)


def test_a_hidden_owner_is_told_once_and_looked_for_less_and_less(machine) -> None:
    machine.born(100, 50, 10)
    machine.listens(100, 9000, 7)
    machine.people[100].hidden = True
    watched = Watched(Plan(ports=(9000,)))
    words, _ = watched.look(0)
    assert [(w.code, w.severity) for w in words] == [("owner-hidden", "warn")]
    assert "attach --port 9000" in words[0].text
    assert watched.look(SECOND_NS) == ([], False)
    machine.people[100].hidden = False
    assert watched.look(2 * SECOND_NS) == ([], False)  # not again before 3 s
    assert watched.look(SECOND_NS + LONGEST_PAUSE_NS) == ([], True)
    assert watched.roots == {100}


def test_in_a_container_an_owner_that_nobody_is_lives_outside(
    machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.born(100, 50, 10)
    machine.listens(100, 9000, 7)
    machine.people[100].links.clear()
    watched = Watched(Plan(ports=(9000,)))
    assert watched.look(0)[0] == []
    monkeypatch.setattr("gwtop.taps.namespaces.is_first", lambda kind: False)
    words, _ = watched.look(SECOND_NS)
    assert [w.code for w in words] == ["owner-hidden"] and "container" in words[0].text
    assert watched.look(LONGEST_PAUSE_NS)[0] == []


def test_of_two_listeners_each_process_is_told_which_it_holds(machine) -> None:
    machine.born(100, 50, 10)
    machine.listens(100, 8080, 7, "0.0.0.0")
    machine.born(101, 50, 10)
    machine.listens(101, 9000, 8)
    watched = Watched(Plan(ports=(8080, 9000)))
    watched.look(0)
    assert watched.held_by(100) == {"0.0.0.0:8080"}
    assert watched.held_by(101) == {"127.0.0.1:9000"}
    assert watched.held_by(50) == frozenset()
    machine.people[101].hidden = True
    assert watched.held_by(101) is None
