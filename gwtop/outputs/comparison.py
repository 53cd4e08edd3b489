"""A comparison as a table and bars in a terminal, as Markdown, as JSON, as a picture.

In: rows of `Compared`. Out: text. It refuses to know how anything was measured. A few systems are
columns of one table, because there are more questions than systems and some of them are long. Many
systems are rows, of three tables: no screen holds all questions beside each other.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gwtop.nouns.comparison import COLUMNS, Cell, Column, Compared, Value

if TYPE_CHECKING:
    from rich.table import Table

MAX_BAR = 40
MAX_BESIDE = 8
"""More systems than these are rows."""
CHARTED = ("requests_per_s_8", "cpu_ms", "memory_mb")
NO_VALUE = "-"
PARTS = (
    ("Speed, and what it costs", COLUMNS[:6]),
    ("Memory, and the wire of the hop (per mixed request, bare ACKs not counted)", COLUMNS[6:12]),
    ("What it is", COLUMNS[12:]),
)


def shown(column: Column, value: Value) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case _:
            digits = 0 if value >= 100 else 1 if value >= 10 else 2
            return f"{value:,.{digits}f} {column.unit.replace('/s', '')}".rstrip()


def width(rows: Sequence[Compared]) -> int:
    """Of a page that the tables fit on."""
    return 150 if len(rows) > MAX_BESIDE else 60 + 24 * len(rows)


def tables(rows: Sequence[Compared]) -> "list[Table]":
    from rich.table import Table  # 60 ms

    if len(rows) <= MAX_BESIDE:
        made = Table(show_lines=False)
        made.add_column("")
        for row in rows:
            made.add_column(row.name, justify="right")
        for column in COLUMNS:
            made.add_row(column.title, *(_text(column, row.cells[column.key]) for row in rows))
        return [made]
    parts: list[Table] = []
    for title, columns in PARTS:
        part = Table(title=title, title_justify="left", show_lines=False)
        part.add_column("", no_wrap=True)
        for column in columns:
            part.add_column(column.head, justify="left" if columns is PARTS[-1][1] else "right")
        for row in rows:
            part.add_row(row.name, *(_text(column, row.cells[column.key]) for column in columns))
        parts.append(part)
    return parts


def _text(column: Column, cell: Cell) -> str:
    return NO_VALUE if cell.value is None else shown(column, cell.value)


def reasons(rows: Sequence[Compared]) -> list[str]:
    """Why cells are empty: one line for each question and reason, with those it is true of."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        empty = [c for c in COLUMNS if row.cells[c.key].value is None]
        if len(empty) == len(COLUMNS):
            found.setdefault(("", row.cells[empty[0].key].why or ""), []).append(row.name)
            continue
        for column in empty:
            why = row.cells[column.key].why or ""
            found.setdefault((column.title, why), []).append(row.name)
    return [
        f"{', '.join(names)}{', ' if title else ''}{title}: {why}"
        for (title, why), names in found.items()
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
    lines: list[str] = []
    if len(rows) <= MAX_BESIDE:
        lines = _markdown_table(
            [row.name for row in rows],
            [
                (column.title, [_text(column, row.cells[column.key]) for row in rows])
                for column in COLUMNS
            ],
        )
    else:
        for title, columns in PARTS:
            told = [
                (f"`{row.name}`", [_text(c, row.cells[c.key]) for c in columns]) for row in rows
            ]
            lines += [f"{title}:", "", *_markdown_table([c.head for c in columns], told), ""]
    said = [f"- {reason}" for reason in reasons(rows)]
    return "\n".join([*lines, *([""] if lines[-1] and said else []), *said]).rstrip()


def _markdown_table(heads: Sequence[str], rows: Sequence[tuple[str, list[str]]]) -> list[str]:
    return [
        f"| | {' | '.join(heads)} |",
        "|---|" + "---:|" * len(heads),
        *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows),
    ]


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
    """The tables and the bars, as rich draws a terminal."""
    from io import StringIO

    from rich.console import Console

    console = Console(record=True, width=width(rows), file=StringIO())
    for table in tables(rows):
        console.print(table)
    for line in chart(rows):
        console.print(line, markup=False, highlight=False)
    names = " ".join(row.name for row in rows) if len(rows) <= MAX_BESIDE else "--all"
    return console.export_svg(title=f"gwtop compare {names}")
