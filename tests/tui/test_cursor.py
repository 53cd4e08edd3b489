"""The cursor: the selection is a row, following ends by any other movement."""

import pytest

from gwtop.panels import Cell, Row
from gwtop.tui.cursor import Cursor, Listed


def listed(*keys: int) -> Listed:
    return Listed([Row(key, (Cell(str(key)),)) for key in keys])


def at(cursor: Cursor) -> tuple[int, int | None, bool]:
    return cursor.top, cursor.selected, cursor.following


def test_a_table_that_follows_shows_the_newest() -> None:
    cursor = Cursor(follows=True)
    cursor.renew(listed(*range(5)), 10)
    assert at(cursor) == (0, None, True)
    cursor.renew(listed(*range(50)), 10)
    assert at(cursor) == (40, None, True)


@pytest.mark.parametrize("movement", ["move", "scroll", "home", "click"])
def test_every_movement_ends_following_and_the_end_resumes_it(movement: str) -> None:
    cursor = Cursor(follows=True)
    cursor.renew(listed(*range(50)), 10)
    {
        "move": lambda: cursor.move(-1),
        "scroll": lambda: cursor.scroll(-3),
        "home": cursor.home,
        "click": lambda: cursor.click(2),
    }[movement]()
    assert not cursor.following
    top = cursor.top
    cursor.renew(listed(*range(60)), 10)
    assert cursor.top == top
    cursor.to_end()
    assert at(cursor) == (50, None, True)


def test_the_first_step_up_from_live_selects_the_newest_row() -> None:
    cursor = Cursor(follows=True)
    cursor.renew(listed(*range(50)), 10)
    cursor.move(-1)
    assert cursor.selected == 49
    cursor.move(-1)
    assert cursor.selected == 48


def test_a_row_that_moves_keeps_its_line_on_the_screen() -> None:
    cursor = Cursor()
    cursor.renew(listed(0, *range(109, 99, -1)), 5)
    cursor.click(3)
    assert cursor.selected == 107
    cursor.renew(listed(0, *range(115, 99, -1)), 5)
    assert cursor.visible()[3].key == 107
    assert cursor.top == 6


def test_a_row_that_vanishes_takes_the_selection_with_it() -> None:
    cursor = Cursor()
    cursor.renew(listed(1, 2, 3), 5)
    cursor.click(1)
    cursor.renew(listed(1, 3), 5)
    assert at(cursor) == (0, None, False)


def test_a_selected_row_stays_in_view_when_the_pane_shrinks() -> None:
    cursor = Cursor()
    cursor.renew(listed(*range(30)), 20)
    cursor.click(18)
    cursor.renew(listed(*range(30)), 5)
    assert cursor.selected in [row.key for row in cursor.visible()]


def test_a_selection_out_of_sight_does_not_pull_the_view_back() -> None:
    cursor = Cursor()
    cursor.renew(listed(*range(100)), 10)
    cursor.click(0)
    cursor.scroll(50)
    cursor.renew(listed(*range(101)), 10)
    assert (cursor.top, cursor.selected) == (50, 0)


def test_moving_stops_at_both_ends_and_pulls_the_view_along() -> None:
    cursor = Cursor()
    cursor.renew(listed(*range(30)), 10)
    cursor.move(1)
    assert cursor.selected == 0
    cursor.move(500)
    assert (cursor.selected, cursor.top) == (29, 20)
    cursor.move(-500)
    assert (cursor.selected, cursor.top) == (0, 0)
    cursor.to_end()
    assert cursor.selected == 29


def test_nothing_can_be_selected_where_there_is_nothing() -> None:
    cursor = Cursor(follows=True)
    cursor.renew(Listed(), 0)
    cursor.move(1)
    cursor.home()
    cursor.scroll(5)
    assert not cursor.click(0)
    assert cursor.selected is None
    assert list(cursor.visible()) == []
