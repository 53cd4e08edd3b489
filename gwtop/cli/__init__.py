"""The command line: one way in, one way out.

In: arguments. Out: an exit status: 0 done, or the reader closed the pipe; 1 could not do it; 2
wrong usage; 130 and 143 on SIGINT and SIGTERM. It refuses to know how anything is done.

Every command's module imports click and types alone; what costs is imported inside the function
that needs it, so that `--help` and `--version` stay quick (tests/test_import_hygiene.py).
"""

import signal
import sys
from typing import TYPE_CHECKING

import click

from gwtop import __version__
from gwtop.cli import streams
from gwtop.cli.about import doctor, schema
from gwtop.cli.attach import attach
from gwtop.cli.compare import compare
from gwtop.cli.config import config
from gwtop.cli.demo import demo
from gwtop.cli.explain import explain
from gwtop.cli.read import read
from gwtop.cli.signals import EXIT_OF_SIGNAL
from gwtop.cli.tap import tap
from gwtop.cli.view import view
from gwtop.config import ConfigError
from gwtop.errors import GwtopError

if TYPE_CHECKING:
    from gwtop.cli.session import Stage

INTERRUPTED = EXIT_OF_SIGNAL + signal.SIGINT
WRONG_USAGE = 2


@click.group(
    commands=[attach, compare, config, demo, doctor, explain, read, schema, tap, view],
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, message="gwtop %(version)s")
@click.option("--sudo", is_flag=True, help="The start screen, with everybody's processes.")
@click.pass_context
def commands(context: click.Context, sudo: bool) -> int:
    """Top for what happens behind a web server: requests, connections and workers in one row.

    Alone: what listens on this machine, and the demos; pick one.
    """
    if context.invoked_subcommand is not None:
        return 0
    from gwtop.cli.start import show_start

    return show_start(sudo)


def main(arguments: list[str] | None = None, stage: "Stage | None" = None) -> int:
    """Runs a command line; the exit status. On a stage, what went wrong is said by who set it."""
    stdout = sys.stdout
    try:
        streams.prepare()
        status = commands.main(args=arguments, prog_name="gwtop", standalone_mode=False, obj=stage)
        sys.stdout.flush()
    except click.ClickException as wrong:
        wrong.show()
        return wrong.exit_code
    except ConfigError as error:
        _complain(error)
        return WRONG_USAGE
    except GwtopError as error:
        if stage is not None:
            stage.words.notice = str(error)
        else:
            _complain(error)
        return 1
    except click.Abort:
        return INTERRUPTED
    except SystemExit:
        if sys.stdout is stdout:  # click puts another there where the reader has gone, and says 1
            raise
        streams.discard_output()
        return 0
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            _complain(streams.no_room(error))
        streams.discard_output()
        return 0 if isinstance(error, BrokenPipeError) else 1
    return status if isinstance(status, int) else 0


def _complain(error: GwtopError) -> None:
    """It may hold the name of a file that came from elsewhere, or what stands in one."""
    from gwtop.panels import escape

    click.echo(f"gwtop: {escape(str(error))}", err=True)
