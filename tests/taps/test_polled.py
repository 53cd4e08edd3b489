"""Births found by looking, on a made-up machine: what is told, and in which order."""

from gwtop.nouns.records import Execed, Exited, Forked
from gwtop.taps.polled import Polled

MS = 1_000_000
CGI = ((b"python3", b"hello.py"), b"/usr/bin/python3")


def watching(machine) -> Polled:
    """One server, 100, already known."""
    machine.born(100, 50, 0)
    polled = Polled()
    assert polled.read({100}, 1_000 * MS) == []
    return polled


def test_a_child_is_born_and_execs_and_exits(machine) -> None:
    polled = watching(machine)
    machine.born(101, 100, 1_050 * MS, *CGI)
    assert polled.read({100}, 1_100 * MS) == [
        Forked(1_060 * MS, 101, 100),
        Execed(1_100 * MS, 101, CGI[0], CGI[1], ((b"A", b"b"),)),
    ]
    assert polled.read({100, 101}, 1_200 * MS) == []
    machine.dies(101)
    assert polled.read({100, 101}, 1_300 * MS) == [Exited(1_300 * MS, 101, None, None)]
    assert polled.read({100}, 1_400 * MS) == []


def test_a_fork_without_exec_is_only_born(machine) -> None:
    polled = watching(machine)
    machine.forked(101, 100, 1_050 * MS)
    assert polled.read({100}, 1_100 * MS) == [Forked(1_060 * MS, 101, 100)]
    machine.execs(101, *CGI)
    assert [type(r) for r in polled.read({100, 101}, 1_200 * MS)] == [Execed]


def test_a_title_rewritten_later_is_no_exec(machine) -> None:
    polled = watching(machine)
    machine.forked(101, 100, 1_050 * MS)
    polled.read({100}, 1_100 * MS)
    machine.people[101].argv = (b"srv: worker 1",)
    assert polled.read({100, 101}, 2_200 * MS) == []


def test_a_zombie_has_exited_once(machine) -> None:
    polled = watching(machine)
    machine.forked(101, 100, 1_050 * MS)
    polled.read({100}, 1_100 * MS)
    machine.state(101, "Z")
    assert polled.read({100, 101}, 1_200 * MS) == [Exited(1_200 * MS, 101, None, None)]
    machine.dies(101)
    assert polled.read({100}, 1_300 * MS) == []


def test_a_pid_given_again_is_an_exit_and_a_birth(machine) -> None:
    polled = watching(machine)
    machine.born(101, 100, 1_050 * MS, *CGI)
    polled.read({100}, 1_100 * MS)
    machine.born(101, 100, 1_150 * MS, *CGI)
    kinds = [type(record) for record in polled.read({100, 101}, 1_200 * MS)]
    assert kinds == [Exited, Forked, Execed]


def test_a_birth_is_never_told_in_the_future(machine) -> None:
    polled = watching(machine)
    machine.forked(101, 100, 1_100 * MS)
    assert polled.read({100}, 1_103 * MS) == [Forked(1_103 * MS, 101, 100)]


def test_parents_come_before_their_children(machine) -> None:
    polled = watching(machine)
    machine.born(300, 100, 1_010 * MS, *CGI)
    machine.born(200, 300, 1_020 * MS, *CGI)
    forks = [r for r in polled.read({100}, 1_100 * MS) if isinstance(r, Forked)]
    assert [(fork.pid, fork.parent) for fork in forks] == [(300, 100), (200, 300)]


def test_who_leaves_the_tree_alive_has_not_exited(machine) -> None:
    polled = watching(machine)
    machine.forked(101, 100, 1_050 * MS)
    polled.read({100}, 1_100 * MS)
    assert polled.read(set(), 1_200 * MS) == []
