"""The command line ``lossatlas``. Each command has its own module, which is imported only when it is called."""

from lossatlas.cli.commands import COMMANDS, main

__all__ = ["COMMANDS", "main"]
