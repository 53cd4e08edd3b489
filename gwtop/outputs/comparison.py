"""A comparison as a table and bars in a terminal, as Markdown, as JSON, as a picture.

In: rows of `Compared`. Out: text. It refuses to know how anything was measured. The systems are
columns of the table, because there are more questions than systems and some of them are long.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gwtop.nouns.comparison import COLUMNS, Cell, Column, Compared, Value

if TYPE_CHECKING:
    from rich.table import Table

MAX_BAR = 40
CHARTED = ("requests_per_s_8", "cpu_ms", "memory_mb")
NO_VALUE = "-"


def shown(column: Column, value: Value) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case _:
            digits = 0 if value >= 100 else 1 if value >= 10 else 2
            return f"{value:,.{digits}f} {column.unit.replace('/s', '')}".rstrip()


def table(rows: Sequence[Compared]) -> "Table":
    from rich.table import Table  # 60 ms

    made = Table(show_lines=False)
    made.add_column("")
    for row in rows:
        made.add_column(row.name, justify="right")
    for column in COLUMNS:
        made.add_row(column.title, *(_text(column, row.cells[column.key]) for row in rows))
    return made


def _text(column: Column, cell: Cell) -> str:
    return NO_VALUE if cell.value is None else shown(column, cell.value)


def reasons(rows: Sequence[Compared]) -> list[str]:
    """Why a cell is empty: one line for each."""
    return [
        f"{row.name}, {column.title}: {row.cells[column.key].why}"
        for row in rows
        for column in COLUMNS
        if row.cells[column.key].value is None
    ]


def chart(rows: Sequence[Compared]) -> list[str]:
    """Bars for the numbers that differ most; the longest of each chart is the largest value."""
    lines: list[str] = []
    name_width = max(len(row.name) for row in rows)
    for column in (c for c in COLUMNS if c.key in CHARTED):
        lines += ["", column.title]
        values = {row.name: row.cells[column.key].value for row in rows}
        numbers = {n: v for n, v in values.items() if isinstance(v, float)}
        most = max(numbers.values(), default=0.0) or 1.0
        for name, value in sorted(numbers.items(), key=lambda pair: -pair[1]):
            bar = "█" * max(1, round(value / most * MAX_BAR))
            lines.append(f"  {name:<{name_width}} {bar} {shown(column, value)}")
    return lines[1:]


def markdown(rows: Sequence[Compared]) -> str:
    lines = ["| | " + " | ".join(row.name for row in rows) + " |"]
    lines.append("|---|" + "---:|" * len(rows))
    for column in COLUMNS:
        cells = " | ".join(_text(column, row.cells[column.key]) for row in rows)
        lines.append(f"| {column.title} | {cells} |")
    return "\n".join([*lines, "", *(f"- {reason}" for reason in reasons(rows))]).rstrip()


def as_json(rows: Sequence[Compared]) -> str:
    told = [
        {
            "name": row.name,
            "cells": {key: {"value": c.value, "why": c.why} for key, c in row.cells.items()},
        }
        for row in rows
    ]
    columns = [{"key": c.key, "title": c.title, "unit": c.unit} for c in COLUMNS]
    return json.dumps({"columns": columns, "rows": told}, indent=2)


def svg(rows: Sequence[Compared]) -> str:
    """The table and the bars, as rich draws a terminal."""
    from io import StringIO

    from rich.console import Console

    console = Console(record=True, width=50 + 18 * len(rows), file=StringIO())
    console.print(table(rows))
    for line in chart(rows):
        console.print(line, markup=False, highlight=False)
    return console.export_svg(title="gwtop compare " + " ".join(row.name for row in rows))
