"""The followed tree grows and shrinks with the kernel's messages.

In: happenings by hand. Out: which of them concern the tree.
"""

from gwtop.taps.connector import EVENT_EXEC, EVENT_EXIT, EVENT_FORK, Happening
from gwtop.taps.followed import N_KEPT_ASIDE, Followed


def fork(parent: int, child: int, at: int = 1) -> Happening:
    return Happening(EVENT_FORK, 0, 0, 0, at, parent, parent, child, child)


def execed(pid: int, at: int = 1) -> Happening:
    return Happening(EVENT_EXEC, 0, 0, 0, at, pid, pid, 0, 0)


def exited(pid: int, at: int = 1) -> Happening:
    return Happening(EVENT_EXIT, 0, 0, 0, at, pid, pid, 0, 17)


def test_a_child_born_and_gone_in_one_batch_is_told_whole() -> None:
    followed = Followed()
    followed.follow({10}, 0)
    batch = [fork(10, 11), execed(11), fork(11, 12), exited(12), exited(11)]
    assert followed.concerning([*batch, fork(99, 98), exited(98)]) == batch
    assert followed.pids() == {10}


def test_a_member_that_ended_has_no_more_children() -> None:
    followed = Followed()
    followed.follow({10}, 0)
    followed.concerning([exited(10)])
    assert followed.concerning([fork(10, 11), exited(11)]) == []


def test_children_born_before_anybody_followed_their_parent_are_told_later() -> None:
    followed = Followed()
    early = [fork(10, 11, 5), execed(11, 6), exited(11, 7), fork(77, 78, 8)]
    assert followed.concerning(early) == []
    assert followed.follow({10}, 20) == early[:3]
    assert followed.follow({10, 13}, 30) == []


def test_who_is_named_alive_is_not_born_again_by_an_older_fork() -> None:
    followed = Followed()
    followed.concerning([fork(10, 11, 5), execed(11, 6)])
    assert followed.follow({10, 11}, 20) == []
    assert followed.concerning([fork(10, 11, 19)]) == []
    assert followed.concerning([fork(11, 12, 21)]) == [fork(11, 12, 21)]


def test_who_was_named_and_ended_before_we_followed_is_told_as_ended() -> None:
    followed = Followed()
    followed.concerning([fork(1, 10, 1), exited(11, 5)])
    assert followed.follow({10, 11}, 20) == [exited(11, 5)]
    assert followed.pids() == {10}


def test_an_earlier_process_of_the_same_pid_is_another_story() -> None:
    followed = Followed()
    followed.concerning([fork(10, 30, 1), exited(30, 2), exited(10, 3), fork(1, 10, 4)])
    assert followed.follow({10}, 20) == []
    assert followed.pids() == {10}


def test_a_pid_given_again_inside_the_tree_is_a_new_birth() -> None:
    followed = Followed()
    followed.follow({10, 11}, 20)
    assert followed.concerning([fork(10, 11, 25)]) == [fork(10, 11, 25)]  # its exit was lost


def test_strangers_are_kept_within_a_limit() -> None:
    followed = Followed()
    followed.concerning([fork(10, 11)] + [fork(77, 78)] * N_KEPT_ASIDE)
    assert followed.follow({10}, 20) == []
