"""`gwtop doctor`, `gwtop schema`, and `gwtop` alone: what can be seen here."""

import json

import click

from gwtop.nouns.plan import Plan


@click.command()
def schema() -> int:
    """Print the JSON Schema of the facts."""
    from gwtop.journal import schema as schema_of_facts

    click.echo(json.dumps(schema_of_facts(), indent=2))
    return 0


@click.command()
def doctor() -> int:
    """Say what can be seen here and now, and the command for what can't."""
    from gwtop.cli.running import open_taps
    from gwtop.demos import catalogue

    for tap in open_taps(Plan(ports=(9,))):  # discard, RFC 863: any port shows whether we may
        try:
            state = tap.state
            click.echo(f"{tap.name:<10}{state.state:<9}{state.needs or ''}".rstrip())
        finally:
            tap.close()
    for info in catalogue():
        remedy = "" if info.installed else f"missing  {info.install}"
        click.echo(f"demo {info.name:<10}{remedy or 'ready'}")
    return 0


def show_what_listens() -> None:
    """Without a command: the listening ports, and the demos."""
    from gwtop.cli.demo import list_demos
    from gwtop.taps import listeners

    found = sorted({(one.port, one.address) for one in listeners.tcp()})
    click.echo("Listening here (watch one with `gwtop attach --port P`):")
    for port, address in found:
        click.echo(f"  {port:<6} {address}")
    if not found:
        click.echo("  nothing")
    click.echo("\nDemos:")
    list_demos()
