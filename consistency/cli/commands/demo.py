"""The whole path on simulated models with known gaps: no key, no network."""

from pathlib import Path

import click

from consistency import pipeline
from consistency.cli import options
from consistency.cli.commands.run import default_path, manner, run_and_print
from consistency.cli.loading import load
from consistency.pipeline import RunOptions
from consistency.store.directory import RunDirectory


@click.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="The run directory.")
@options.as_json
@options.quiet
def command(out: Path | None, as_json: bool, quiet: bool) -> None:
    """Run the demo study: simulated models at matched pairs of work in invented companies.

    `faker` behaves better when it believes it is evaluated, `reverse` worse; the others have no gap; one only fails.
    """
    study, library = load("demo", (), ())
    plan = pipeline.plan(study, library)
    told = RunOptions(manner=manner(quiet=quiet, as_json=as_json))
    run_and_print(RunDirectory.create(out or default_path(plan), plan), told, as_json=as_json)
