"""Every panel that is found keeps the contract of panels."""

import pytest

from gwtop.model import Model, Snapshot
from gwtop.panels import Panel, discover
from tests.screens._facts import hostile, pool, rain


def test_panels_are_found_in_the_order_of_their_tabs() -> None:
    names = ["requests", "processes", "routes", "connections", "errors", "notes"]
    assert list(discover()) == names


@pytest.mark.parametrize("panel", discover().values(), ids=lambda p: p.NAME)
@pytest.mark.parametrize(
    "facts", [[], pool(), rain(), hostile()], ids=["none", "pool", "rain", "hostile"]
)
def test_every_row_has_a_printable_cell_for_each_column(panel: Panel, facts: list[object]) -> None:
    model = Model()
    for fact in facts:
        model.apply(fact)  # type: ignore[arg-type]
    rows = panel.rows(model.snapshot())
    assert bool(rows) == (bool(facts) and (panel.NAME != "notes" or facts != rain()))
    assert len({row.key for row in rows}) == len(rows)
    for row in rows:
        assert len(row.cells) == len(panel.COLUMNS)
        assert all(cell.text.isprintable() for cell in row.cells)


@pytest.mark.parametrize("panel", discover().values(), ids=lambda p: p.NAME)
def test_columns_explain_themselves_and_exactly_one_grows(panel: Panel) -> None:
    assert all(column.meaning for column in panel.COLUMNS)
    assert sum(column.grow for column in panel.COLUMNS) == 1
    assert panel.rows(Snapshot()) == []


def test_a_table_without_rows_says_so() -> None:
    quiet = {"requests", "processes"}  # the one says it by itself, of the other there always is one
    for name, panel in discover().items():
        assert name in quiet or getattr(panel, "EMPTY", ""), name
