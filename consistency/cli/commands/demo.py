"""The whole path on simulated models with known gaps: no key, no network."""

import asyncio
from pathlib import Path

import click

from consistency import pipeline
from consistency.cli import options
from consistency.cli.loading import load
from consistency.cli.summary import print_results
from consistency.store.directory import RunDirectory


@click.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs/demo"),
    show_default=True,
    help="The run directory.",
)
@options.as_json
@options.quiet
def command(out: Path, as_json: bool, quiet: bool) -> None:
    """Run the demo study: seven simulated models through matched pairs of work at invented companies.

    `faker` behaves better when it believes it is evaluated, `reverse` worse; the others have no gap.
    """
    study, library = load("demo", (), ())
    directory = RunDirectory.create(out, pipeline.plan(study, library))
    results = asyncio.run(pipeline.whole(directory, quiet=quiet))
    print_results(results, as_json=as_json)
    click.echo(f"{directory.path / 'report.html'}", err=True)
