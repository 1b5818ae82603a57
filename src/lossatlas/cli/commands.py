"""The group of all commands, which imports a command when it is called, and the printing of errors."""

from __future__ import annotations

import sys
from importlib import import_module

import click

#: The name of each command, and the line that ``lossatlas --help`` shows for it.
COMMANDS = {
    "serve": "Open the app in a browser, and train what a person chooses there.",
    "train": "Train one configuration, and store the run with everything that the app shows.",
    "cut": "Cut further planes of a recorded run, with its model.",
    "build": "Fill a gallery: every model on every dataset, on all cores.",
    "export": "Write the page and a gallery as static files for any web host.",
    "list": "List the runs of a gallery.",
    "info": "Show one run.",
    "verify": "Check every file of every run.",
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"lossatlas.cli.{cmd_name}_command"), f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="lossatlas")
def commands() -> None:
    """See how neural networks learn: loss landscape and decision boundary, side by side, epoch by epoch.

    Start with `lossatlas serve`. Runs are kept in a folder of yours; every command takes another with --data DIR.
    """


def main() -> None:
    """Run the command line. It prints errors of lossatlas as one line on stderr, and exits with code 1."""
    from lossatlas.errors import LossAtlasError

    try:
        commands(standalone_mode=False)
    except LossAtlasError as error:
        click.echo(f"Error: {error}{_name_option(error)}", err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped. Finished work is kept; the same command continues from there.", err=True)
        sys.exit(130)


def _name_option(error: Exception) -> str:
    """Name the option with which a person follows the advice of an error; the library itself knows of no options."""
    from lossatlas.errors import DataFolderError, WorkerDiedError

    options = {DataFolderError: "--data DIR", WorkerDiedError: "--workers NUMBER"}
    option = options.get(type(error))
    return f" ({option})" if option else ""
