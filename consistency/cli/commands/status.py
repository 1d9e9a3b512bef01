"""How far a run has come."""

import json
from collections import Counter
from pathlib import Path

import click

from consistency.cli import options
from consistency.cli.terminal import clean, table
from consistency.records.trial import OUTCOMES
from consistency.store import trials as stored
from consistency.store.directory import RunDirectory


@click.command()
@options.run_directory
@options.as_json
def command(run: Path, as_json: bool) -> None:
    """Print how many trials of RUN have ended, and how, by model and arm. The run may still be going on."""
    with RunDirectory.glance(run) as journal:
        about = journal.about or RunDirectory.open(run).about
        counts = Counter({(model, arm, outcome): number for model, arm, outcome, number in journal.outcomes()})
        for (model, arm), number in stored.superseded(journal).items():
            counts[model, arm, "failed"] -= number
        calls = journal.count("call")
        digest = journal.plan_digest
    rows = [
        {"model": model, "arm": arm, "planned": about["pairs"]} | {name: counts[model, arm, name] for name in OUTCOMES}
        for model in about["models"]
        for arm in about["arms"]
    ]
    if as_json:
        click.echo(json.dumps({"plan_digest": digest, "calls": calls, "trials": rows}, indent=2))
        return
    header = ("model", "arm", "planned", *OUTCOMES)
    click.echo(table(header, [[clean(str(row[name])) for name in header] for row in rows]))
    click.echo(f"{calls} calls; plan {digest[:12]}")
