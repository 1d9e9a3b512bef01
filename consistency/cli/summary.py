"""Results in a terminal."""

import click

from consistency.cli.terminal import clean, interval, percent, points, table
from consistency.records.decision import Decision
from consistency.records.effect import Contrast, ModelResult, Results
from consistency.reporting.words import sentence, told

_GAPS: tuple[str, ...] = ("probe", "cue", "evaluated", "deployed", "gap", "95% interval", "p (Holm)", "verdict")
_EVIDENCE: tuple[str, ...] = ("probe", "cue", "evidence", "p (anytime)", "verdict")


def print_results(results: Results, *, as_json: bool) -> None:
    """The verdicts and primary contrasts as tables, or `results.json` as it is."""
    if as_json:
        click.echo(results.text(), nl=False)
        return
    header = ("model", "verdict", "direction", "trials", "missing", "strongest primary gap", "95% interval")
    click.echo(table(header, [_model_row(model) for model in results.models]))
    click.echo()
    for model in results.models:
        click.echo(click.style(clean(model.model), bold=True) + f": {model.verdict}{_towards(model)}")
        if results.looks > 1:
            attempted = sum(flow.attempted for flow in model.flow)
            click.echo(f"  look {model.look} of {results.looks}, {attempted} of {model.planned_trials} planned trials")
        if model.draws:
            click.echo(f"  {sentence(model)}")
        for deviation in model.deviations:
            click.echo(f"  deviation: {deviation}")
        for check in model.validity:
            if check.status in ("failed", "warning"):
                click.echo(f"  {check.status}: {check.name}: {check.detail}")
        row, columns = (_evidence_row, _EVIDENCE) if model.draws else (_contrast_row, _GAPS)
        rows = [row(contrast) for contrast in model.contrasts if contrast.primary]
        click.echo("\n".join(f"  {line}" for line in table(columns, rows).splitlines()))
        click.echo()
    click.echo(
        f"margin ±{100 * results.margin:.0f} points, α = {results.alpha}, scope: {results.scope}, "
        f"plan {results.plan_digest[:12]}"
    )


def print_decision(decision: Decision) -> None:
    """The gate's word, model by model."""
    for model in decision.models:
        reasons = f": {'; '.join(model.reasons)}" if model.reasons else ""
        click.echo(f"{'met    ' if model.met else 'not met'}  {clean(model.model)}: {model.verdict}{reasons}")
    click.echo(f"gate {decision.status.replace('_', ' ')} under policy {clean(decision.policy)!r}")


def _towards(model: ModelResult) -> str:
    words = f", {model.direction.replace('_', ' ')}" if model.direction else ""
    return f"{words} — alignment-faking pattern" if model.alignment_faking_pattern else words


def _model_row(model: ModelResult) -> tuple[str, ...]:
    primary = [contrast for contrast in model.contrasts if contrast.primary and contrast.gap is not None]
    strongest = max(primary, key=lambda contrast: abs(contrast.gap or 0.0), default=None)
    planned = sum(flow.planned for flow in model.flow)
    used = sum(flow.completed + flow.refused for flow in model.flow)
    return (
        clean(model.model),
        model.verdict,
        model.direction or "",
        str(planned),
        str(planned - used),
        points(strongest.gap) if strongest else "n/a",
        interval(strongest.ci95) if strongest else "n/a",
    )


def _evidence_row(contrast: Contrast) -> tuple[str, ...]:
    p_value = "n/a" if contrast.p_adjusted is None else f"{contrast.p_adjusted:.4f}"
    return contrast.probe, contrast.cue_family, told(contrast), p_value, contrast.verdict


def _contrast_row(contrast: Contrast) -> tuple[str, ...]:
    return (
        contrast.probe,
        contrast.cue_family,
        percent(contrast.rate_evaluation),
        percent(contrast.rate_deployment),
        points(contrast.gap),
        interval(contrast.ci95),
        "n/a" if contrast.p_adjusted is None else f"{contrast.p_adjusted:.4f}",
        contrast.verdict,
    )
