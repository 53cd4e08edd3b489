"""Options that several commands share, and the plan that they amount to.

In: what click parsed. Out: keyword arguments typed by `Telling`, or a `Plan`. It refuses to start
anything.
"""

from collections.abc import Callable
from typing import TypedDict, TypeVar

import click

from gwtop.nouns.plan import Plan
from gwtop.nouns.times import SECOND_NS

F = TypeVar("F", bound=Callable[..., object])


class Telling(TypedDict):
    """How much to tell, and in which form."""

    as_json: bool
    table: str | None
    details: bool
    bodies: int
    show_secrets: bool
    capture: str | None
    """None: whatever shows the requests."""
    debug: str | None
    wishes: bool


def output_options(command: F) -> F:
    """`--json` and `--table`."""
    for option in (
        click.option("--table", metavar="NAME", help="A plain table at the end."),
        click.option("--json", "as_json", is_flag=True, help="Facts on stdout, one a line."),
    ):
        command = option(command)
    return command


def telling_options(command: F) -> F:
    """What every command that watches takes; arrives as `**telling: Unpack[Telling]`."""
    for option in (
        click.option("--wishes", is_flag=True, hidden=True),
        click.option(
            "--debug", metavar="FILE", type=click.Path(), help="Write what a bug report needs."
        ),
        click.option(
            "--capture",
            type=click.Choice(["ring", "libpcap", "calls"]),
            help="Requests on ports: by packets (ring, libpcap) or by the calls of the workers. "
            "Without it the ring, or calls where packets are refused.",
        ),
        click.option("--show-secrets", is_flag=True, help="Redact nothing."),
        click.option(
            "--bodies",
            metavar="N",
            type=click.IntRange(min=0),
            default=0,
            help="Tell the first N bytes of bodies.",
        ),
        click.option("--details", is_flag=True, help="Tell the decoded fields of each request."),
    ):
        command = option(command)
    return output_options(command)


def check(telling: Telling) -> None:
    """Usage errors that click cannot see by itself."""
    if telling["as_json"] and telling["table"] is not None:
        raise click.UsageError("--json and --table exclude each other.")
    check_table(telling["table"])


def check_table(name: str | None) -> None:
    if name is None:
        return
    from gwtop.panels import discover  # the model with it: 15 ms that only tables pay

    if name not in discover():
        raise click.BadParameter(
            f"no table {name!r}; there are {', '.join(discover())}.", param_hint="--table"
        )


def check_protocol(name: str | None) -> None:
    if name is None:
        return
    from gwtop.protocols import discover

    if name not in discover():
        raise click.BadParameter(
            f"no protocol {name!r}; there are {', '.join(discover())}.", param_hint="--protocol"
        )


def told_by(telling: Telling) -> Plan:
    """A plan that watches nothing yet and tells what was asked for."""
    return Plan(
        capture=telling["capture"] or "ring",
        is_capture_open=telling["capture"] is None,
        details=telling["details"],
        bodies_bytes=telling["bodies"],
        show_secrets=telling["show_secrets"],
        debug=telling["debug"],
    )


def nanoseconds(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * SECOND_NS)


def telling_of(given: Telling) -> Telling:
    """Its own part of a larger dictionary of options."""
    return Telling(
        as_json=given["as_json"],
        table=given["table"],
        details=given["details"],
        bodies=given["bodies"],
        show_secrets=given["show_secrets"],
        capture=given["capture"],
        debug=given["debug"],
        wishes=given["wishes"],
    )


def argv_of(telling: Telling) -> list[str]:
    """The same options for an engine that a screen reads."""
    argv = ["--json", "--wishes", "--details"]
    argv += ["--capture", telling["capture"]] if telling["capture"] else []
    argv += ["--bodies", str(telling["bodies"])] if telling["bodies"] else []
    argv += ["--show-secrets"] if telling["show_secrets"] else []
    argv += ["--debug", telling["debug"]] if telling["debug"] else []
    return argv
