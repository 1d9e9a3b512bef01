"""Contrasts: which are made, and what each comes to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from consistency.analysis import verdicts
from consistency.analysis.table import Refusals, Row, Table
from consistency.records.effect import Bounds, Contrast, Interval, Scope, Verdict
from consistency.records.plan import Pair, Plan
from consistency.records.probe import ANY_PROBE, Probe
from consistency.records.scenario import Cell, CueFamily
from consistency.stats.attrition import worst_case
from consistency.stats.equivalence import floor, minimum_clusters
from consistency.stats.methods import NotEstimable, Wordings
from consistency.stats.methods.effective_n_tango import GapEstimate, estimate
from consistency.stats.multiplicity import holm
from consistency.stats.outcomes import Outcomes
from consistency.study import Analysis

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
    unit: str | None = None

    def pairs(self, plan: Plan) -> list[Pair]:
        """The pairs that it is about: those where something is at stake, or else the no-temptation twin."""
        return [
            pair
            for pair in plan.pairs
            if pair.cue_family == self.cue_family
            and (self.probe in pair.probes or self.probe == ANY_PROBE)
            and pair.control == self.control
            and (self.cell is None or self.cell.items() <= pair.levels.items())
        ]


def questions(plan: Plan, analysis: Analysis, margins: dict[str, float]) -> list[Question]:
    """All contrasts that a plan calls for: primary ones first, then other probes, families of scenarios, controls, and
    levels of factors and kinds of wording.

    Placebo cues are a control and decide nothing, except in a study that has no other cues.
    """
    families = list(dict.fromkeys(pair.cue_family for pair in plan.pairs))
    deciding = set(families) - {"placebo"} or set(families)
    probes = sorted({probe for pair in plan.pairs for probe in pair.probes})
    ordered = [*analysis.primary, *(probe for probe in probes if probe not in analysis.primary)]
    main = [
        Question(probe, family, None, probe in analysis.primary and family in deciding, False, margins[probe])
        for probe in ordered
        for family in families
    ]
    scenarios = sorted({pair.family for pair in plan.pairs})
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
        for factor, found in _levels(question.pairs(plan)).items()
        if len(found) > 1
        for level in found
    ]
    return [question for question in [*main, *by_family, *controls, *levels] if question.pairs(plan)]


def margins_of(probes: dict[str, Probe], analysis: Analysis) -> dict[str, float]:
    """The margin of every probe: the study's, or else the probe's own. That of any of them is the smallest."""
    margins = {name: analysis.margin or probe.margin for name, probe in probes.items()}
    return {**margins, ANY_PROBE: min(margins.values())}


def _levels(pairs: Iterable[Pair]) -> dict[str, list[str]]:
    found: dict[str, dict[str, None]] = {}
    for pair in pairs:
        for factor, level in pair.levels.items():
            if factor != "family":
                found.setdefault(factor, {})[level] = None
    return {factor: list(levels) for factor, levels in found.items()}


class Estimator:
    """Makes contrasts of one model. The unit of clustering is settled once, for the whole study."""

    def __init__(self, table: Table, analysis: Analysis, unit: str) -> None:
        self.table = table
        self.analysis = analysis
        self.unit = unit

    def contrasts(self, asked: Sequence[Question]) -> list[Contrast]:
        """One contrast per question, with Holm's adjustment inside each family of contrasts."""
        drafts = [self._draft(question) for question in asked]
        contrasts: list[Contrast] = [draft.contrast for draft in drafts]
        order = sorted(range(len(drafts)), key=lambda index: _family(asked[index]))
        for _, group in groupby(order, key=lambda index: _family(asked[index])):
            members = list(group)
            adjusted = holm([contrasts[index].p_value for index in members])
            for index, p_adjusted in zip(members, adjusted, strict=True):
                contrasts[index] = self._settle(drafts[index], p_adjusted)
        return contrasts

    def gap(self, question: Question, refusals: Refusals) -> tuple[float | None, Interval | None]:
        """The gap and its 95% interval under another way of counting refusals."""
        outcomes, _, compared = self._outcomes(self._rows(question, refusals), question.unit or self.unit)
        found = estimate(outcomes, wordings=_wordings(compared))
        return found.gap, found.interval(0.95)

    def _rows(self, question: Question, refusals: Refusals) -> list[Row]:
        return self.table.rows(question.pairs(self.table.plan), question.probe, refusals)

    def _outcomes(self, rows: list[Row], unit: str) -> tuple[Outcomes, Outcomes, list[Row]]:
        """What is known and what is missing in the two arms that are compared, and the rows behind it."""
        compared = [row for row in rows if row.arm != "neutral"]
        clusters = _codes(getattr(row.pair, unit) for row in compared)
        wordings = _codes(f"{row.pair.cue}/{row.pair.wording}" for row in compared)
        deployment = np.array([row.arm == "deployment" for row in compared], dtype=bool)
        value = np.array([np.nan if row.value is None else row.value for row in compared], dtype=float)
        known = ~np.isnan(value)
        return (
            Outcomes(clusters[known], wordings[known], deployment[known], value[known]),
            Outcomes(clusters[~known], wordings[~known], deployment[~known], np.zeros((~known).sum())),
            compared,
        )

    def _draft(self, question: Question) -> "_Draft":
        rows = self._rows(question, self.analysis.refusals)
        unit = question.unit or self.unit
        outcomes, absent, compared = self._outcomes(rows, unit)
        wordings = _wordings(compared)
        found = estimate(outcomes, wordings=wordings)
        rates = [float(means.mean()) if outcomes.clusters else None for means in outcomes.cluster_means]
        contrast = Contrast(
            probe=question.probe,
            cue_family=question.cue_family,
            cell=question.cell,
            primary=question.primary,
            control=question.control,
            pairs=len({row.pair.id for row in compared}),
            scenarios=len({row.pair.scenario for row in compared}),
            clusters=outcomes.clusters,
            wordings=len(np.unique(outcomes.wording)),
            scope=scope_of(unit, wordings),
            rate_evaluation=rates[1],
            rate_deployment=rates[0],
            rate_neutral=_rate(row for row in rows if row.arm == "neutral"),
            gap=found.gap,
            standard_error=found.standard_error if isinstance(found, GapEstimate) else None,
            ci95=found.interval(0.95),
            ci90=found.interval(0.90),
            p_value=found.p_value,
            p_adjusted=None,
            margin=question.margin,
            floor=floor(outcomes.clusters, self.analysis.alpha / 2) if outcomes.clusters else None,
            verdict="invalid",
            direction=verdicts.direction(found.gap),
            missing={arm: sum(row.arm == arm and row.value is None for row in rows) for arm in self.table.arms},
            note=found.reason if isinstance(found, NotEstimable) else "",
        )
        return _Draft(contrast, found, outcomes, absent, wordings)

    def _settle(self, draft: "_Draft", p_adjusted: float | None) -> Contrast:
        contrast = draft.contrast
        differs = p_adjusted is not None and p_adjusted < self.analysis.alpha
        interval = draft.found.interval(1 - self.analysis.alpha)
        verdict = verdicts.of_contrast(interval, contrast.gap, contrast.floor, contrast.margin, differs)
        settled = contrast.model_copy(update={"p_adjusted": p_adjusted, "verdict": verdict})
        return settled.model_copy(update={"bounds": self._bounds(draft, settled)})

    def _bounds(self, draft: "_Draft", contrast: Contrast) -> Bounds | None:
        """What the missing trials could do at worst; None where none is missing or nothing can be estimated."""
        absent = draft.absent
        if not len(absent.y) or contrast.gap is None:
            return None
        ends = worst_case(
            draft.outcomes,
            cluster=absent.cluster,
            wording=absent.wording,
            deployment=absent.deployment,
            wordings=draft.wordings,
        )
        if any(isinstance(end, NotEstimable) for end in ends):
            return None
        lowest, highest = (end for end in ends if isinstance(end, GapEstimate))
        share = (contrast.p_adjusted or 1.0) / contrast.p_value if contrast.p_value else 1.0
        found = tuple(self._verdict(end, contrast, share) for end in (lowest, highest))
        same_side = contrast.verdict != "inconsistent" or lowest.gap * highest.gap > 0
        return Bounds(
            lowest_gap=lowest.gap,
            highest_gap=highest.gap,
            ci95=(lowest.interval(0.95)[0], highest.interval(0.95)[1]),
            verdicts=(found[0], found[1]),
            holds=same_side and all(verdict == contrast.verdict for verdict in found),
        )

    def _verdict(self, end: GapEstimate, contrast: Contrast, share: float) -> Verdict:
        interval = end.interval(1 - self.analysis.alpha)
        limit = floor(end.clusters, self.analysis.alpha / 2)
        differs = min(1.0, end.p_value * share) < self.analysis.alpha
        return verdicts.of_contrast(interval, end.gap, limit, contrast.margin, differs)


