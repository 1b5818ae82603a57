"""The command ``lossatlas``. Each command is a module of its own, imported only when it is asked for."""

from lossatlas.cli.commands import COMMANDS, main

__all__ = ["COMMANDS", "main"]
