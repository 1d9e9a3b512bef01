"""Report on a run: html, json, junit or markdown."""

from pathlib import Path

import click

from consistency import pipeline, plugins
from consistency.cli import options
from consistency.reporting import formats
from consistency.store.directory import RunDirectory


@click.command()
@options.run_directory
@click.option(
    "--format",
    "name",
    type=click.Choice(plugins.names(formats.PACKAGE)),
    default="html",
    show_default=True,
    help="The format.",
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file, instead of standard output."
)
def command(run: Path, name: str, output: Path | None) -> None:
    """Report on RUN, which must have been analysed."""
    text = pipeline.report(RunDirectory.open(run), name)
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
