"""A comparison as text: table, bars, Markdown, JSON, picture."""

import json
from xml.etree import ElementTree

import pytest
from rich.console import Console

from gwtop.nouns.comparison import COLUMNS, Cell, Column, Compared, Value
from gwtop.outputs import comparison

FULL = {column.key: Cell(2.0) for column in COLUMNS} | {
    "edit_takes_effect": Cell(True),
    "idle_interpreters": Cell("1 of 2"),
    "model": Cell("worker-pool"),
    "requests_per_s_8": Cell(1234.5),
}
ROWS = [
    Compared("one", FULL),
    Compared("two", FULL | {"cpu_ms": Cell(None, "nobody knows"), "requests_per_s_8": Cell(10.0)}),
]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1234.5, "/s", "1,234"),
        (25.94, "ms", "25.9 ms"),
        (0.256, "ms", "0.26 ms"),
        (0.0, "", "0.00"),
        (True, "", "yes"),
        (False, "", "no"),
        ("1 of 2", "", "1 of 2"),
    ],
)
def test_a_value_is_shown_with_as_many_digits_as_it_deserves(
    value: Value, unit: str, text: str
) -> None:
    assert comparison.shown(Column("k", "t", unit, "h"), value) == text


def printed(rows: list[Compared]) -> str:
    console = Console(width=comparison.width(rows), file=None)
    with console.capture() as capture:
        for table in comparison.tables(rows):
            console.print(table)
    return capture.get()


def test_the_table_has_a_column_for_each_system_and_a_row_for_each_question() -> None:
    text = printed(ROWS)
    assert "one" in text and "two" in text
    assert all(column.title in text for column in COLUMNS)


MANY = [Compared(f"system-{n}", FULL) for n in range(comparison.MAX_BESIDE + 1)]


def test_many_systems_are_rows_of_three_tables_with_every_question_once() -> None:
    assert [column for _, part in comparison.PARTS for column in part] == list(COLUMNS)
    lines = printed(MANY).splitlines()
    assert sum("system-3 " in line for line in lines) == 3
    told = [line for line in comparison.markdown(MANY).splitlines() if "`system-3`" in line]
    assert len(told) == 3
    assert sum(line.count("|") - 2 for line in told) == len(COLUMNS)


def test_a_reason_is_said_once_with_all_it_is_true_of() -> None:
    empty = FULL | {"model": Cell(None, "dark")}
    rows = [Compared("a", empty), Compared("b", empty), Compared.failed("c", "it did not start")]
    assert comparison.reasons(rows) == [
        "a, b, process model, as seen: dark",
        "c: it did not start",
    ]


def test_bars_are_longest_for_the_largest_and_never_empty() -> None:
    lines = comparison.chart(ROWS)
    first, second = lines[1], lines[2]
    assert first.startswith("  one") and first.count("█") == comparison.MAX_BAR
    assert second.startswith("  two") and second.count("█") == 1
    assert sum("two" in line for line in lines) == 2, "an empty cell has no bar"


def test_an_empty_cell_has_its_reason_in_every_form() -> None:
    assert comparison.reasons(ROWS) == ["two, CPU of the server side per request: nobody knows"]
    assert "nobody knows" in comparison.markdown(ROWS)
    told = json.loads(comparison.as_json(ROWS))
    assert told["rows"][1]["cells"]["cpu_ms"] == {"value": None, "why": "nobody knows"}
    assert [column["key"] for column in told["columns"]] == [c.key for c in COLUMNS]


def test_markdown_has_as_many_cells_in_every_line() -> None:
    lines = [line for line in comparison.markdown(ROWS).splitlines() if line.startswith("|")]
    assert len(lines) == len(COLUMNS) + 2
    assert {line.count("|") for line in lines} == {4}


def test_the_picture_is_whole() -> None:
    root = ElementTree.fromstring(comparison.svg(ROWS))
    assert root.tag.endswith("svg") and "worker-pool" in "".join(root.itertext())
