"""`gwtop read` and `gwtop view`: captures, and facts from elsewhere."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from heapq import merge
from pathlib import Path
from typing import BinaryIO, Unpack

import click

from gwtop import journal
from gwtop.cli import options
from gwtop.cli.options import Telling
from gwtop.errors import GwtopError


@click.command()
@click.argument("file")
@click.option(
    "--port",
    metavar="P",
    type=click.IntRange(1, 65535),
    multiple=True,
    help="Only connections with this port.",
)
@click.option("--protocol", metavar="NAME", help="Do not detect the protocol.")
@options.telling_options
def read(file: str, port: tuple[int, ...], protocol: str | None, **telling: Unpack[Telling]) -> int:
    """Read a capture (pcap or pcapng, gzip too; -: standard input)."""
    options.check(telling)
    options.check_protocol(protocol)
    if telling["as_json"] or telling["table"] is not None:
        from gwtop.cli.running import run

        plan = replace(options.told_by(telling), file=file, ports=port, protocol=protocol)
        return run(plan, telling)
    from gwtop.cli import screen

    argv = ["read", file]
    for number in port:
        argv += ["--port", str(number)]
    argv += [] if protocol is None else ["--protocol", protocol]
    with screen.spawn_engine(argv, telling) as engine:
        return screen.show(engine)


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@options.output_options
def view(files: tuple[str, ...], as_json: bool, table: str | None) -> int:
    """Show facts (JSON lines) from elsewhere; several files merge by time (-: standard input)."""
    if as_json and table is not None:
        raise click.UsageError("--json and --table exclude each other.")
    options.check_table(table)
    if files.count("-") > 1:
        raise click.UsageError("Standard input can be read once.")
    if not as_json and table is None:
        from gwtop.cli import screen

        return screen.show_files(files, merged(files))
    if table is None:
        for line in merged(files):
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
        return 0
    _print_table(merged(files), table)
    return 0


def _print_table(lines: Iterable[bytes], name: str) -> None:
    from gwtop.outputs.table import TableAtTheEnd

    shown = TableAtTheEnd(name)
    for line in lines:
        fact = journal.decode(line)
        if not isinstance(fact, journal.Unknown):
            shown.put([fact])
    shown.show()


def merged(files: tuple[str, ...]) -> Iterator[bytes]:
    """The lines of one file as they are; of several in the order of their instants.

    A file's own order is kept: facts come in the order in which they settled, so each line
    counts as late as the latest one before it.
    """
    sources = [_checked(name) for name in files]
    if len(sources) == 1:
        return (line for _, line in sources[0])
    return (line for _, line in merge(*sources, key=lambda timed: timed[0]))


def _checked(name: str) -> Iterator[tuple[str, bytes]]:
    """Lines that are facts, each with the latest instant so far; a cut last line is left out."""
    latest = ""
    with _opened(name) as file:
        for n, line in enumerate(file, 1):
            if not line.strip():
                continue
            if not line.endswith(b"\n"):
                click.echo(f"gwtop: {name} ends within line {n}", err=True)
                return
            try:
                fact = journal.decode(line)
            except GwtopError as wrong:
                raise GwtopError(f"{name}, line {n}: {wrong.message}", wrong.remedy) from None
            latest = max(latest, getattr(fact, "at", ""))
            yield latest, line


def _opened(name: str) -> BinaryIO:
    if name == "-":
        return sys.stdin.buffer
    try:
        return Path(name).open("rb")
    except OSError as why:
        raise GwtopError(
            f"cannot read {name} ({why.strerror})", "give a file of facts, or - for standard input"
        ) from None
