"""Run a study, from trials to results.json and report.html; resumes a run that was stopped."""

import asyncio
from pathlib import Path

import click

from consistency import pipeline
from consistency.cli import options
from consistency.cli.loading import load, with_models
from consistency.cli.summary import print_results
from consistency.records.base import digest
from consistency.store.directory import RunDirectory


@click.command()
@options.study
@options.models
@options.api_base
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="The run directory.")
@click.option("--executor", default="local", show_default=True, help="Who runs the trials.")
@options.as_json
@options.quiet
@options.content
def command(
    study: str,
    models: tuple[str, ...],
    api_base: str | None,
    out: Path | None,
    executor: str,
    as_json: bool,
    quiet: bool,
    **folders: tuple[Path, ...],
) -> None:
    """Run all steps of STUDY: plan, trials, judgments, results.json and report.html.

    A run directory that holds the same plan is resumed: what was recorded is not asked again. Keys come from the
    environment only.
    """
    loaded, library = load(study, folders["prompts"], folders["probes"])
    plan = pipeline.plan(with_models(loaded, models, api_base), library)
    path = out or Path("runs") / f"{loaded.name}-{digest(plan.to_json())[:10]}"
    directory = RunDirectory.create(path, plan)
    results = asyncio.run(pipeline.whole(directory, executor=executor, quiet=quiet))
    print_results(results, as_json=as_json)
    click.echo(f"{directory.path / 'report.html'}", err=True)
