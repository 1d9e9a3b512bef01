"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])
_Folder = click.Path(exists=True, file_okay=False, path_type=Path)

study = click.argument("study")
run_directory = click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
models = click.option(
    "--model", "models", multiple=True, metavar="MODEL", help="A model, instead of the study's own; may be repeated."
)
api_base = click.option("--api-base", metavar="URL", help="The endpoint of the models given by --model.")
peer = click.option(
    "--peer", metavar="MODEL", help="A model that plays the members of channels, instead of their written lines."
)
quiet = click.option("--quiet", is_flag=True, help="Show no progress.")


def content(function: Function) -> Function:
    """`--prompts` and `--probes`: folders that are searched before the shipped ones."""
    prompts = click.option(
        "--prompts", multiple=True, type=_Folder, help="A prompts folder of your own, searched first."
    )
    probes = click.option("--probes", multiple=True, type=_Folder, help="A probes folder of your own, searched first.")
    return prompts(probes(function))
