"""`gwtop doctor` and `gwtop schema`: what can be seen here, and in which form it is told."""

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
