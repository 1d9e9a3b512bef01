"""Judge the trials of a run again, from its journal."""

from pathlib import Path

import click

from consistency import pipeline
from consistency.cli import options
from consistency.store.directory import RunDirectory


@click.command()
@options.run_directory
def command(run: Path) -> None:
    """Judge every trial of RUN again, from its journal; asks no model."""
    pipeline.score(RunDirectory.open(run))
