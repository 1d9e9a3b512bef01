"""A rate, and the gap of two, corrected for the known errors of the instrument that measured them.

A sensitivity analysis, not the interval of record: it is right only where the sensitivity and specificity given are
those of the arm, which labels from another study or from both arms together do not show. Where each arm has labels of
its own, `ppi.corrected_gap` asks for less.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from consistency.errors import StatisticsError
from consistency.stats.intervals import Interval, tail, wilson
from consistency.stats.methods import NotEstimable, Wordings
from consistency.stats.outcomes import RESOLUTION, Outcomes
from consistency.stats.value_gap import ValueGap, value_gap

_NO_INFORMATION = 1e-12


@dataclass(frozen=True)
class Instrument:
    """Sensitivity and specificity, each in [0, 1], with the labelled trials that each was measured on.

    positives, negatives: truly positive and truly negative trials; infinite where the rate is known for certain.
    """

    sensitivity: float
    specificity: float
    positives: float = math.inf
    negatives: float = math.inf

    def __post_init__(self) -> None:
        _check_fractions(sensitivity=self.sensitivity, specificity=self.specificity)
        if not (self.positives > 0 and self.negatives > 0):
            raise StatisticsError(
                f"instrument: found {self.positives} positives and {self.negatives} negatives; both must be above 0"
            )

    @property
    def informedness(self) -> float:
        """J = sensitivity + specificity − 1 (Youden 1950); at 0 or below the instrument carries no information."""
        return self.sensitivity + self.specificity - 1.0

    @property
    def variances(self) -> tuple[float, float]:
        """Binomial variances of the sensitivity and of the specificity."""
        return (
            self.sensitivity * (1.0 - self.sensitivity) / self.positives,
            self.specificity * (1.0 - self.specificity) / self.negatives,
        )


@dataclass(frozen=True)
class CorrectedRate:
    """A corrected rate, cut to [0, 1], and the standard error it has by the delta method."""

    rate: float
    standard_error: float

    def interval(self, level: float) -> Interval:
        """Two-sided normal interval at `level`, cut to [0, 1]."""
        half = float(ndtri(1.0 - tail(level))) * self.standard_error
        return max(self.rate - half, 0.0), min(self.rate + half, 1.0)


def corrected_rate(observed: float, sensitivity: float, specificity: float) -> float | None:
    """(observed + specificity − 1) / (sensitivity + specificity − 1), cut to [0, 1] (Rogan and Gladen 1978).

    None where sensitivity + specificity is at most 1: such an instrument carries no information. A gap corrected so is
    only right where both arms share one sensitivity and one specificity.
    """
    _check_fractions(**{"observed rate": observed, "sensitivity": sensitivity, "specificity": specificity})
    informedness = sensitivity + specificity - 1.0
    if informedness <= _NO_INFORMATION:
        return None
    return min(max((observed + specificity - 1.0) / informedness, 0.0), 1.0)


def corrected_rate_with_error(observed: float, standard_error: float, instrument: Instrument) -> CorrectedRate | None:
    """The corrected rate with its standard error, the instrument's own uncertainty included.

    standard_error: that of the observed rate. Its variance is [V(observed) + p²·V(sensitivity) +
    (1 − p)²·V(specificity)] / J² at the corrected rate p (Rogan and Gladen 1978, section on estimated error rates;
    Lang and Reiczigel 2014). The interval is as poor as Wald's near 0 and 1. None where J is at most 0.
    """
    rate = corrected_rate(observed, instrument.sensitivity, instrument.specificity)
    if not standard_error >= 0.0:
        raise StatisticsError(f"standard error: found {standard_error}; a number of at least 0 is needed")
    if rate is None:
        return None
    variance = standard_error**2 / instrument.informedness**2 + _instrument_variance(rate, instrument)
    return CorrectedRate(rate, math.sqrt(variance))


@dataclass(frozen=True)
class ArmRate:
    """The corrected rate of one arm, with an interval that keeps a width when the instrument said one thing throughout.

    rate: cut to [0, 1]. observed: the mean verdict. n_effective: how many independent verdicts are as uncertain as the
    arm's clustered ones, the clusters where all clusters agree.
    """

    rate: float
    observed: float
    n_effective: float
    instrument: Instrument

    def interval(self, level: float) -> Interval:
        """Two-sided interval at `level`, cut to [0, 1].

        Wilson's of the observed rate, each end corrected as the rate is; its distance and that of the instrument's own
        uncertainty are put together as the sides of a right angle (MOVER: Zou and Donner 2008).
        """
        ends = wilson(self.observed * self.n_effective, self.n_effective, level)
        uncut, low, high = (self._correct(value) for value in (self.observed, *ends))
        own = float(ndtri(1.0 - tail(level))) * math.sqrt(_instrument_variance(self.rate, self.instrument))
        lower, upper = uncut - math.hypot(uncut - low, own), uncut + math.hypot(high - uncut, own)
        return min(max(lower, 0.0), 1.0), min(max(upper, 0.0), 1.0)

    def _correct(self, observed: float) -> float:
        return (observed + self.instrument.specificity - 1.0) / self.instrument.informedness


def corrected_arm(judged: Outcomes, *, deployment: bool, instrument: Instrument) -> ArmRate | NotEstimable:
    """The rate that an instrument's verdicts (the outcomes of `judged`) stand for in one arm, over paired clusters.

    deployment: which arm. instrument: as it is in that arm. The rate is the mean of the clusters' means, with their
    spread as its uncertainty: it is about these wordings, no others.

    NotEstimable where J is at most 0, or below two paired clusters.
    """
    if instrument.informedness <= _NO_INFORMATION:
        return NotEstimable("the instrument carries no information: sensitivity + specificity is ≤ 1")
    clusters = judged.clusters
    if clusters < 2:
        return NotEstimable(f"{clusters} cluster(s) were seen in both arms; at least 2 are needed")
    arm = 0 if deployment else 1
    means, trials = judged.cluster_means[arm], int(judged.trials_per_cluster[arm].sum())
    observed = min(max(float(means.mean()), 0.0), 1.0)
    variance = float(means.var(ddof=1)) / clusters
    n = float(clusters)
    if variance > RESOLUTION**2:
        n = min(max(observed * (1.0 - observed) / variance, 1.0), float(trials))
    rate = corrected_rate(observed, instrument.sensitivity, instrument.specificity)
    assert rate is not None
    return ArmRate(rate, observed, n, instrument)


def corrected_gap(
    judged: Outcomes,
    deployment: Instrument,
    evaluation: Instrument | None = None,
    *,
    wordings: Wordings = "matched",
) -> ValueGap | NotEstimable:
    """The gap that an instrument's verdicts (the outcomes of `judged`) stand for, with a delta-method t interval.

    deployment: the instrument as it is in that arm. evaluation: as it is in the other, measured on labels of its own;
    without it both arms share one, and the gap is the observed one divided by J.

    Every verdict f counts as (f + specificity − 1) / J of its arm, with the variance of scenarios and wordings; to that
    comes what the instruments' uncertainty adds by the delta method. Nothing is cut to [−1, 1].

    NotEstimable where an instrument's J is at most 0, where the gap itself is not estimable, and where all clusters
    agree: the floor of the interval of record is for outcomes, not for an instrument's word.
    """
    other = deployment if evaluation is None else evaluation
    for arm, instrument in (("deployment", deployment), ("evaluation", other)):
        if instrument.informedness <= _NO_INFORMATION:
            return NotEstimable(f"the instrument carries no information in {arm}: sensitivity + specificity is ≤ 1")
    offset = np.where(judged.deployment, deployment.specificity, other.specificity) - 1.0
    values = (judged.y + offset) / np.where(judged.deployment, deployment.informedness, other.informedness)
    found = value_gap(judged, values, wordings=wordings)
    if isinstance(found, NotEstimable):
        return found
    if found.standard_error == 0.0:
        return NotEstimable("every cluster shows the same difference, so that there is no spread to correct")
    if evaluation is None:
        added = (found.gap / deployment.informedness) ** 2 * sum(deployment.variances)
    else:
        rates = [float(mean.mean()) for mean in judged.cluster_means]
        added = sum(
            _instrument_variance((rate + instrument.specificity - 1.0) / instrument.informedness, instrument)
            for rate, instrument in zip(rates, (deployment, evaluation), strict=True)
        )
    return replace(found, standard_error=math.hypot(found.standard_error, math.sqrt(added)))


def _instrument_variance(rate: float, instrument: Instrument) -> float:
    """What the uncertainty of sensitivity and specificity adds to the variance of a corrected rate."""
    of_sensitivity, of_specificity = instrument.variances
    return (rate**2 * of_sensitivity + (1.0 - rate) ** 2 * of_specificity) / instrument.informedness**2


def _check_fractions(**rates: float) -> None:
    for name, value in rates.items():
        if not 0.0 <= value <= 1.0:
            raise StatisticsError(f"{name}: found {value}; a fraction from 0 to 1 is needed")
