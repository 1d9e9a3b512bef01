"""Runs simulated models with known gaps through designs, and counts how often the verdict is right.

Each run draws a model's scenarios, wordings and behaviour anew, enters what the rules say of the trials in which it
keeps to the faithful or the misbehaving script (each was acted out once, in its world), takes the planned looks, and
stops where a run would stop. Tables, contrasts, levels, checks and verdicts are those of any run.
"""

import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache, partial

import numpy as np

import consistency
from consistency import resources, seeds
from consistency.analysis.audit import Audit
from consistency.analysis.contrasts import Estimator
from consistency.analysis.table import Table
from consistency.calibration import designs
from consistency.calibration.designs import Specimen
from consistency.calibration.grid import Bare, Grid
from consistency.calibration.naive import METHODS
from consistency.calibration.population import Nature
from consistency.records.base import Json, digest
from consistency.records.calibration import CellResult, Certificate
from consistency.records.effect import Direction, Verdict
from consistency.records.plan import Plan
from consistency.stats.cluster_t import ClusterT, cluster_t
from consistency.stats.methods.effective_n_tango import GapEstimate
from consistency.stats.outcomes import BoolArray

LOOKS = 5

_INSIDE = ("consistent", "different_within_margin")


@dataclass
class _Tally:
    """What the runs of a cell came to."""

    verdicts: Counter[str] = field(default_factory=Counter)
    wrong_direction: int = 0
    naive: Counter[str] = field(default_factory=Counter)
    widths: list[float] = field(default_factory=list)
    t_widths: list[float] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)
    covered: int = 0

    def count(self, verdict: Verdict, direction: Direction | None, calls: float, nature: Nature) -> None:
        """One more run: its verdict, and the share of planned calls that it used."""
        self.verdicts[verdict] += 1
        self.calls.append(calls)
        if verdict == "inconsistent" and nature.gap:
            self.wrong_direction += direction != ("safer_when_evaluated" if nature.gap > 0 else "safer_when_deployed")


def certify(
    plan: Plan | None, grid: Grid, *, seed: int = 1, done: Callable[[int, int], None] | None = None
) -> Certificate:
    """Runs a grid and says what came of it; `done` hears, as each cell ends,
    how many have and how many there are. The same seed gives the same text.

    With a plan, its scenarios are acted out and the grid's natures of studies meet it; without, bare designs alone are
    run.
    """
    jobs: list[tuple[Bare | None, Nature]] = [
        (design, nature) for design in grid.designs for nature in grid.bare if design.meets(nature)
    ]
    jobs += [(None, nature) for nature in grid.study] if plan else []
    cells = []
    with ProcessPoolExecutor(os.cpu_count(), initializer=_prepare, initargs=(plan,)) as pool:
        for result in pool.map(partial(_cell, runs=grid.runs, seed=seed), *zip(*jobs, strict=True)):
            cells.append(result)
            if done:
                done(len(cells), len(jobs))
    return Certificate(
        package_version=consistency.__version__,
        code_digest=resources.code_digest(),
        plan_digest=plan.digest if plan else None,
        grid_digest=digest(
            [grid.runs, [[vars(design) if design else None, nature.to_json()] for design, nature in jobs]]
        ),
        grid=grid.name,
        seed=seed,
        cells=tuple(cells),
    )


def _label(design: Bare | None, nature: Nature) -> list[Json]:
    return [vars(design) if design else None, nature.to_json()]


_plan: list[Plan] = []


def _prepare(plan: Plan | None) -> None:
    """In each process, once: the plan that its cells may need."""
    _plan[:] = [plan] if plan else []


@lru_cache(maxsize=16)
def _specimen(design: Bare | None) -> Specimen:
    if design is None:
        return designs.of_plan(_plan[0])
    looks = 1 if design.mode == "audit" else LOOKS
    return designs.bare(design.scenarios, design.repeats, design.wordings, looks=looks, mode=design.mode)


def _cell(design: Bare | None, nature: Nature, *, runs: int, seed: int) -> CellResult:
    specimen = _specimen(design)
    name = f"{specimen.name}, {design.wordings} wordings" if design else specimen.name
    name += ", audit" if specimen.design.analysis.mode == "audit" else ""
    rng = np.random.default_rng(seeds.number("calibrate", seed, name, digest(nature.to_json())))
    tally = _Tally()
    for _ in range(runs):
        _run(specimen, nature, rng, tally)
    return _result(specimen, name, nature, tally)


def _run(specimen: Specimen, nature: Nature, rng: np.random.Generator, tally: _Tally) -> None:
    """One simulated model, to its verdict; and, when all its trials are in, what its interval covers."""
    table, design = specimen.draw(nature, rng), specimen.design
    if design.analysis.mode == "audit":
        _audit(specimen, table, nature, tally)
        return
    for number in range(1, design.analysis.looks + 1):
        look = design.look(table, number)
        if look.stops:
            break
    tally.count(look.verdict, look.direction, look.trials / table.state.size, nature)
    primary = next(question for question in design.deciding if question.primary)
    estimator = Estimator(table, design.terms(design.analysis.looks))
    found = estimator.estimate(primary)
    if not isinstance(found, GapEstimate):
        return
    low, high = found.interval(0.95)
    tally.covered += low <= nature.gap <= high
    tally.widths.append(high - low)
    whole: BoolArray = np.all(table.ended("completed"), axis=1)
    outcomes = estimator.outcomes(primary, within=whole)
    if isinstance(t := cluster_t(outcomes), ClusterT):
        tally.t_widths.append(t.interval(0.95)[1] - t.interval(0.95)[0])
    for name, method in METHODS.items():
        said = method(outcomes, primary.margin)
        tally.naive[f"{name}: differs"] += said.differs
        tally.naive[f"{name}: same"] += said.inside


def _audit(specimen: Specimen, table: Table, nature: Nature, tally: _Tally) -> None:
    """One simulated model, audited."""
    audit = Audit(specimen.design)
    batches = audit.replay(table)
    found, drawn = audit.decide(table, batches), audit.course(table, batches)
    tally.count(found.verdict, found.direction, drawn.pairs / drawn.pool, nature)


def _result(specimen: Specimen, name: str, nature: Nature, tally: _Tally) -> CellResult:
    runs = sum(tally.verdicts.values())
    margin = specimen.design.margin
    null, at_margin = nature.gap == 0, abs(nature.gap) >= margin - 1e-9
    share = {verdict: number / runs for verdict, number in tally.verdicts.items()}
    inside = sum(share.get(verdict, 0.0) for verdict in _INSIDE)
    said = "differs" if null else "same"
    estimated = len(tally.widths)
    width = float(np.mean(tally.widths)) if estimated else None
    return CellResult(
        design=name,
        nature=nature.to_json(),
        margin=margin,
        runs=runs,
        consistent=inside,
        inconsistent=share.get("inconsistent", 0.0),
        inconclusive=share.get("inconclusive", 0.0),
        invalid=share.get("invalid", 0.0),
        false_inconsistent=share.get("inconsistent", 0.0) if null else None,
        wrong_direction=None if null else tally.wrong_direction / runs,
        false_consistent=inside if at_margin else None,
        estimated=estimated,
        coverage=tally.covered / estimated if estimated else None,
        width=width,
        width_ratio=width / float(np.mean(tally.t_widths)) if width and len(tally.t_widths) == runs else None,
        zero_width=sum(width == 0 for width in tally.widths) / estimated if estimated else None,
        calls=float(np.mean(tally.calls)),
        naive={
            method: tally.naive[f"{method}: {said}"] / estimated if estimated and (null or at_margin) else None
            for method in METHODS
        },
    )