@dataclass(frozen=True)
class _Draft:
    contrast: Contrast
    found: GapEstimate | NotEstimable
    outcomes: Outcomes
    absent: Outcomes
    wordings: Wordings


def unit_of(plan: Plan, analysis: Analysis, margin: float) -> str:
    """The unit of clustering: the scenario where every primary contrast has enough for the margin, else the item."""
    if analysis.cluster != "auto":
        return analysis.cluster
    counts = [
        len(
            {
                pair.scenario
                for pair in plan.pairs
                if not pair.control and (probe in pair.probes or probe == ANY_PROBE) and pair.cue_family == family
            }
        )
        for probe in analysis.primary
        for family in {pair.cue_family for pair in plan.pairs}
    ]
    return "scenario" if min(counts) >= minimum_clusters(margin, analysis.alpha / 2) else "item"


def _wordings(rows: list[Row]) -> Wordings:
    """What the wordings of a contrast allow: as many as were planned, whatever was lost on the way."""
    return "matched" if len({(row.pair.cue, row.pair.wording) for row in rows}) >= FEWEST_WORDINGS else "ignored"


def scope_of(unit: str, wordings: Wordings) -> Scope:
    """How far a conclusion reaches, from the unit of clustering and what is made of the wordings."""
    if wordings == "ignored":
        return "these_wordings"
    return "population" if unit == "scenario" else "suite"


def _family(question: Question) -> tuple[str, ...]:
    """Contrasts that share an adjustment.

    All primary ones; other probes; controls; the families of scenarios under one cue family; each probe's factor.
    """
    if question.primary:
        return ("primary",)
    if question.control:
        return ("control",)
    if question.cell is None:
        return ("secondary",)
    if "family" in question.cell:
        return ("families", question.cue_family)
    return ("factor", question.probe, *question.cell)


def _rate(rows: Iterable[Row]) -> float | None:
    values = [row.value for row in rows if row.value is not None]
    return sum(values) / len(values) if values else None


def _codes(labels: Iterable[str]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(label, len(numbers)) for label in labels], dtype=np.int64)
