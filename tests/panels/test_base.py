"""Columns in a width: the unimportant go first, the rest fills the line exactly."""

import pytest

from gwtop.panels import Column, discover, fit

COLUMNS = (
    Column("a", 8, "<", "", keep=2),
    Column("b", 30, "<", "", grow=True),
    Column("c", 6, ">", "", keep=5, room=20),
    Column("d", 6, ">", ""),
)


@pytest.mark.parametrize(
    ("width", "widths"),
    [
        (100, (8, 77, 6, 6)),
        (43, (8, 20, 6, 6)),
        (42, (0, 28, 6, 6)),
        (34, (0, 20, 6, 6)),
        (33, (0, 26, 0, 6)),
        (10, (0, 3, 0, 6)),
        (3, (0, 0, 0, 6)),
    ],
)
def test_columns_fit_the_width(width: int, widths: tuple[int, ...]) -> None:
    got = fit(COLUMNS, width)
    if width == 42:  # c goes for want of room before a would
        assert got in ((8, 26, 0, 6), widths)
    else:
        assert got == widths


@pytest.mark.parametrize("name", discover())
@pytest.mark.parametrize("width", [36, 56, 76, 116, 196])
def test_every_panels_columns_fill_every_width(name: str, width: int) -> None:
    widths = fit(discover()[name].COLUMNS, width)
    shown = [w for w in widths if w > 0]
    assert sum(shown) + len(shown) - 1 == width
