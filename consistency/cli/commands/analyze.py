"""Analyse a run again, from its journal, and write results.json."""

from pathlib import Path

import click

from consistency import pipeline
from consistency.cli import options
from consistency.cli.summary import print_results
from consistency.store.directory import RunDirectory


@click.command()
@options.run_directory
@options.as_json
def command(run: Path, as_json: bool) -> None:
    """Analyse RUN again from its journal and write its results.json; needs neither keys nor network."""
    print_results(pipeline.analyze(RunDirectory.open(run)), as_json=as_json)
