"""`gwtop tap`: watches through a relay in the path, without any privilege."""

import re
from dataclasses import replace
from typing import TypedDict, Unpack

import click

from gwtop.cli import options
from gwtop.cli.finite import Finite
from gwtop.cli.options import Telling
from gwtop.cli.target import file_of
from gwtop.nouns.plan import Plan, Relayed

LOOPBACK = "127.0.0.1"
EVERY = ("0.0.0.0", "::")  # who listens there is found at each address of this machine
HOST = r"\[[0-9A-Fa-f:.]+\]|\d+(?:\.\d+){3}"
ROUTE = re.compile(
    rf"(?:(?P<here>{HOST}):)?(?P<port>\d+):"
    rf"(?:unix:(?P<path>/.+)|(?:(?P<there>{HOST}):)?(?P<to>\d+))"
)
MAX_PORT = 65535


class Target(TypedDict):
    """What to relay, and for how long."""

    route: str
    protocol: str | None
    for_s: float | None
    requests: int | None
    pid: int | None
    front_pid: int | None


class TapOptions(Target, Telling):
    pass


@click.command()
@click.argument("route", metavar="unix:PATH|LISTEN:TO")
@click.option("--protocol", metavar="NAME", help="Do not detect the protocol.")
@click.option("--for", "for_s", metavar="SECONDS", type=Finite(min=0, min_open=True))
@click.option("--requests", metavar="N", type=click.IntRange(min=1), help="Stop after N requests.")
@click.option("--pid", metavar="PID", type=click.IntRange(min=1), help="Root of the watched tree.")
@click.option("--front-pid", type=click.IntRange(min=1), hidden=True)
@options.telling_options
def tap(**given: Unpack[TapOptions]) -> int:
    """Watch through a relay: beside a live unix socket, whose name it takes while it runs
    (unix:/run/app.sock), or on a port (3032:3031, clients connect to 3032; 3032:unix:/run/app.sock
    stands before a unix socket, on any system).

    Behind a port the worker is looked for before it gets its request: where few connections come,
    a new one may wait up to 3 ms for that, which is told as nobody's time."""
    plan = plan_of(given)  # wrong usage is said before anything starts
    telling = options.telling_of(given)
    options.check(telling)
    options.check_protocol(given["protocol"])
    if telling["as_json"] or telling["table"] is not None:
        from gwtop.cli.running import run

        return run(plan, telling)
    from gwtop.cli import screen

    with screen.spawn_engine(_argv(given), telling) as engine:
        return screen.show(engine)


def plan_of(given: TapOptions) -> Plan:
    relayed = route_of(given["route"])
    to = file_of(relayed.to) if isinstance(relayed.to, str) else relayed.to
    return replace(
        options.told_by(options.telling_of(given)),
        ports=() if isinstance(to, str) else (to[1],),
        socket=to if isinstance(to, str) else None,
        protocol=given["protocol"],
        relay=replace(relayed, to=to),
        pid=given["pid"],
        front=given["front_pid"],
        capture="relay",
        for_ns=options.nanoseconds(given["for_s"]),
        n_requests=given["requests"],
    )


def route_of(text: str) -> Relayed:
    """Raises UsageError."""
    if text.startswith("unix:") and len(text) > len("unix:"):
        return Relayed(to=text.removeprefix("unix:"), listen=None)
    found = ROUTE.fullmatch(text)
    if found is None:
        raise click.UsageError(
            f"{text!r} is no route. Say unix:PATH, or LISTEN:TO with ports: 3032:3031."
        )
    listen = _address(found["here"], found["port"])
    to = found["path"] or _address(found["there"], found["to"])
    if to in (listen, (LOOPBACK, listen[1]), ("::1", listen[1])) and listen[0] in {to[0], *EVERY}:
        raise click.UsageError(f"{text}: a relay that passes on to itself; name two ports.")
    return Relayed(to=to, listen=listen)


def _address(host: str | None, port: str) -> tuple[str, int]:
    if not 1 <= int(port) <= MAX_PORT:
        raise click.UsageError(f"{port} is no port.")
    return (host or LOOPBACK).strip("[]"), int(port)


def _argv(given: TapOptions) -> list[str]:
    """The same watch for an engine of its own."""
    argv = ["tap", given["route"]]
    for name, value in (
        ("--protocol", given["protocol"]),
        ("--for", given["for_s"]),
        ("--requests", given["requests"]),
        ("--pid", given["pid"]),
        ("--front-pid", given["front_pid"]),
    ):
        argv += [] if value is None else [name, str(value)]
    return argv
