"""`gwtop compare`: the same load through several demos, one after the other, side by side.

A demo that fails on a busy machine gets a second chance, and the others are measured whatever
becomes of it. What has been measured is shown when it is ended before its end. A janitor removes
the copies of the programs even after SIGKILL.
"""

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from types import FrameType
from typing import TYPE_CHECKING

import click

from gwtop.cli.finite import Finite
from gwtop.cli.signals import ENDING, EXIT_OF_SIGNAL
from gwtop.errors import GwtopError

if TYPE_CHECKING:
    from gwtop.nouns.comparison import Compared

PREFIX = "gwtop-compare-"


class Ended(BaseException):
    """A signal asked for the end; passes through what catches errors."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = EXIT_OF_SIGNAL + number


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every demo whose parts are here.")
@click.option(
    "--json", "as_json", is_flag=True, help="All cells as JSON, with what is empty and why."
)
@click.option("--markdown", "as_markdown", is_flag=True, help="A Markdown table.")
@click.option("--svg", metavar="FILE", help="Table and bars as a picture, too.")
@click.option(
    "--seconds",
    type=Finite(min=0.5),
    default=3.0,
    show_default=True,
    help="Of load, twice for each: with 1 client and with 8.",
)
def compare(
    names: tuple[str, ...],
    every: bool,
    as_json: bool,
    as_markdown: bool,
    svg: str | None,
    seconds: float,
) -> int:
    """The same load through several demos, side by side (no NAME: one of each kind)."""
    from gwtop.load import need_client

    if as_json and as_markdown:
        raise click.UsageError("--json and --markdown: one of them")
    if every and names:
        raise click.UsageError("--all, or NAMEs")
    need_client()
    rows: list[Compared] = []
    status = 0
    try:
        with _signals_end_it():
            for row in _measured(_chosen(names, every), seconds):
                rows.append(row)
    except Ended as end:
        status = end.status
    if rows:
        _tell(rows, as_json, as_markdown, svg)
    return status


def _chosen(names: tuple[str, ...], every: bool) -> tuple[str, ...]:
    """Before the first minute is spent: whether all that was named is here."""
    from gwtop import demos
    from gwtop.compare import one_of_each_kind

    if every:
        for info in demos.catalogue():
            if info.missing:
                why = f"needs {', '.join(info.missing)}; install it with: {info.install}"
                click.echo(f"{info.name}: left out, {why}", err=True)
        return tuple(info.name for info in demos.catalogue() if info.installed)
    for info in map(demos.find, names):
        if info.missing:
            what = f"demo {info.name} needs {', '.join(info.missing)}"
            raise GwtopError(what, f"install it with: {info.install}")
    return names or tuple(one_of_each_kind(demos.catalogue()))


def _measured(chosen: tuple[str, ...], seconds: float) -> "Iterator[Compared]":
    from gwtop.compare import measure
    from gwtop.nouns.comparison import Compared

    with _folder() as folder:
        for n, name in enumerate(chosen, 1):

            def tell(what: str, where: str = f"[{n}/{len(chosen)}] {name}") -> None:
                click.echo(f"{where}: {what}", err=True)

            for is_last in (False, True):
                place = Path(mkdtemp(dir=folder))
                try:
                    row = measure(name, place, seconds, tell)
                    break
                except GwtopError as why:
                    if is_last and len(chosen) == 1:
                        raise
                    tell(f"{why}{'' if is_last else '; once more'}")
                    row = Compared.failed(name, str(why))
                finally:
                    shutil.rmtree(place, ignore_errors=True)
            yield row


@contextmanager
def _folder() -> Iterator[Path]:
    from gwtop.janitor import watch_over_us

    with TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)

        def clean() -> bool:
            shutil.rmtree(folder, ignore_errors=True)
            return not folder.exists()

        watch_over_us(clean)
        yield folder


@contextmanager
def _signals_end_it() -> Iterator[None]:
    def end(number: int, frame: FrameType | None) -> None:
        for other in ENDING:  # what is being stopped is stopped in peace
            signal.signal(other, signal.SIG_IGN)
        raise Ended(number)

    before = {number: signal.signal(number, end) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(rows: "list[Compared]", as_json: bool, as_markdown: bool, svg: str | None) -> None:
    from gwtop.outputs import comparison

    if as_json:
        click.echo(comparison.as_json(rows))
    elif as_markdown:
        click.echo(comparison.markdown(rows))
    else:
        _show(rows)
    if svg is not None:
        _draw(Path(svg), comparison.svg(rows))


def _draw(path: Path, picture: str) -> None:
    """As the user who called, for it is that user's file; last, for it may fail."""
    from gwtop.cli.invoker import as_user

    try:
        with as_user():
            path.write_text(picture, encoding="utf-8")
    except OSError as why:
        raise GwtopError(f"cannot write {path} ({why.strerror})") from None


def _show(rows: "list[Compared]") -> None:
    from gwtop.outputs import comparison
    from gwtop.outputs.console import console_of

    console = console_of(comparison.width(rows))
    for table in comparison.tables(rows):
        console.print(table)
    for line in comparison.chart(rows):
        click.echo(line)
    for reason in comparison.reasons(rows):
        click.echo(f"{comparison.NO_VALUE} {reason}")
