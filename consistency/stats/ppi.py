"""Estimates from many machine labels and a few human ones (Angelopoulos et al. 2023): a mean, and the gap of two arms.

A machine that judges wrongly, and more often so in one arm, makes a gap where there is none. The labels tell how wrong
it is: y in place of f where there is a label, weighted by how rarely such trials are labelled, takes the error out
whatever it is, and the machine's word on all the others keeps the variance low.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from consistency.errors import StatisticsError
from consistency.stats.intervals import Interval, tail
from consistency.stats.methods import NotEstimable, Wordings
from consistency.stats.outcomes import RESOLUTION, BoolArray, FloatArray, Outcomes
from consistency.stats.value_gap import ValueGap, value_gap

TUNED_FROM = 200
"""With fewer labels than this the machine's word counts in full (λ = 1): too few to tune its weight by."""

FEWEST_LABELS = 2
"""Labels that each arm needs: one shows nothing of how the machine's errors vary."""


@dataclass(frozen=True)
class LabelledMean:
    """A mean with its standard error."""

    mean: float
    standard_error: float

    def interval(self, level: float) -> Interval:
        """Two-sided normal interval at `level`."""
        half = float(ndtri(1.0 - tail(level))) * self.standard_error
        return self.mean - half, self.mean + half


def prediction_powered_mean(labelled_y: ArrayLike, labelled_f: ArrayLike, unlabelled_f: ArrayLike) -> LabelledMean:
    """Mean of y from human labels y with machine labels f on the same units, and machine labels f on others.

    mean(f, unlabelled) + mean(y − f, labelled): unbiased whatever the machine's errors. Units are independent.
    """
    y, f, others = (np.asarray(values, dtype=np.float64).ravel() for values in (labelled_y, labelled_f, unlabelled_f))
    if y.size != f.size or y.size == 0 or others.size == 0:
        raise StatisticsError(
            f"found {y.size} human labels, {f.size} machine labels beside them and {others.size} others; "
            "needed are equally many of the first two, and at least one of each"
        )
    mean = float(others.mean() + (y - f).mean())
    return LabelledMean(mean, math.sqrt(_variance_of_mean(others) + _variance_of_mean(y - f)))


@dataclass(frozen=True)
class CorrectedGap(ValueGap):
    """A gap that human labels have freed from the errors of the judge.

    labels: how many the paired clusters hold. tuning: λ, the weight of the judge's word, averaged over clusters.
    looks: the labels of the arm with fewer: what no label shows, a judge that misses everything may hide.
    """

    labels: int
    tuning: float


def label_probabilities(judged: ArrayLike, labels: float, *, ratio: float = 4.0) -> FloatArray:
    """π per trial for which `labels` labels are expected, a judge's positive being `ratio` times as likely to get one.

    judged: the judge's verdicts in [0, 1]; from ½ on they are positive. π is at most 1, and what the positives cannot
    take goes to the negatives. Label each trial independently with its π, and keep π: the correction needs it.
    """
    f = np.asarray(judged, dtype=np.float64).ravel()
    if not ((f >= 0) & (f <= 1)).all() or not 0 < labels <= f.size or not ratio > 0:
        raise StatisticsError(
            f"label probabilities: found {f.size} trials, {labels} labels, ratio {ratio}; needed are verdicts from 0 "
            "to 1, labels above 0 and at most one per trial, and a ratio above 0"
        )
    positive = f >= 0.5
    positives, negatives = float(positive.sum()), float(f.size - positive.sum())
    rate = labels / (ratio * positives + negatives)
    if ratio * rate > 1.0:
        for_negatives, for_positives = (labels - positives) / negatives if negatives else 1.0, 1.0
    elif rate > 1.0:
        for_negatives, for_positives = 1.0, (labels - negatives) / positives if positives else 1.0
    else:
        for_negatives, for_positives = rate, ratio * rate
    return np.where(positive, for_positives, for_negatives)


