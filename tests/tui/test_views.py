"""Which panes stand where, at any size."""

import pytest

from gwtop.panels import discover
from gwtop.tui.views import OVERVIEW, View, arrange, views


def overview() -> View:
    return views(discover().values())[0]


def test_every_table_has_a_view_and_the_overview_is_first() -> None:
    found = views(discover().values())
    assert found[0].panes == OVERVIEW
    assert {name for view in found[1:] for name in view.panes} >= set(discover()) | {"lifelines"}
    assert all(view.focus in view.panes for view in found)
    assert len(found) <= 9, "each has a digit for its key"


@pytest.mark.parametrize(
    ("size", "panes", "is_wide"),
    [
        ((160, 50), OVERVIEW, True),
        ((120, 40), OVERVIEW, True),
        ((119, 40), OVERVIEW, False),
        ((80, 35), OVERVIEW[:2], False),
        ((80, 24), OVERVIEW[:2], False),
        ((120, 29), OVERVIEW[:2], True),
        ((40, 10), OVERVIEW[:2], False),
        ((39, 24), (), False),
        ((80, 9), (), False),
    ],
)
def test_the_overview_shows_what_fits(
    size: tuple[int, int], panes: tuple[str, ...], is_wide: bool
) -> None:
    layout = arrange(overview(), *size, has_detail=False, helping=False)
    assert (layout.panes, layout.is_wide) == (panes, is_wide)
    assert layout.is_tiny == (not panes)
    assert 8 <= layout.lifelines_lines <= 18


def test_a_detail_takes_the_place_of_lifelines_and_where_it_is_low_of_all() -> None:
    layout = arrange(overview(), 120, 40, has_detail=True, helping=False)
    assert layout.panes == OVERVIEW[:2] and layout.detail and layout.is_below
    layout = arrange(overview(), 80, 24, has_detail=True, helping=False)
    assert layout.panes == () and layout.detail and not layout.is_below


def test_help_hides_everything_else() -> None:
    layout = arrange(overview(), 120, 40, has_detail=True, helping=True)
    assert layout.panes == () and not layout.detail


def test_lifelines_alone_take_all_there_is() -> None:
    (alone,) = [v for v in views(discover().values()) if v.panes == ("lifelines",)]
    assert arrange(alone, 80, 24, has_detail=False, helping=False).lifelines_lines == 0
