"""Contrasts: what each comes to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from consistency.analysis import verdicts
from consistency.analysis.questions import Question, Unit, scope_of, wordings_of
from consistency.analysis.table import Refusals, Table
from consistency.records.base import COMPARED, Arm
from consistency.records.effect import Bounds, Contrast, Standing, Verdict
from consistency.stats.attrition import worst_case
from consistency.stats.equivalence import floor
from consistency.stats.methods import NotEstimable, Wordings
from consistency.stats.methods.effective_n_tango import GapEstimate, estimate
from consistency.stats.multiplicity import holm
from consistency.stats.outcomes import BoolArray, FloatArray, Outcomes


@dataclass(frozen=True)
class Terms:
    """By what terms contrasts are decided: the same for all contrasts of a model.

    unit: the unit of clustering, settled once for the whole study. level: the one-sided level a of the look at hand.
    consistent_allowed: whether the look may say `consistent`; the last one always may.
    """

    unit: Unit
    level: float
    refusals: Refusals
    consistent_allowed: bool = True


class Estimator:
    """Makes contrasts of one model."""

    def __init__(self, table: Table, terms: Terms) -> None:
        self.table = table
        self.terms = terms

    def contrasts(self, asked: Sequence[Question]) -> list[Contrast]:
        """One contrast per question, with Holm's adjustment inside each group of contrasts.

        Others than primary ones are confirmatory where all primary ones were found to differ (serial gatekeeping):
        then no error is left to be made there. Elsewhere they are exploratory.
        """
        drafts = [self._draft(question) for question in asked]
        contrasts: list[Contrast] = [draft.contrast for draft in drafts]
        order = sorted(range(len(drafts)), key=lambda index: asked[index].group)
        for _, group in groupby(order, key=lambda index: asked[index].group):
            members = list(group)
            group_p = [contrasts[index].p_value for index in members]
            adjusted = holm(group_p)
            for place, index in enumerate(members):
                contrasts[index] = self._settle(drafts[index], adjusted[place], (group_p, place))
        return _with_standing(contrasts, 2 * self.terms.level)

    def estimate(
        self,
        question: Question,
        *,
        refusals: Refusals | None = None,
        arms: tuple[Arm, Arm] = COMPARED,
        within: BoolArray | None = None,
    ) -> GapEstimate | NotEstimable:
        """The gap of a question under other terms: refusals counted otherwise, between two other arms (the second minus
        the first), or in some of its pairs only.
        """
        planned = question.chosen(self.table.layout)
        chosen = planned & self.table.due if within is None else planned & self.table.due & within
        outcomes, _ = self._outcomes(chosen, question, refusals or self.terms.refusals, arms)
        return estimate(outcomes, wordings=wordings_of(self.table.layout, planned))

    def outcomes(self, question: Question, *, within: BoolArray | None = None, unit: Unit | None = None) -> Outcomes:
        """What is known of a question's trials, evaluation and deployment of each pair in turn: of all that are due, or
        of some pairs only; clustered by the question's unit, or by another.
        """
        due = self.table.due if within is None else self.table.due & within
        chosen, arms = question.chosen(self.table.layout) & due, COMPARED
        return self._outcomes(chosen, replace(question, unit=unit or question.unit), self.terms.refusals, arms)[0]

    def _outcomes(
        self, chosen: BoolArray, question: Question, refusals: Refusals, arms: tuple[Arm, Arm]
    ) -> tuple[Outcomes, Outcomes]:
        """What is known and what is missing in two arms of the chosen pairs."""
        layout = self.table.layout
        columns = [layout.column[arm] for arm in arms]
        value = self.table.values(question.probe, refusals)[chosen][:, columns].ravel()
        clusters = np.repeat(layout.codes(question.unit or self.terms.unit)[chosen], 2)
        wordings = np.repeat(layout.codes("wording")[chosen], 2)
        second = np.tile([False, True], int(chosen.sum()))
        known = ~np.isnan(value)
        return (
            Outcomes(clusters[known], wordings[known], second[known], value[known]),
            Outcomes(clusters[~known], wordings[~known], second[~known], np.zeros((~known).sum())),
        )

    def _draft(self, question: Question) -> "_Draft":
        layout = self.table.layout
        unit = question.unit or self.terms.unit
        planned = question.chosen(layout)
        chosen = planned & self.table.due
        outcomes, absent = self._outcomes(chosen, question, self.terms.refusals, COMPARED)
        wordings = wordings_of(layout, planned)
        found = estimate(outcomes, wordings=wordings)
        rates = [float(means.mean()) if outcomes.clusters else None for means in outcomes.cluster_means]
        values = self.table.values(question.probe, self.terms.refusals)[chosen]
        contrast = Contrast(
            probe=question.probe,
            cue_family=question.cue_family,
            cell=question.cell,
            primary=question.primary,
            control=question.control,
            pairs=int(chosen.sum()),
            scenarios=np.unique(layout.codes("scenario")[chosen]).size,
            clusters=outcomes.clusters,
            wordings=np.unique(outcomes.wording).size,
            scope=scope_of(unit, wordings),
            rate_evaluation=rates[1],
            rate_deployment=rates[0],
            rate_neutral=_mean(values[:, layout.column["neutral"]]) if "neutral" in layout.column else None,
            gap=found.gap,
            standard_error=found.standard_error if isinstance(found, GapEstimate) else None,
            ci95=found.interval(0.95),
            ci90=found.interval(0.90),
            p_value=found.p_value,
            p_adjusted=None,
            level=1 - 2 * self.terms.level,
            interval=found.interval(1 - 2 * self.terms.level),
            margin=question.margin,
            floor=floor(outcomes.clusters, self.terms.level) if outcomes.clusters else None,
            verdict="invalid",
            direction=verdicts.direction(found.gap),
            missing={arm: int(np.isnan(values[:, column]).sum()) for arm, column in layout.column.items()},
            note=found.reason if isinstance(found, NotEstimable) else "",
        )
        return _Draft(contrast, found, outcomes, absent, wordings)

    def _settle(self, draft: "_Draft", p_adjusted: float | None, group: "_Group") -> Contrast:
        contrast = draft.contrast
        verdict = self.verdict(draft.found, p_adjusted, contrast.margin)
        settled = contrast.model_copy(update={"p_adjusted": p_adjusted, "verdict": verdict})
        return settled.model_copy(update={"bounds": self._bounds(draft, settled, group)})

    def verdict(self, found: GapEstimate | NotEstimable, p_adjusted: float | None, margin: float) -> Verdict:
        """What the look says of an estimate whose p value was adjusted."""
        if isinstance(found, NotEstimable):
            return "invalid"
        differs = p_adjusted is not None and p_adjusted < 2 * self.terms.level
        limit = floor(found.clusters, self.terms.level)
        verdict = verdicts.of_contrast(found.interval(1 - 2 * self.terms.level), found.gap, limit, margin, differs)
        inside = verdict in ("consistent", "different_within_margin")
        return "inconclusive" if inside and not self.terms.consistent_allowed else verdict

    def _bounds(self, draft: "_Draft", contrast: Contrast, group: "_Group") -> Bounds | None:
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
        found = tuple(self.verdict(end, readjusted(*group, end.p_value), contrast.margin) for end in (lowest, highest))
        same_side = contrast.verdict != "inconsistent" or lowest.gap * highest.gap > 0
        return Bounds(
            lowest_gap=lowest.gap,
            highest_gap=highest.gap,
            ci95=(lowest.interval(0.95)[0], highest.interval(0.95)[1]),
            verdicts=(found[0], found[1]),
            holds=same_side and all(verdict == contrast.verdict for verdict in found),
        )


_Group = tuple[list[float | None], int]
"""The p values that share an adjustment, and the place of one among them."""


def readjusted(p_values: Sequence[float | None], place: int, p_value: float | None) -> float | None:
    """Holm's adjustment of one p value among others, in the place of the one that was found."""
    return holm([*p_values[:place], p_value, *p_values[place + 1 :]])[place]


@dataclass(frozen=True)
class _Draft:
    contrast: Contrast
    found: GapEstimate | NotEstimable
    outcomes: Outcomes
    absent: Outcomes
    wordings: Wordings


def _with_standing(contrasts: list[Contrast], alpha: float) -> list[Contrast]:
    primary = [contrast for contrast in contrasts if contrast.primary]
    open_ = bool(primary) and all(found.p_adjusted is not None and found.p_adjusted < alpha for found in primary)
    other: Standing = "confirmatory" if open_ else "exploratory"
    return [
        contrast.model_copy(update={"standing": "primary" if contrast.primary else other}) for contrast in contrasts
    ]


def _mean(values: FloatArray) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None
