"""`gwtop config`: where the config is and what counts; a file to start from; its schema.

In: the environment and the user's file. Out: text on stdout, or a file that was not there before.
Under sudo it is the invoking user's file, read with that user's rights: root must not open what a
user's name points to.
"""

import json
import os
import pwd
from pathlib import Path

import click

from gwtop.cli.invoker import as_user
from gwtop.config import Config, ConfigError, load, path_of


@click.group(invoke_without_command=True)
@click.pass_context
def config(context: click.Context) -> int:
    """Say where the config file is and what counts; `init` writes one, `schema` describes it."""
    if context.invoked_subcommand is not None:
        return 0
    from gwtop.config.writing import effective
    from gwtop.tui.keymap import Keymap, default_keys

    found = checked()
    Keymap(found)
    click.echo(f"# {path_of(os.environ, home_of_user())}")
    click.echo(effective(found, default_keys(), found.is_ascii(os.environ)), nl=False)
    return 0


@config.command()
def init() -> int:
    """Write a commented file to start from."""
    from gwtop.config.writing import sample
    from gwtop.tui.keymap import default_keys

    text = sample(default_keys())
    path = path_of(os.environ, home_of_user())
    with as_user():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            raise ConfigError(f"{path} is there already", "move it away to get a new one") from None
        except OSError as why:
            raise ConfigError(f"cannot write {path} ({why.strerror})") from None
    click.echo(f"wrote {path}")
    return 0


@config.command()
def schema() -> int:
    """Print the JSON Schema of the config file."""
    from gwtop.config.writing import schema as schema_of_config
    from gwtop.tui.keymap import default_keys

    click.echo(json.dumps(schema_of_config(default_keys()), indent=2))
    return 0


def checked() -> Config:
    """The config as the user may read it. Raises ConfigError."""
    with as_user():
        return load(os.environ, home_of_user())


def home_of_user() -> Path:
    """Of whoever called, under sudo too."""
    uid = os.environ.get("SUDO_UID", "")
    if os.geteuid() == 0 and uid.isdecimal():
        return Path(pwd.getpwuid(int(uid)).pw_dir)
    try:
        return Path.home()
    except RuntimeError:  # no HOME, and a user whom no passwd knows: containers have such
        return Path("/")
