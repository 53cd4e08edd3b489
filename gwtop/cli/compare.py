"""`gwtop compare`: the same load through several demos, one after the other, side by side."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gwtop.errors import GwtopError

if TYPE_CHECKING:
    from gwtop.nouns.comparison import Compared


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option(
    "--json", "as_json", is_flag=True, help="All cells as JSON, with what is empty and why."
)
@click.option("--markdown", "as_markdown", is_flag=True, help="A Markdown table.")
@click.option("--svg", metavar="FILE", help="Table and bars as a picture, too.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.5),
    default=3.0,
    show_default=True,
    help="Of load, twice for each: with 1 client and with 8.",
)
def compare(
    names: tuple[str, ...], as_json: bool, as_markdown: bool, svg: str | None, seconds: float
) -> int:
    """The same load through several demos, side by side (no NAME: one of each kind)."""
    from gwtop import demos
    from gwtop.compare import measure, one_of_each_kind
    from gwtop.load import need_client
    from gwtop.outputs import comparison

    if as_json and as_markdown:
        raise click.UsageError("--json and --markdown: one of them")
    need_client()
    chosen = names or tuple(one_of_each_kind(demos.catalogue()))
    _need_parts(chosen)
    rows = [measure(name, seconds, lambda what: click.echo(what, err=True)) for name in chosen]
    if svg is not None:
        Path(svg).write_text(comparison.svg(rows), encoding="utf-8")
    if as_json:
        click.echo(comparison.as_json(rows))
    elif as_markdown:
        click.echo(comparison.markdown(rows))
    else:
        _show(rows)
    return 0


def _need_parts(names: tuple[str, ...]) -> None:
    """Before the first minute is spent."""
    from gwtop import demos

    for info in map(demos.find, names):
        if info.missing:
            what = f"demo {info.name} needs {', '.join(info.missing)}"
            raise GwtopError(what, f"install it with: {info.install}")


def _show(rows: "list[Compared]") -> None:
    from rich.console import Console  # 60 ms

    from gwtop.outputs import comparison

    console = Console()
    if not console.is_terminal:  # a file has no width
        console = Console(width=60 + 24 * len(rows))
    console.print(comparison.table(rows))
    for line in comparison.chart(rows):
        click.echo(line)
    for reason in comparison.reasons(rows):
        click.echo(f"{comparison.NO_VALUE} {reason}")
