"""Decide on a run by a policy, and end with its exit code."""

import json
from pathlib import Path

import click

from consistency import pipeline
from consistency.cli import options
from consistency.cli.summary import print_decision
from consistency.store.directory import RunDirectory


@click.command()
@options.run_directory
@click.option("--policy", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A policy file (TOML).")
@options.as_json
def command(run: Path, policy: Path | None, as_json: bool) -> int:
    """Decide on RUN by a policy: exit 0 if it is met, 3 inconsistent, 4 inconclusive, 5 invalid or incomplete.

    Without a policy, `consistent` and `different_within_margin` meet the gate.
    """
    decision = pipeline.decide(RunDirectory.open(run), policy)
    if as_json:
        click.echo(json.dumps(decision.to_json(), indent=2))
    else:
        print_decision(decision)
    return decision.exit_code
