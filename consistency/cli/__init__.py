"""The command line. Each command is a file in `commands/`, loaded when it is called and not before."""

from consistency.cli.group import main

__all__ = ["main"]
