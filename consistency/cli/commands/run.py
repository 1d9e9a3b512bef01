"""Run a study, from trials to results.json and report.html; resumes a run that was stopped."""

import asyncio
from pathlib import Path
from typing import Any

import click

from consistency import pipeline
from consistency.cli import options
from consistency.cli.loading import load_chosen
from consistency.cli.summary import print_results
from consistency.errors import Stopped
from consistency.execution.hub import Crew
from consistency.execution.progress import Manner
from consistency.models.budget import Caps, parse_caps
from consistency.pipeline import RunOptions
from consistency.records.plan import Plan
from consistency.store.directory import RunDirectory


@click.command()
@options.study
@options.models
@options.api_base
@options.peer
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="The run directory.")
@options.spending
@options.executing
@options.retry_failed
@options.as_json
@options.quiet
@options.content
def command(study: str, out: Path | None, as_json: bool, quiet: bool, retry_failed: bool, **chosen: Any) -> None:
    """Run all steps of STUDY: plan, trials, judgments, results.json and report.html.

    A run directory that holds the same plan is resumed: what was recorded is not asked again. Keys come from the
    environment only. Where a cap is reached, calls in flight end, and the same command goes on later (exit code 5).
    With --json, progress is told on stderr as one JSON object per line.
    """
    spending = {name: chosen.pop(name) for name in ("max_cost", "max_calls", "max_minutes", "allow_unknown_cost")}
    executing = {name: chosen.pop(name) for name in ("executor", "workers", "ray_address")}
    plan = pipeline.plan(*load_chosen(study, **chosen))
    for shortfall in pipeline.shortfalls(plan):
        click.echo(f"warning: {shortfall}", err=True)
    run_options = RunOptions(
        executor=_executor(**executing),
        crew=Crew(executing["workers"], executing["ray_address"]),
        caps=_caps(plan, **spending),
        allow_unknown_cost=spending["allow_unknown_cost"],
        retry_failed=retry_failed,
        manner=manner(quiet=quiet, as_json=as_json),
    )
    run_and_print(RunDirectory.create(out or default_path(plan), plan), run_options, as_json=as_json)


def manner(*, quiet: bool, as_json: bool) -> Manner:
    """How progress is told."""
    return "quiet" if quiet else "machine" if as_json else "person"


def default_path(plan: Plan) -> Path:
    """Where a run goes that is given no directory: the same plan is found again, another one gets its own."""
    return Path("runs") / f"{plan.study['name']}-{plan.digest[:10]}"


def run_and_print(directory: RunDirectory, run_options: RunOptions, *, as_json: bool) -> None:
    """Runs all steps, prints what was found, and says where the report is."""
    try:
        results = asyncio.run(pipeline.whole(directory, run_options))
    except Stopped as stopped:
        with directory.journal() as journal:
            ended = journal.count("trial")
        click.echo(f"stopped at a cap of {stopped}, {ended:,} trials ended: the same command goes on", err=True)
        print_results(directory.results(), as_json=as_json)
        raise
    print_results(results, as_json=as_json)
    click.echo(f"report: {directory.path / 'report.html'}", err=True)


def _caps(
    plan: Plan, max_cost: tuple[str, ...], max_calls: tuple[str, ...], max_minutes: float | None, **_: bool
) -> Caps:
    return parse_caps(max_cost, max_calls, max_minutes, [model["name"] for model in plan.study["models"]])


def _executor(executor: str, workers: int, **_: str | None) -> str:
    """Several workers on this machine are processes."""
    return "processes" if executor == "local" and workers > 1 else executor
