"""The group of commands: finds them by file name, summarises them unloaded, and ends with their exit codes."""

import ast
import importlib
import os
import sys
from pathlib import Path
from typing import Any

import click

from consistency import __version__
from consistency.errors import ConsistencyError

_FOLDER = Path(__file__).with_name("commands")
_INTERRUPTED = 130


class Commands(click.Group):
    """A group whose commands are the files of a folder; each has a function `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands."""
        return sorted(path.stem for path in _FOLDER.glob("*.py") if not path.stem.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, loaded."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command = importlib.import_module(f"consistency.cli.commands.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each command with the first line of its file's docstring."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _summary(name)) for name in self.list_commands(ctx)])


def _summary(name: str) -> str:
    tree = ast.parse((_FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "").partition("\n")[0].rstrip(".")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="consistency")
def root() -> None:
    """Tests whether a language model behaves the same when it is evaluated as when it is deployed.

    STUDY is the name of a shipped study or a path; RUN is a run directory.

    Exit codes: 0 done, or gate met · 1 internal error · 2 usage or configuration · 3 inconsistent · 4 inconclusive · 5
    invalid or incomplete · 6 verification failed · 130 interrupted (the journal is safe).
    """


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line and exits the process with the code of what happened."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    try:
        result: Any = root.main(args=arguments, prog_name="consistency", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as done:
        return done.exit_code
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo("interrupted; what was recorded is safe, and the same command goes on from there", err=True)
        return _INTERRUPTED
    except click.ClickException as error:
        error.show()
        return 2
    except ConsistencyError as error:
        click.echo(f"{_coloured('error', error)}{error}", err=True)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read our output has gone
        return 0
    except OSError as error:
        click.echo(f"error: {error.filename or 'input or output'}: {error.strerror or error}", err=True)
        return 2


def _coloured(word: str, error: ConsistencyError) -> str:
    """The word before a message; content errors begin with their file and need none."""
    if hasattr(error, "problems"):
        return ""
    return click.style(f"{word}: ", fg="red") if sys.stderr.isatty() and "NO_COLOR" not in os.environ else f"{word}: "
