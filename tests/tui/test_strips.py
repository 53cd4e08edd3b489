"""Strips have exactly the width they were asked for, whatever is in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from gwtop.panels import Cell, Column, Row
from gwtop.panels._base import MIDDLE
from gwtop.tui.strips import border, boxed, line_strip, row_cells, sized, sized_cell


@given(st.text(max_size=40), st.integers(min_value=0, max_value=30), st.sampled_from("<>"))
def test_any_text_takes_exactly_its_cells(text: str, width: int, align: str) -> None:
    got = sized(text, width, align)
    assert cell_len(got) == width
    assert got.isprintable()


@given(st.lists(st.text(max_size=20), max_size=5), st.integers(min_value=1, max_value=60))
def test_any_line_is_as_wide_as_the_screen(texts: list[str], width: int) -> None:
    strip = line_strip([Cell(text) for text in texts], width)
    assert sum(cell_len(segment.text) for segment in strip) == width


@given(st.text(max_size=60), st.text(max_size=30), st.integers(min_value=8, max_value=80))
def test_any_border_is_as_wide_as_its_pane(left: str, right: str, width: int) -> None:
    for top in (True, False):
        strip = border((Cell(left),), (Cell(right),), width, "dim", top)
        assert sum(cell_len(segment.text) for segment in strip) == width


@pytest.mark.parametrize(
    ("width", "text"),
    [(30, "GET /report             38 ms"[:30].ljust(30)), (14, ""), (9, ""), (4, "")],
)
def test_a_tail_stays_whole_where_there_is_room(width: int, text: str) -> None:
    cell = Cell("GET /report  38 ms", "", 6)
    got = sized_cell(cell, width, "<")
    assert cell_len(got) == width
    assert got.endswith(" 38 ms") == (width > 8)
    if width == 30:
        assert got == "GET /report" + " " * 13 + " 38 ms"


def test_columns_stand_where_they_should_and_left_out_ones_leave_no_gap() -> None:
    columns = (
        Column("a", 4, "<", ""),
        Column("b", 3, "<", ""),
        Column("c", 5, ">", ""),
    )
    row = Row(1, (Cell("ab"), Cell("no"), Cell("日本語")))
    text = "".join(s.text for s in row_cells(row, columns, (4, 0, 5)))
    assert text == "ab    日本…"[:6] + "日本…" or cell_len(text) == 10
    strip = boxed(row_cells(row, columns, (4, 0, 5)), 20, "dim")
    assert sum(cell_len(segment.text) for segment in strip) == 20


def test_the_selected_row_is_reversed_in_every_cell() -> None:
    columns = (Column("a", 4, "<", ""), Column("b", 3, "<", ""))
    row = Row(1, (Cell("x", "bad"), Cell("y", "dim")))
    segments = row_cells(row, columns, (4, 3), "reverse")
    assert all(s.style is not None and s.style.reverse for s in segments)


def test_what_is_to_be_cut_in_the_middle_keeps_both_ends() -> None:
    cell = Cell("unix:/run/php/some-long-directory/fpm.sock", "", MIDDLE)
    assert sized_cell(cell, 26, "<") == "unix:/run/php/so…/fpm.sock"
    assert sized_cell(cell, 50, "<") == cell.text.ljust(50)
    assert line_strip((Cell("at "), cell), 29).text == "at unix:/run/php/so…/fpm.sock"
