"""How well a judge does against labels, in each arm: sensitivity, specificity, and what they tell of its limits.

Labels are drawn with known probabilities that differ between trials, so that each counts by the inverse of its own
(Horvitz and Thompson 1952; Hájek's ratio), and all together are worth as many equal ones as Kish's (1965) effective
size says, or fewer: where the judge's own verdict decides the chance of a label, as it should, the rare labels of what
it got wrong weigh the most, and Kish's size, for weights that have nothing to do with the outcome, is too large.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from consistency.errors import StatisticsError
from consistency.stats.intervals import Interval, newcombe, wilson
from consistency.stats.outcomes import FloatArray, Outcomes
from consistency.stats.ppi import checked_labels
from consistency.stats.rogan_gladen import Instrument


@dataclass(frozen=True)
class WeightedRate:
    """A rate in [0, 1] from `labels` labels of unequal weight w.

    n_effective: how many equal labels they are worth, at most `labels`: the least of Kish's (Σw)²/Σw²; the number with
    the variance that the rate has as a ratio, Σw²(hit − rate)²/(Σw)²; and, where the labels all say the same, Σw times
    the chance of a label to say otherwise. All are `labels` where the weights are equal.
    """

    rate: float
    labels: int
    n_effective: float

    def interval(self, level: float) -> Interval:
        """Wilson's interval at `level` from n_effective labels; trials of one scenario are taken to be independent."""
        return wilson(self.rate * self.n_effective, self.n_effective, level)


@dataclass(frozen=True)
class Diagnostics:
    """A judge in one arm. A rate is None, not estimable, where no label of its kind was drawn.

    sensitivity: share of true positives that the judge calls positive. specificity: share of true negatives that it
    calls negative.
    """

    sensitivity: WeightedRate | None
    specificity: WeightedRate | None

    @property
    def informedness(self) -> float | None:
        """J = sensitivity + specificity − 1 (Youden 1950): 1 for a perfect judge, 0 for one that says nothing."""
        if self.sensitivity is None or self.specificity is None:
            return None
        return self.sensitivity.rate + self.specificity.rate - 1.0

    def informedness_interval(self, level: float) -> Interval | None:
        """Two-sided interval of J at `level`: both rates' own put together as in Newcombe (1998, method 10)."""
        if self.sensitivity is None or self.specificity is None:
            return None
        (s, n), (c, m) = (
            (rate.rate * rate.n_effective, rate.n_effective) for rate in (self.sensitivity, self.specificity)
        )
        return newcombe(s, n, m - c, m, level)

    @property
    def instrument(self) -> Instrument | None:
        """The same for `rogan_gladen`, its uncertainty being that of n_effective labels; None where a rate is."""
        if self.sensitivity is None or self.specificity is None:
            return None
        return Instrument(
            self.sensitivity.rate, self.specificity.rate, self.sensitivity.n_effective, self.specificity.n_effective
        )


@dataclass(frozen=True)
class JudgeDiagnostics:
    """A judge in both arms."""

    deployment: Diagnostics
    evaluation: Diagnostics

    @property
    def least_informedness(self) -> float | None:
        """The smaller J of the two arms, which `tipping.JudgeLimits` asks for; None where one is not estimable."""
        deployment, evaluation = self.deployment.informedness, self.evaluation.informedness
        return None if deployment is None or evaluation is None else min(deployment, evaluation)

    @property
    def false_positive_difference(self) -> float | None:
        """False-positive rate in deployment minus that in evaluation; None where one is not estimable."""
        deployment, evaluation = self.deployment.specificity, self.evaluation.specificity
        return None if deployment is None or evaluation is None else evaluation.rate - deployment.rate

    def false_positive_difference_interval(self, level: float) -> Interval | None:
        """Two-sided interval of that difference (Newcombe 1998, method 10); its larger end in size bounds κ_max."""
        deployment, evaluation = self.deployment.specificity, self.evaluation.specificity
        if deployment is None or evaluation is None:
            return None
        n, m = deployment.n_effective, evaluation.n_effective
        return newcombe((1.0 - deployment.rate) * n, n, (1.0 - evaluation.rate) * m, m, level)


def judge_diagnostics(judged: Outcomes, *, label: ArrayLike, probability: ArrayLike) -> JudgeDiagnostics:
    """A judge's sensitivity and specificity in each arm, from labels on some trials.

    judged: every trial, its y being the judge's verdict f; a verdict between 0 and 1 counts by its size. label: one
    entry per trial, the truth, 0 or 1, NaN where it has none. probability: one entry per trial, the known chance π in
    (0, 1] with which it was to be labelled, and then counts 1/π. Trials of clusters in one arm alone count too: the
    judge is the same.

    StatisticsError for arrays of another length, other labels or probabilities.
    """
    truth, chance = checked_labels(judged, label, probability)
    other = ~np.isnan(truth) & (truth != 0.0) & (truth != 1.0)
    if other.any():
        raise StatisticsError(f"labels: found {truth[np.argmax(other)]}; 0, 1, or NaN for none are allowed")
    deployment = judged.deployment
    return JudgeDiagnostics(*(_in_arm(judged.y[arm], truth[arm], chance[arm]) for arm in (deployment, ~deployment)))


def _in_arm(verdict: FloatArray, truth: FloatArray, chance: FloatArray) -> Diagnostics:
    yes, no = (float(chance[side].min(initial=1.0)) for side in (verdict >= 0.5, verdict < 0.5))
    positive, negative = truth == 1.0, truth == 0.0
    return Diagnostics(
        sensitivity=_weighted_rate(verdict[positive], 1.0 / chance[positive], no),
        specificity=_weighted_rate(1.0 - verdict[negative], 1.0 / chance[negative], yes),
    )


def _weighted_rate(hits: FloatArray, weight: FloatArray, chance_of_miss: float) -> WeightedRate | None:
    """The rate of `hits`; chance_of_miss: the least chance of a label that a trial of the missing verdict had."""
    if hits.size == 0:
        return None
    total, squares = float(weight.sum()), float(weight @ weight)
    kish = min(total**2 / squares, float(hits.size))
    if np.ptp(hits) == 0.0:
        # Not by the ratio: rounding would take the rate, and Wilson's end with it, off the border.
        return WeightedRate(float(hits[0]), int(hits.size), min(kish, total * chance_of_miss))
    rate = float(weight @ hits) / total
    spread = float(weight**2 @ (hits - rate) ** 2)
    return WeightedRate(rate, int(hits.size), min(kish, rate * (1.0 - rate) * total**2 / spread))
