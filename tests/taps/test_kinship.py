"""Who owns a listener and who is family, on a made-up machine."""

import os

import pytest

from gwtop.taps import kinship, proc


def server_of_three(machine) -> None:
    """A master 100 under a shell, two workers, and what one of them started."""
    machine.born(100, 50, 10, (b"srv", b"master"))
    machine.listens(100, 9000, 7)
    machine.forked(101, 100, 20)
    machine.forked(102, 100, 20)
    machine.born(103, 102, 30, (b"sh",), b"/bin/sh")
    machine.born(60, 50, 10, (b"load",), b"/usr/bin/load")


def test_every_holder_is_an_owner(machine) -> None:
    server_of_three(machine)
    assert kinship.owners({"socket:[7]"}) == kinship.Owners(frozenset({100, 101, 102}), 0)


def test_who_may_not_be_read_is_counted(machine) -> None:
    server_of_three(machine)
    machine.people[101].hidden = True
    assert kinship.owners({"socket:[7]"}) == kinship.Owners(frozenset({100, 102}), 1)


def test_an_init_that_listens_for_others_is_no_owner(machine) -> None:
    server_of_three(machine)
    machine.people[1].links.add("socket:[7]")
    assert 1 not in kinship.owners({"socket:[7]"}).pids


def test_a_server_that_is_pid_1_is_an_owner(machine) -> None:
    machine.born(1, 0, 0)
    machine.listens(1, 9000, 7)
    assert kinship.owners({"socket:[7]"}).pids == {1}


def test_the_top_is_the_highest_of_the_same_program_in_a_row(machine) -> None:
    server_of_three(machine)
    assert kinship.roots({101, 102}) == {100}
    machine.born(70, 1, 5)  # the same program again, above the shell: another story
    machine.people[50].stat = machine.people[50].stat._replace(parent=70)
    assert kinship.roots({101}) == {100}


def test_a_hidden_program_is_known_by_its_name(machine) -> None:
    server_of_three(machine)
    machine.people[100].hidden = True
    assert kinship.roots({101}) == {100}


def test_our_own_ancestors_are_no_part_of_a_server(machine) -> None:
    machine.born(200, 50, 10)  # a test runner of the same program started both
    machine.born(os.getpid(), 200, 20)
    machine.born(201, 200, 20)
    assert kinship.roots({201}) == {201}


@pytest.mark.parametrize("with_children_files", [True, False])
def test_descendants_are_the_tops_and_all_below(
    machine, monkeypatch: pytest.MonkeyPatch, with_children_files: bool
) -> None:
    server_of_three(machine)
    monkeypatch.setattr(proc, "lists_children", lambda: with_children_files)
    assert kinship.descendants({100}) == {100, 101, 102, 103}
    assert kinship.descendants({102, 103}) == {102, 103}
