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
max_cost = click.option(
    "--max-cost",
    multiple=True,
    metavar="USD",
    help="Stop when calls come to as many US dollars; MODEL=USD for one model; may be repeated.",
)
max_calls = click.option(
    "--max-calls", multiple=True, metavar="N", help="Stop at as many calls; MODEL=N for one model; may be repeated."
)
max_minutes = click.option("--max-minutes", type=click.FloatRange(0, min_open=True), help="Stop after as many minutes.")
unknown_cost = click.option(
    "--allow-unknown-cost", is_flag=True, help="With a cap on cost, let models of unknown price count as free."
)
retry_failed = click.option(
    "--retry-failed/--only-missing",
    default=False,
    help="Run trials again that ended as failed, or only those that are missing (the default).",
)
executor = click.option("--executor", default="local", show_default=True, help="Who runs the trials: local or ray.")
workers = click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(1, 256), help="Processes that share the trials."
)
ray_address = click.option(
    "--ray-address", metavar="ADDRESS", help="A Ray cluster that is there, instead of one of this machine."
)
quiet = click.option("--quiet", is_flag=True, help="Show no progress.")


def content(function: Function) -> Function:
    """`--prompts` and `--probes`: folders that are searched before the shipped ones."""
    prompts = click.option(
        "--prompts", multiple=True, type=_Folder, help="A prompts folder of your own, searched first."
    )
    probes = click.option("--probes", multiple=True, type=_Folder, help="A probes folder of your own, searched first.")
    return prompts(probes(function))


def spending(function: Function) -> Function:
    """The caps on what a run may spend."""
    return max_cost(max_calls(max_minutes(unknown_cost(function))))


def executing(function: Function) -> Function:
    """Who runs the trials."""
    return executor(workers(ray_address(function)))
