"""`gwtop read`: captures and recordings."""

import os
from dataclasses import replace
from typing import Unpack

import click

from gwtop.cli import options
from gwtop.cli.options import Telling
from gwtop.nouns.plan import Plan


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
    from gwtop import recent
    from gwtop.cli import screen

    screen.need_terminal()
    _look(file)
    argv = ["read", f"./{file}" if file.startswith("-") and file != "-" else file]  # no option
    for number in port:
        argv += ["--port", str(number)]
    argv += [] if protocol is None else ["--protocol", protocol]
    with screen.spawn_engine(argv, telling) as engine:
        screen.become_user()
        recent.remember("read", file)
        return screen.show(engine)


def _look(file: str) -> None:
    """What cannot be read is said before there is a screen, where that can be known by opening it:
    a pipe would be at its end for who looks next. Raises GwtopError."""
    is_pipe = os.path.exists(file) and not (os.path.isfile(file) or os.path.isdir(file))
    if file == "-" or is_pipe:
        return
    from gwtop.taps.files import open_capture

    open_capture(file, Plan(file=file)).close()
