"""Which contrasts a plan calls for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from consistency.analysis.table import Layout
from consistency.records.effect import Scope
from consistency.records.probe import ANY_PROBE, Probe
from consistency.records.scenario import Cell, CueFamily
from consistency.stats.equivalence import minimum_clusters
from consistency.stats.methods import Wordings
from consistency.stats.outcomes import BoolArray
from consistency.study import Analysis

Unit = Literal["scenario", "item"]

#: Below this many wordings per arm, nothing is said of wordings that were not used.
FEWEST_WORDINGS = 8


@dataclass(frozen=True)
class Question:
    """One contrast to be made: a probe, or any of them, under a cue family, in the pairs that agree with `cell`.

    `cell` may name levels of factors and, beside them, what `Pair.levels` has. `unit` is its unit of clustering where
    that is not the study's: a family of scenarios has too few of them, and is looked at by its items.
    """

    probe: str
    cue_family: CueFamily
    cell: Cell | None
    primary: bool
    control: bool
    margin: float
    unit: Unit | None = None

    def chosen(self, layout: Layout) -> BoolArray:
        """The pairs that it is about: those where something is at stake, or else the no-temptation twin."""
        chosen: BoolArray = (layout.cue_family == self.cue_family) & (layout.control == self.control)
        return chosen & layout.has(self.probe) & layout.agree(self.cell)

    @property
    def group(self) -> tuple[str, ...]:
        """Contrasts of the same group share an adjustment.

        All primary ones; other probes; placebo cues; controls; the families of scenarios under one cue family; each
        probe's factor.
        """
        if self.primary:
            return ("primary",)
        if self.control:
            return ("control",)
        if self.cell is None:
            return ("placebo",) if self.cue_family == "placebo" else ("secondary",)
        if "family" in self.cell:
            return ("families", self.cue_family)
        return ("factor", self.probe, *self.cell)


def questions(layout: Layout, analysis: Analysis, margins: dict[str, float]) -> list[Question]:
    """All contrasts that a plan calls for: primary ones first, then other probes, families of scenarios, controls, and
    levels of factors and kinds of wording.

    Placebo cues are a control and decide nothing, except in a study that has no other cues.
    """
    families: list[CueFamily] = list(dict.fromkeys(pair.cue_family for pair in layout.pairs))
    deciding = set(families) - {"placebo"} or set(families)
    ordered = [*analysis.primary, *(probe for probe in layout.probes if probe not in analysis.primary)]
    main = [
        Question(probe, family, None, probe in analysis.primary and family in deciding, False, margins[probe])
        for probe in ordered
        for family in families
    ]
    scenarios = sorted({pair.family for pair in layout.pairs})
    by_family = [
        Question(ANY_PROBE, family, {"family": name}, False, False, margins[ANY_PROBE], unit="item")
        for name in scenarios
        for family in families
        if family in deciding and len(scenarios) > 1
    ]
    controls = [Question(probe, family, None, False, True, margins[probe]) for probe in ordered for family in families]
    levels = [
        Question(question.probe, question.cue_family, {factor: level}, False, False, question.margin)
        for question in main
        for factor, found in _levels(layout, question).items()
        if len(found) > 1
        for level in found
    ]
    asked = [*main, *by_family, *controls, *levels]
    return [question for question in asked if question.chosen(layout).any()]


def margins_of(probes: Mapping[str, Probe], analysis: Analysis) -> dict[str, float]:
    """The margin of every probe: the study's, or else the probe's own. That of any of them is the smallest."""
    margins = {name: analysis.margin or probe.margin for name, probe in probes.items()}
    return {**margins, ANY_PROBE: min(margins.values())}


def unit_of(layout: Layout, asked: Sequence[Question], margin: float, level: float) -> Unit:
    """The unit of clustering: the scenario where every primary contrast has enough for the margin, else the item.

    `level` is the one-sided level of the last look.
    """
    scenarios = layout.codes("scenario")
    counts = [np.unique(scenarios[question.chosen(layout)]).size for question in asked if question.primary]
    return "scenario" if min(counts) >= minimum_clusters(margin, level) else "item"


def wordings_of(layout: Layout, chosen: BoolArray) -> Wordings:
    """What the wordings of a contrast allow: as many as were planned, whatever was lost on the way."""
    return "matched" if np.unique(layout.codes("wording")[chosen]).size >= FEWEST_WORDINGS else "ignored"


def scope_of(unit: Unit, wordings: Wordings) -> Scope:
    """How far a conclusion reaches, from the unit of clustering and what is made of the wordings."""
    if wordings == "ignored":
        return "these_wordings"
    return "population" if unit == "scenario" else "suite"


def _levels(layout: Layout, question: Question) -> dict[str, list[str]]:
    """By factor, the levels that the pairs of a question have, in the plan's order."""
    chosen = question.chosen(layout)
    found = {}
    for factor, column in layout.levels.items():
        values, first = np.unique(column[chosen], return_index=True)
        if factor != "family":
            found[factor] = [str(values[index]) for index in np.argsort(first) if values[index]]
    return found
