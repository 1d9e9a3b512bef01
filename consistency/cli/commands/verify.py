"""Check a run's journal and make its results again; exit 6 where they do not agree."""

from pathlib import Path

import click

from consistency import pipeline
from consistency.cli import options
from consistency.store.directory import RunDirectory


@click.command()
@options.run_directory
def command(run: Path) -> None:
    """Check the chain of RUN's journal, and that its results.json is what the journal gives, byte for byte."""
    directory = RunDirectory.open(run)
    entries = pipeline.verify(directory)
    results = "results.json reproduced" if directory.analysed else "not analysed yet"
    click.echo(f"{entries} entries, chain intact; {results}")