def checked_labels(judged: Outcomes, label: ArrayLike, probability: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Labels and their probabilities as floats, one per trial of `judged`.

    StatisticsError for another length, labels other than NaN outside [0, 1] or probabilities outside (0, 1].
    """
    y = _per_trial("labels", label, judged)
    chance = _per_trial("label probabilities", probability, judged)
    bad = ~(np.isnan(y) | ((y >= 0.0) & (y <= 1.0)))
    if bad.any():
        raise StatisticsError(f"labels: found {y[np.argmax(bad)]}; a number from 0 to 1, or NaN for none")
    bad = ~((chance > 0.0) & (chance <= 1.0))
    if bad.any():
        raise StatisticsError(
            f"label probabilities: found {chance[np.argmax(bad)]}; every trial needs one above 0 and at most 1"
        )
    return y, chance


def corrected_gap(
    judged: Outcomes, *, label: ArrayLike, probability: ArrayLike, wordings: Wordings = "matched"
) -> CorrectedGap | NotEstimable:
    """The gap Δ of the true outcomes y, from a judge's verdicts f on all trials and labels on some.

    judged: every trial, its y being the judge's f. label: one entry per trial, the true y in [0, 1], NaN where it has
    none. probability: one entry per trial, the known chance π in (0, 1] with which it was to be labelled, which may
    depend on f, arm, scenario and wording, never on the truth.

    Every trial counts as ỹ = λf + (R/π)(y − λf), R being 1 where it is labelled, which has the mean of y whatever the
    judge's errors, in each arm. Then scenario and wording variance, and t, as for any gap. λ is 1 below 200 labels or
    three clusters; from there each cluster takes the λ in [0, 1] that gives the *other* clusters the least variance
    (power tuning: Angelopoulos, Duchi and Zrnic 2023; cross-fitting: Zrnic and Candès 2024), so that it stays unbiased.

    An error of the judge that no label shows is not corrected; the least width of the interval allows for as much of it
    as so many labels may overlook.

    NotEstimable where the gap itself is, or where an arm has fewer than two labels in paired clusters. StatisticsError
    for arrays of another length, labels outside [0, 1] or probabilities outside (0, 1].
    """
    y, chance = checked_labels(judged, label, probability)
    trials = judged.paired
    kept = np.isin(judged.cluster, trials.cluster)
    y, chance = y[kept], chance[kept]
    labelled = ~np.isnan(y)
    by_arm = {
        "deployment": int(labelled[trials.deployment].sum()),
        "evaluation": int(labelled[~trials.deployment].sum()),
    }
    fewest = min(by_arm, key=lambda arm: by_arm[arm])
    if by_arm[fewest] < FEWEST_LABELS:
        return NotEstimable(f"the {fewest} arm has {by_arm[fewest]} label(s); at least {FEWEST_LABELS} are needed")
    weight = labelled / chance
    truth, excess = weight * np.where(labelled, y, 0.0), (weight - 1.0) * trials.y
    tuning = _tuning(trials, truth, excess, labelled)
    found_gap = value_gap(trials, truth - tuning[trials.cluster_index] * excess, wordings=wordings)
    if isinstance(found_gap, NotEstimable):
        return found_gap
    plain = {**vars(found_gap), "looks": by_arm[fewest]}
    return CorrectedGap(**plain, labels=sum(by_arm.values()), tuning=float(tuning.mean()))


def _tuning(trials: Outcomes, truth: FloatArray, excess: FloatArray, labelled: BoolArray) -> FloatArray:
    """λ of every cluster: 1, or with enough labels what minimises the variance of the others' d(truth) − λ·d(excess).

    That is their covariance over the variance of d(excess), both taken without the cluster itself; 1 where the excess
    does not vary.
    """
    if labelled.sum() < TUNED_FROM or trials.clusters < 3:
        return np.ones(trials.clusters)
    a, b = _differences(trials, truth), _differences(trials, excess)
    a, b = a - a.mean(), b - b.mean()  # against rounding: the sums below do not depend on the centres
    others = trials.clusters - 1
    covariance = (a @ b - a * b) - (a.sum() - a) * (b.sum() - b) / others
    variance = (b @ b - b * b) - (b.sum() - b) ** 2 / others
    varies = variance > RESOLUTION
    return np.where(varies, np.clip(covariance / np.where(varies, variance, 1.0), 0.0, 1.0), 1.0)


def _differences(trials: Outcomes, values: FloatArray) -> FloatArray:
    """Deployment mean minus evaluation mean of `values` in every paired cluster."""
    in_deployment, in_evaluation = trials.trials_per_cluster
    cluster = trials.cluster_index
    signed = np.where(trials.deployment, values / in_deployment[cluster], -values / in_evaluation[cluster])
    return np.bincount(cluster, weights=signed).astype(np.float64)


def _per_trial(name: str, values: ArrayLike, judged: Outcomes) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != judged.y.shape:
        raise StatisticsError(f"{name}: found shape {array.shape}; one entry for each of {judged.y.size} trials")
    return array


def _variance_of_mean(values: FloatArray) -> float:
    return float(values.var() / values.size)
