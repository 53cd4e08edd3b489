"""`gwtop doctor`, `gwtop schema`, and `gwtop` alone: what can be seen here."""

import json

import click


@click.command()
def schema() -> int:
    """Print the JSON Schema of the facts."""
    from gwtop.journal import schema as schema_of_facts

    click.echo(json.dumps(schema_of_facts(), indent=2))
    return 0


@click.command()
def doctor() -> int:
    """Say what can be seen here and now, and the command for what can't."""
    from gwtop.demos import catalogue
    from gwtop.doctor import examine

    rows: list[tuple[str, str, str, str | None]] = [
        (f.name, f.state, f.shows, f.command) for f in examine()
    ]
    for info in catalogue():
        state = "ok" if info.installed else "missing"
        rows.append((f"demo {info.name}", state, info.summary, info.install))
    width = max(len(name) for name, *_ in rows) + 2
    for name, state, shows, command in rows:
        click.echo(f"{name:<{width}}{state:<9}{shows}")
        if state != "ok" and command is not None:
            click.echo(f"{'':<{width + 9}}{command}")
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
