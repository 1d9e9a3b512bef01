"""The design of a plan, and the decision that it makes of a model at a look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from consistency.analysis import validity, verdicts
from consistency.analysis.contrasts import Estimator, Terms
from consistency.analysis.questions import Question, Unit, margins_of, questions, unit_of
from consistency.analysis.table import Layout, Table
from consistency.records.effect import ArmFlow, Contrast, Direction, Look, ValidityCheck, Verdict
from consistency.records.plan import Plan
from consistency.records.probe import Probe
from consistency.stats import looks
from consistency.study import Study


@dataclass(frozen=True)
class Finding:
    """What a look finds of one model."""

    verdict: Verdict
    direction: Direction | None
    contrasts: list[Contrast]
    checks: tuple[ValidityCheck, ...]
    flows: tuple[ArmFlow, ...]
    estimator: Estimator


class Design:
    """All that a plan declares of its analysis; worked out once and the same for all models and looks."""

    def __init__(self, plan: Plan, probes: Mapping[str, Probe]) -> None:
        self.study = Study.model_validate(plan.study)
        self.analysis = self.study.analysis
        self.layout = Layout(plan)
        self.margins = margins_of(probes, self.analysis)
        self.margin = min(self.margins[probe] for probe in self.analysis.primary)
        self.levels = looks.levels(self.analysis.looks, self.analysis.alpha)

    @cached_property
    def unit(self) -> Unit:
        """The unit of clustering of the whole study."""
        if self.analysis.cluster != "auto":
            return self.analysis.cluster
        return unit_of(self.layout, self.questions, self.margin, self.levels[-1])

    @cached_property
    def questions(self) -> list[Question]:
        """All contrasts that the plan calls for."""
        return questions(self.layout, self.analysis, self.margins)

    @cached_property
    def deciding(self) -> list[Question]:
        """The contrasts that a verdict and its validity rest on: the primary ones, and the controls."""
        return [
            question
            for question in self.questions
            if question.primary
            or question.control
            or (
                question.cell is None
                and (question.cue_family == "placebo" or question.probe == self.analysis.manipulation)
            )
        ]

    @cached_property
    def early_consistent(self) -> bool:
        """Whether looks before the last may say `consistent`."""
        units = self.layout.codes(self.unit)
        clusters = min(
            np.unique(units[question.chosen(self.layout)]).size for question in self.questions if question.primary
        )
        return looks.early_consistent(clusters, self.margin, self.levels[-1])

    def terms(self, look: int) -> Terms:
        """The terms of a look."""
        last = look == self.analysis.looks
        return Terms(self.unit, self.levels[look - 1], self.analysis.refusals, last or self.early_consistent)

    def decide(self, table: Table, look: int, asked: Sequence[Question], *, complete: bool = True) -> Finding:
        """What the pairs that are due by a look say of a model; a run that is not complete has no valid verdict."""
        estimator = Estimator(table, self.terms(look))
        contrasts = estimator.contrasts(asked)
        flows = validity.flow(table)
        checks = validity.checks(flows, contrasts, self.analysis, complete)
        valid = not any(check.status == "failed" for check in checks)
        primary = [contrast for contrast in contrasts if contrast.primary]
        verdict, direction = verdicts.of_model(primary, valid)
        noticed = validity.manipulation(contrasts, self.analysis).status != "warning"
        if verdict in ("consistent", "different_within_margin") and not noticed:
            verdict, direction = "inconclusive", None
        return Finding(verdict, direction, contrasts, checks, flows, estimator)

    def look(self, table: Table, look: int) -> Look:
        """Takes one planned look at a model whose trials up to it have ended."""
        finding = self.decide(table.until(look), look, self.deciding)
        reached = finding.verdict in ("consistent", "different_within_margin", "inconsistent")
        return Look(
            model=table.model,
            look=look,
            level=self.levels[look - 1],
            spent=looks.spent(look, self.analysis.looks, self.analysis.alpha),
            trials=sum(flow.attempted for flow in finding.flows),
            verdict=finding.verdict,
            direction=finding.direction,
            stops=reached or look == self.analysis.looks,
        )
