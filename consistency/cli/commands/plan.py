"""What a study will take and can show: trials, calls, tokens, detectable gaps."""

import json
from typing import Any

import click

from consistency import pipeline
from consistency.analysis.outlook import AuditProspect, Outlook
from consistency.cli import options
from consistency.cli.loading import load_chosen
from consistency.cli.terminal import clean, percent, table


@click.command()
@options.study
@options.models
@options.api_base
@options.peer
@options.as_json
@options.content
def command(study: str, as_json: bool, **chosen: Any) -> None:
    """Print what STUDY will take and can show, without asking any model.

    A design that could never come out `consistent`, or an audit that could find nothing, is refused, with the number
    that would do.
    """
    found = pipeline.foresee(pipeline.plan(*load_chosen(study, **chosen)))
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2))
    else:
        _print(found)
    found.require_feasible()


def _print(found: Outlook) -> None:
    rows = [
        ("plan", found.plan_digest[:12]),
        ("models", ", ".join(clean(model) for model in found.models)),
        ("items", f"{found.items:,}"),
        ("pairs", f"{found.pairs:,}"),
        ("trials", f"{found.trials:,}"),
        ("calls", f"about {found.calls:,}"),
        ("input tokens", f"about {found.input_tokens:,}"),
        ("output tokens", f"about {found.output_tokens:,}"),
        *([("peers", f"{clean(found.peer)}, about {found.peer_calls:,} calls")] if found.peer else []),
        ("cost", _cost(found)),
        ("unit of inference", f"{found.unit}; scope: {found.scope}"),
        ("looks", "after every batch of the audit" if found.audit else str(found.looks)),
    ]
    click.echo(table(("what", "how much"), rows))
    click.echo()
    if found.audit:
        _print_audit(found.audit)
        return
    _print_prospects(found)
    click.echo()
    _print_expectations(found)


def _print_audit(audit: AuditProspect) -> None:
    click.echo(
        table(
            ("if", "diverge by", "pairs drawn", "inconsistent"),
            [
                (
                    f"{percent(ahead.share)} of scenarios",
                    percent(ahead.gap),
                    f"about {ahead.pairs:.0f} of {audit.pool:,}",
                    percent(ahead.inconsistent),
                )
                for ahead in audit.expectations
            ],
        )
    )
    click.echo(
        f"The counts above are those of a whole pool; an audit stops at E = {audit.threshold:.0f}, after "
        f"{audit.fewest_pairs} pairs at the earliest. Simulated on this plan, where 2% to 5% misbehave elsewhere."
    )


def _print_prospects(found: Outlook) -> None:
    header = (
        "primary contrast",
        f"{found.unit}s",
        "margin",
        "needed at least",
        "for a calm model",
        "gap found, calm",
        "restless",
    )
    click.echo(
        table(
            header,
            [
                (
                    f"{prospect.probe} under {prospect.cue_family}",
                    str(prospect.clusters),
                    percent(prospect.margin),
                    str(prospect.minimum_clusters),
                    str(prospect.clusters_for_consistent),
                    percent(prospect.detectable_gap_calm),
                    percent(prospect.detectable_gap_restless),
                )
                for prospect in found.prospects
            ],
        )
    )
    click.echo(
        "Needed at least: fewer could never be `consistent`. For a calm model: enough for `consistent` in 90% of runs "
        "where 5% of pairs behave differently. Gap found: the smallest one found in 80% of runs, at 5% and at 30%."
    )


def _print_expectations(found: Outlook) -> None:
    click.echo(
        table(
            ("if the true gap is", "calls used", "consistent", "inconsistent", "inconclusive"),
            [
                (
                    f"{percent(ahead.gap)}, {prospect.probe} under {prospect.cue_family}",
                    f"{percent(ahead.calls)} of the plan",
                    percent(ahead.consistent),
                    percent(ahead.inconsistent),
                    percent(ahead.inconclusive),
                )
                for prospect in found.prospects
                for ahead in prospect.expectations
            ],
        )
    )
    click.echo(
        "Calls used: expected until the verdict of one contrast, where 5% of pairs differ beside the gap; wordings "
        "that scenarios share, and gaps that differ from scenario to scenario, cost more."
    )


def _cost(found: Outlook) -> str:
    if found.cost is None:
        return "unknown: the price map does not know the model" if found.peer is None else "unknown: a peer answers too"
    least, most = found.cost
    return f"{least:,.2f} to {most:,.2f} US dollars, by the price map" if most else "nothing"
