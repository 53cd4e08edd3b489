"""Whose account an account is: pids are used again, lives are not.

In: processes with births and exits, accounts. Out: who was meant, and what is written on it.
"""

import pytest

from gwtop.nouns.records import Spent
from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS
from gwtop.tracker import spending
from gwtop.tracker.process import Process

T0 = 1_800_000_000 * SECOND_NS
MS = MILLISECOND_NS


def process(pid: int, born: int | None, exited: int | None = None) -> Process:
    made = Process(pid, 1, None)
    made.born_at = None if born is None else T0 + born
    made.exited_at = None if exited is None else T0 + exited
    return made


def account(pid: int, lifetime: int, at: int = 1000 * MS) -> Spent:
    return Spent(T0 + at, pid, 1_234, 5_000, lifetime)


def test_an_account_is_that_of_the_one_that_has_gone() -> None:
    gone = process(7, 0, 50 * MS)
    assert spending.whose(account(7, 50 * MS), None, [process(8, 0, 50 * MS), gone]) is gone


def test_of_two_lives_of_a_pid_the_one_that_was_as_long_is_meant() -> None:
    short, long = process(7, 0, 5 * MS), process(7, 10 * MS, 40 * MS)
    assert spending.whose(account(7, 30 * MS), None, [short, long]) is long
    assert spending.whose(account(7, 5 * MS), None, [short, long]) is short


def test_lives_that_are_alike_are_told_apart_by_their_order_and_none_gets_two_accounts() -> None:
    lives = [process(7, 10 * n * MS, (10 * n + 2) * MS + n) for n in range(3)]
    for expected in lives:
        found = spending.whose(account(7, 2 * MS), None, lives)
        assert found is expected
        spending.write_down(account(7, 2 * MS), found)
    assert spending.whose(account(7, 2 * MS), None, lives) is None
    clock = Spent(T0 + 50 * MS, 7, 5, None, 2 * MS)
    assert spending.whose(clock, None, lives) is lives[0], "the other tap's comes too"


def test_an_account_comes_before_its_exit() -> None:
    alive = process(7, 900 * MS)
    assert spending.whose(account(7, 95 * MS), alive, []) is alive


def test_a_life_longer_than_that_of_who_has_the_pid_now_was_anothers() -> None:
    assert spending.whose(account(7, 600 * MS), process(7, 900 * MS), []) is None


def test_a_stranger_is_nobody() -> None:
    assert spending.whose(account(9, 5 * MS), None, [process(7, 0, 5 * MS)]) is None


def test_giving_memory_back_takes_a_while_and_is_part_of_the_life() -> None:
    gone = process(7, 0, 1500 * MS)
    assert spending.whose(account(7, 600 * MS), None, [gone]) is gone
    assert spending.whose(account(7, 1600 * MS), None, [gone]) is None


def test_who_was_there_before_us_may_have_lived_for_ever() -> None:
    gone = process(7, None, 5 * MS)
    assert spending.whose(account(7, 600 * SECOND_NS), None, [gone]) is gone
    alive = process(8, None)
    assert spending.whose(account(8, 600 * SECOND_NS), alive, []) is alive


@pytest.mark.parametrize(
    ("sampled_ns", "accounts_ns", "expected_ns"),
    [
        pytest.param(None, [], None, id="nobody said"),
        pytest.param(7, [], 7, id="the sample alone"),
        pytest.param(None, [5, 9], 9, id="two accounts"),
        pytest.param(20, [5], 20, id="the account lacks a tick"),
    ],
)
def test_of_those_who_say_at_least_so_much_the_most_is_told(
    sampled_ns: int | None, accounts_ns: list[int], expected_ns: int | None
) -> None:
    one = process(7, 0)
    one.cpu_ns = sampled_ns
    for cpu_ns in accounts_ns:
        spending.write_down(Spent(T0, 7, cpu_ns, None, 1), one)
    assert spending.cpu_ns_of(one) == expected_ns
    assert one.clocked == bool(accounts_ns) and not one.accounted and one.max_rss_bytes is None


def test_a_peak_is_the_highest_that_was_seen() -> None:
    one = process(7, 0)
    one.max_rss_bytes = 9_000
    spending.write_down(account(7, 1), one)
    assert one.max_rss_bytes == 9_000
    spending.write_down(Spent(T0, 7, 1, 12_000, 1), one)
    assert one.max_rss_bytes == 12_000
