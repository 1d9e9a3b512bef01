"""How far a run has come."""

import json
from collections import Counter
from pathlib import Path

import click

from consistency.cli import options
from consistency.cli.terminal import clean, table
from consistency.records.trial import OUTCOMES
from consistency.store.directory import RunDirectory
from consistency.store.trials import endings


@click.command()
@options.run_directory
@options.as_json
def command(run: Path, as_json: bool) -> None:
    """Print how many trials of RUN have ended, and how, by model and arm. The run may still be going on."""
    directory = RunDirectory.open(run)
    models = [entry["name"] for entry in directory.plan.study["models"]]
    planned = len(directory.plan.pairs)
    with directory.journal() as journal:
        counts = Counter((end.key.model, end.key.arm, end.outcome) for end in endings(journal))
        calls = journal.count("call")
    rows = [
        {"model": model, "arm": arm, "planned": planned} | {name: counts[model, arm, name] for name in OUTCOMES}
        for model in models
        for arm in directory.plan.study["arms"]
    ]
    if as_json:
        click.echo(json.dumps({"plan_digest": directory.plan_digest, "calls": calls, "trials": rows}, indent=2))
        return
    header = ("model", "arm", "planned", *OUTCOMES)
    click.echo(table(header, [[clean(str(row[name])) for name in header] for row in rows]))
    click.echo(f"{calls} calls; plan {directory.plan_digest[:12]}")
