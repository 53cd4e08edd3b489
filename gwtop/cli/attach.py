"""`gwtop attach`: watches a gateway that is running already."""

from dataclasses import replace
from typing import TypedDict, Unpack

import click

from gwtop.cli import options
from gwtop.cli.finite import Finite
from gwtop.cli.options import Telling
from gwtop.cli.target import host_of, socket_of
from gwtop.nouns.plan import DEFAULT_COPY_BYTES, MAX_COPY_BYTES, Plan


class Target(TypedDict):
    """What to watch, and for how long."""

    port: tuple[int, ...]
    socket: str | None
    protocol: str | None
    host: str | None
    pid: int | None
    netns: str | None
    front_pid: int | None
    interface: str
    copy_bytes: int
    for_s: float | None
    requests: int | None
    sudo: bool


class AttachOptions(Target, Telling):
    pass


@click.command()
@click.option(
    "--port",
    metavar="P",
    type=click.IntRange(1, 65535),
    multiple=True,
    help="Port the gateway listens on; may be given more than once.",
)
@click.option("--socket", metavar="PATH", help="Unix socket the gateway listens on.")
@click.option("--protocol", metavar="NAME", help="Do not detect the protocol.")
@click.option("--host", metavar="ADDR", help="Only this address of the listener.")
@click.option(
    "--pid",
    metavar="PID",
    type=click.IntRange(min=1),
    help="Root of the watched tree; with no port, also what it listens on.",
)
@click.option(
    "--netns", metavar="NAME", help="Network namespace (a name of `ip netns`, or a path)."
)
@click.option("--front-pid", type=click.IntRange(min=1), hidden=True)
@click.option("--interface", metavar="NAME", default="lo", show_default=True)
@click.option(
    "--copy",
    "copy_bytes",
    metavar="BYTES",
    type=click.IntRange(0, MAX_COPY_BYTES),
    default=DEFAULT_COPY_BYTES,
    show_default=True,
    help="Of each system call that is watched; 0: its length only.",
)
@click.option("--for", "for_s", metavar="SECONDS", type=Finite(min=0, min_open=True))
@click.option("--requests", metavar="N", type=click.IntRange(min=1), help="Stop after N requests.")
@click.option("--sudo", is_flag=True, help="Only the engine runs as root, the screen does not.")
@options.telling_options
def attach(**given: Unpack[AttachOptions]) -> int:
    """Watch a running gateway; its protocol is detected.

    It is named by its port, its unix socket, or a process above it.
    """
    if not given["port"] and given["socket"] is None and given["pid"] is None:
        raise click.UsageError("Say what to watch: --port P, --socket PATH or --pid PID.")
    telling = options.telling_of(given)
    options.check(telling)
    options.check_protocol(given["protocol"])
    if given["host"] is not None:
        given["host"] = host_of(given["host"])
    if given["socket"] is not None:
        given["socket"] = socket_of(given["socket"])
    if given["sudo"]:
        return _run_under_sudo(given, telling)
    if telling["as_json"] or telling["table"] is not None:
        from gwtop.cli.running import run
        from gwtop.taps import of_pid

        return run(of_pid.told_by(plan_of(given)), telling)
    from gwtop.cli import screen

    with screen.spawn_engine(_argv(given), telling) as engine:
        return screen.show(engine)


def plan_of(given: AttachOptions) -> Plan:
    return replace(
        options.told_by(options.telling_of(given)),
        ports=given["port"],
        socket=given["socket"],
        protocol=given["protocol"],
        host=given["host"],
        pid=given["pid"],
        netns=given["netns"],
        front=given["front_pid"],
        interface=given["interface"],
        copy_bytes=given["copy_bytes"],
        for_ns=options.nanoseconds(given["for_s"]),
        n_requests=given["requests"],
    )


def _argv(given: AttachOptions) -> list[str]:
    """The same watch for an engine of its own."""
    argv = ["attach", "--interface", given["interface"]]
    if given["copy_bytes"] != DEFAULT_COPY_BYTES:
        argv += ["--copy", str(given["copy_bytes"])]
    for port in given["port"]:
        argv += ["--port", str(port)]
    for name, value in (
        ("--socket", given["socket"]),
        ("--protocol", given["protocol"]),
        ("--host", given["host"]),
        ("--pid", given["pid"]),
        ("--netns", given["netns"]),
        ("--front-pid", given["front_pid"]),
        ("--for", given["for_s"]),
        ("--requests", given["requests"]),
    ):
        argv += [] if value is None else [name, str(value)]
    return argv


def _run_under_sudo(given: AttachOptions, telling: Telling) -> int:
    """The password is asked for before there is a screen; then only the engine is root."""
    from gwtop.cli import screen

    screen.ask_password()
    if telling["as_json"] or telling["table"] is not None:
        return screen.run_as_root(_argv(given), telling)
    with screen.spawn_engine(_argv(given), telling, sudo=True) as engine:
        return screen.show(engine)
