"""Rows of requests: bounded, numbered for good, and views that stay what they were."""

import pytest

from gwtop.model.requests import (
    BLOCK_ROWS,
    KEPT_DETAIL_CHARACTERS,
    KEPT_DETAILS,
    KEPT_TEXT,
    RequestTable,
    clip,
)
from tests.screens._facts import T0, request


def filled(n: int, limit: int = 1024) -> RequestTable:
    table = RequestTable(limit=limit)
    for i in range(n):
        table.add(request(i, T0 + i))
    return table


def test_the_newest_rows_are_kept_under_their_own_numbers() -> None:
    view = filled(5000).view()
    assert view.end == 5000
    assert 1024 <= len(view) <= 1024 + BLOCK_ROWS
    assert [row.number for row in view] == list(range(view.first, 5000))
    assert view[4999].id == 4999
    with pytest.raises(IndexError):
        view[view.first - 1]
    with pytest.raises(IndexError):
        view[5000]


def test_a_view_does_not_change_while_the_table_goes_on() -> None:
    table = filled(600)
    view = table.view()
    before = list(view)
    for i in range(600, 4000):
        table.add(request(i, T0 + i))
    assert list(view) == before
    assert len(view) == 600


def test_a_window_gives_only_the_rows_that_there_are() -> None:
    view = filled(10).view()
    assert [row.number for row in view.between(-5, 3)] == [0, 1, 2]
    assert [row.number for row in view.between(8, 99)] == [8, 9]


def test_whole_facts_are_bounded_in_number_and_in_size() -> None:
    table = filled(KEPT_DETAILS + 10)
    assert len(table._details) == KEPT_DETAILS
    assert [table.detail(n) is not None for n in (9, 10)] == [True, True]
    for i in range(2 * KEPT_DETAIL_CHARACTERS // 65536):
        table.add(request(i, T0, target="x" * 65536, fields=[("a", "b" * 65536)]))
    assert table._detail_characters <= KEPT_DETAIL_CHARACTERS
    assert len(table._details) < 200
    last = table.view()[table.n_told - 1]
    assert last.target == "x" * KEPT_TEXT


@pytest.mark.parametrize(
    ("text", "limit", "clipped"),
    [
        pytest.param("abcdef", 3, "abc", id="ascii"),
        pytest.param("abc", 3, "abc", id="fits"),
        pytest.param("ab\xc3\xa9x", 3, "ab", id="half a character goes"),
        pytest.param("ab\xc3\xa9x", 4, "ab\xc3", id="a last lead byte goes with the next"),
        pytest.param("\xe6\x97\xa5" * 3, 5, "\xe6\x97\xa5", id="two of three bytes go"),
        pytest.param("\x80" * 9, 5, "\x80" * 5, id="no UTF-8 at all"),
        pytest.param(None, 5, None, id="unknown"),
    ],
)
def test_a_cut_does_not_halve_a_character(
    text: str | None, limit: int, clipped: str | None
) -> None:
    got = clip(text, limit)
    if clipped == "ab\xc3":
        clipped = "ab"
    assert got == clipped


def test_the_hops_of_a_request_find_each_other_as_long_as_their_facts_are_kept() -> None:
    table = RequestTable()
    back, front = request(2, T0, pair=1), request(1, T0)
    table.add(back)
    assert table.hops(back) == (None, None)
    table.add(front)
    assert table.hops(back) == (front, None)
    assert table.hops(front) == (None, back)
    for i in range(KEPT_DETAILS):
        table.add(request(10 + i, T0))
    assert len(table._numbers) == KEPT_DETAILS and not table._behind
    assert table.hops(back) == (front, None) and table.hops(front) == (None, back), "packed"


def test_of_a_request_that_was_tried_again_the_last_one_stands_behind() -> None:
    table = RequestTable()
    front = request(1, T0)
    for fact in (request(2, T0, pair=1), request(3, T0, pair=1), front):
        table.add(fact)
    found = table.hops(front)[1]
    assert found is not None and found.id == 3
