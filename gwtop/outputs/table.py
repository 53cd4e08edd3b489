"""A plain table at the end: facts into a model, and one panel's rows printed through rich.

In: facts. Out: text on stdout, once, when all facts are there. It refuses to know what a panel
shows: columns and rows come from `gwtop.panels`, styled by name.

On a terminal the table has its width. Elsewhere nothing is cut: whoever pipes it into a file or
`grep` wants the whole target.
"""

from collections.abc import Sequence

from gwtop.model import Model
from gwtop.nouns.facts import Fact, Missing, Summary
from gwtop.outputs.console import console_of
from gwtop.panels import Column, Row, Style, discover

STYLES: dict[Style, str] = {
    "": "",
    "dim": "dim",
    "bold": "bold",
    "good": "green",
    "warn": "yellow",
    "bad": "bold red",
    "accent": "cyan",
    "head": "bold",
    "warn-block": "yellow reverse",
    "bad-block": "bold red reverse",
}
PIPE_COLUMNS = 10_000  # wider than any table of ours; rich needs a number


class TableAtTheEnd:
    """A sink for the engine, which shows nothing until `show`."""

    def __init__(self, panel_name: str) -> None:
        self.closed = False
        self.queued_bytes = 0
        self.is_full = False
        self._panel = discover()[panel_name]
        self._model = Model()

    def fileno(self) -> int:
        return -1

    def put(self, facts: list[Fact]) -> None:
        for fact in facts:
            self._model.apply(fact)

    def flush(self) -> None:
        """Nothing to write before the end."""

    def take_dropped(self) -> tuple[int, int]:
        return 0, 0

    def show(self) -> None:
        """Prints the table and, under it, what it is a table of."""
        snapshot = self._model.snapshot()
        columns = getattr(self._panel, "columns", None) if snapshot.hosts else None
        chosen = self._panel.COLUMNS if columns is None else columns(snapshot)
        print_table(chosen, self._panel.rows(snapshot), caption(snapshot.summary))


def caption(summary: Summary | None) -> str:
    """The totals, each beside its loss."""
    if summary is None:
        return "the facts end without a summary"
    words = [f"{summary.requests} requests", f"{summary.in_flight} in flight"]
    if not summary.requests and summary.frames:  # nothing to read, or nothing that was understood?
        words.append(f"{summary.frames} frames, {summary.connections} connections")
    if summary.model is not None:
        words.append(summary.model)
    return ", ".join([*words, _missed(summary.missed)])


def _missed(missed: Missing) -> str:
    counts = [
        f"{'an unknown number of' if n is None else n} {what.replace('_', ' ')}"
        for what in missed.__struct_fields__
        if (n := getattr(missed, what)) != 0
    ]
    return "missed " + (", ".join(counts) or "0")


def print_table(columns: Sequence[Column], rows: list[Row], caption: str) -> None:
    from rich import box  # rich costs 60 ms; only tables pay
    from rich.table import Table
    from rich.text import Text

    console = console_of(PIPE_COLUMNS)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", expand=False)
    for column in columns:
        table.add_column(
            column.name,
            justify="right" if column.align == ">" else "left",
            no_wrap=True,
            overflow="ellipsis",
        )
    for row in rows:
        table.add_row(*(Text(cell.text, STYLES[cell.style]) for cell in row.cells))
    console.print(table)
    console.print(Text(caption))
