"""Run a study, from trials to results.json and report.html; resumes a run that was stopped."""

import asyncio
from pathlib import Path
from typing import Any

import click

from consistency import pipeline
from consistency.cli import options
from consistency.cli.loading import load_chosen
from consistency.cli.summary import print_results
from consistency.records.base import digest
from consistency.records.plan import Plan
from consistency.store.directory import RunDirectory


@click.command()
@options.study
@options.models
@options.api_base
@options.peer
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="The run directory.")
@click.option("--executor", default="local", show_default=True, help="Who runs the trials.")
@options.as_json
@options.quiet
@options.content
def command(study: str, out: Path | None, executor: str, as_json: bool, quiet: bool, **chosen: Any) -> None:
    """Run all steps of STUDY: plan, trials, judgments, results.json and report.html.

    A run directory that holds the same plan is resumed: what was recorded is not asked again. Keys come from the
    environment only.
    """
    plan = pipeline.plan(*load_chosen(study, **chosen))
    for shortfall in pipeline.foresee(plan).shortfalls:
        click.echo(f"warning: {shortfall}", err=True)
    run_and_print(RunDirectory.create(out or default_path(plan), plan), executor, as_json=as_json, quiet=quiet)


def default_path(plan: Plan) -> Path:
    """Where a run goes that is given no directory: the same plan is found again, another one gets its own."""
    return Path("runs") / f"{plan.study['name']}-{digest(plan.to_json())[:10]}"


def run_and_print(directory: RunDirectory, executor: str, *, as_json: bool, quiet: bool) -> None:
    """Runs all steps, prints what was found, and says where the report is."""
    results = asyncio.run(pipeline.whole(directory, executor=executor, quiet=quiet))
    print_results(results, as_json=as_json)
    click.echo(f"report: {directory.path / 'report.html'}", err=True)
