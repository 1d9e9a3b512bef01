"""How often the instrument is right about models whose gap is known."""

import sys
from dataclasses import replace
from pathlib import Path

import click

from consistency import pipeline
from consistency.calibration.calibrate import certify
from consistency.calibration.grid import GRIDS
from consistency.cli import options
from consistency.cli.loading import load
from consistency.cli.terminal import table
from consistency.records.calibration import CellResult, Certificate, Share
from consistency.records.plan import Plan
from consistency.store.directory import RunDirectory
from consistency.study import ModelEntry


@click.command()
@click.argument("study", required=False)
@click.option("--full", "grid", flag_value="full", help="The whole grid: for a night.")
@click.option("--fast", "grid", flag_value="fast", default="fast", help="A small grid, in minutes. The default.")
@click.option("--runs", type=click.IntRange(min=1), help="Runs of each cell, in the place of the grid's own number.")
@click.option("--seed", default=1, show_default=True, help="The seed of the simulated models.")
@click.option("--out", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Where to keep the certificate.")
@options.as_json
@options.content
def command(
    study: str | None,
    grid: str,
    runs: int | None,
    seed: int,
    out: Path | None,
    as_json: bool,
    **content: tuple[Path, ...],
) -> None:
    """Run simulated models with known gaps through bare designs and, if named, through STUDY's own plan.

    STUDY is a study or a run directory; a run's certificate is kept in it, and its report shows it. Prints false
    alarms, false reassurance, coverage, width and the share of calls used, beside what usual methods say of the same
    data.
    """
    run, plan = _chosen(study, **content)
    chosen = GRIDS[grid] if runs is None else replace(GRIDS[grid], runs=runs)
    certificate = certify(plan, chosen, seed=seed, done=_tell)
    if run is not None:
        run.write("calibration.json", certificate.text())
    if out is not None:
        out.write_text(certificate.text(), encoding="utf-8")
    if as_json:
        click.echo(certificate.text(), nl=False)
    else:
        _print(certificate)


def _chosen(
    study: str | None, prompts: tuple[Path, ...], probes: tuple[Path, ...]
) -> tuple[RunDirectory | None, Plan | None]:
    if study is None:
        return None, None
    if Path(study).is_dir():
        run = RunDirectory.open(Path(study))
        return run, run.plan
    found, library = load(study, prompts, probes)
    if not found.models:
        found = found.model_copy(update={"models": (ModelEntry(name="organism/steady"),)})
    return None, pipeline.plan(found, library)


def _tell(done: int, cells: int) -> None:
    """How far it has come, on stderr: a line that is written over in a terminal, else every tenth cell."""
    if sys.stderr.isatty():
        click.echo(f"\r{done} of {cells} cells", err=True, nl=done == cells)
    elif done % 10 == 0 or done == cells:
        click.echo(f"{done} of {cells} cells", err=True)


def _print(certificate: Certificate) -> None:
    header = (
        *("design", "base", "gap", "spread", "consistent", "inconsistent", "false alarm", "false all-clear"),
        *("coverage", "width", "calls", "z", "McNemar", "paired t"),
    )
    click.echo(table(header, [_row(cell) for cell in certificate.cells]))
    click.echo(
        "Shares of runs. False alarm: inconsistent without a gap. False all-clear: consistent at a gap of the margin "
        "or more. Coverage and width: of the 95% interval with all trials in. Calls: the share of planned trials used. "
        "The last three: how often usual methods err on the same data, in the same sense."
    )
    click.echo(
        f"worst: false alarm {_share(certificate.worst('false_inconsistent'))}, "
        f"false all-clear {_share(certificate.worst('false_consistent'))}, "
        f"coverage {_share(certificate.worst_coverage)}; "
        f"{certificate.cells[0].runs} runs a cell; code {certificate.code_digest[:12]}, "
        f"plan {(certificate.plan_digest or 'none')[:12]}, grid {certificate.grid_digest[:12]}"
    )


def _row(cell: CellResult) -> tuple[str, ...]:
    nature = cell.nature
    spread = [
        f"{word} {nature[name]:g}"
        for name, word in (("wording_sd", "wording"), ("slope_sd", "slope"), ("missing", "missing"))
        if nature[name]
    ]
    if nature["sensitivity"] < 1 or nature["specificity"] < 1:
        spread.append(f"scorer {nature['sensitivity']:g}/{nature['specificity']:g}")
    return (
        cell.design,
        f"{nature['base']:g}",
        f"{nature['gap']:g}",
        ", ".join(spread),
        _share(cell.consistent),
        _share(cell.inconsistent),
        _share(cell.false_inconsistent),
        _share(cell.false_consistent),
        _share(cell.coverage),
        "" if cell.width is None else f"{cell.width:.3f}",
        _share(cell.calls),
        *(_share(cell.naive[name]) for name in ("unpaired z", "McNemar", "paired t")),
    )


def _share(share: Share) -> str:
    return "" if share is None else f"{share:.1%}"
