"""The RMS gap √max(G, 0), G = E_s d_s²: how far scenarios differ between arms, whichever way, so that none cancel.

The square of an estimated d_s is too large by its variance. Here each scenario's d_s² is a U-statistic instead:
products of outcomes from different draws only, which are independent and so have the right expectation (Hoeffding
1948). With one trial per wording in each arm it is the squared mean difference less its estimated variance. G may come
out below 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import assert_never

import numpy as np
from scipy.special import stdtrit

from consistency.stats.equivalence import floor
from consistency.stats.intervals import Interval, tail
from consistency.stats.methods import NotEstimable, Wordings
from consistency.stats.outcomes import RESOLUTION, FloatArray, IntArray, Outcomes


@dataclass(frozen=True)
class RMSGap:
    """An estimate of G (`squared`, unbiased, perhaps negative) and its standard error over clusters.

    clusters: those with an estimate of their own. left_out: paired clusters with too few repeats for one.
    """

    squared: float
    standard_error: float
    clusters: int
    left_out: int

    @property
    def rms(self) -> float:
        """√max(G, 0), in [0, 1]: the size of a typical cluster's gap, without direction; biased below by the cut."""
        return math.sqrt(max(self.squared, 0.0))

    @property
    def degenerate(self) -> bool:
        """Whether all clusters agree, so that the interval rests on their number alone (see `interval`)."""
        return self.standard_error <= RESOLUTION

    def interval(self, level: float) -> Interval:
        """Two-sided interval of the RMS gap at `level`, in [0, 1]: t over clusters for G, then the root of its ends.

        The upper end leaves at least the G that as many clusters, had they all shown this one, could not exclude:
        1 − a^(1/S), the share of clusters that might diverge wholly and were not met. Where all clusters agree the
        lower end leaves as much, and so the interval always has a width. Wordings that clusters share are taken as
        given.
        """
        a = tail(level)
        half = float(stdtrit(self.clusters - 1, 1.0 - a)) * self.standard_error
        unseen = floor(self.clusters, a)
        squared = max(self.squared, 0.0)
        lower = self.squared - (unseen if self.degenerate else half)
        upper = max(self.squared + half, squared + unseen)
        return math.sqrt(min(max(lower, 0.0), 1.0)), math.sqrt(min(upper, 1.0))


def rms_gap(outcomes: Outcomes, *, wordings: Wordings = "matched") -> RMSGap | NotEstimable:
    """Estimate the RMS gap of one contrast.

    What counts as one draw within a cluster: a wording set with the trials of both arms ("matched"), a wording with its
    trials of one arm ("nested"), or a trial ("ignored": the wordings are taken as given). A cluster needs two draws in
    each arm. NotEstimable where fewer than two clusters have them.
    """
    by_cluster = squared_gaps(outcomes, wordings)
    known = by_cluster[~np.isnan(by_cluster)]
    if known.size < 2:
        return NotEstimable(
            f"{known.size} of {outcomes.clusters} cluster(s) have two draws or more in each arm; at least 2 are needed"
        )
    return RMSGap(
        squared=float(known.mean()),
        standard_error=float(known.std(ddof=1)) / math.sqrt(known.size),
        clusters=int(known.size),
        left_out=outcomes.clusters - int(known.size),
    )


def squared_gaps(outcomes: Outcomes, wordings: Wordings) -> FloatArray:
    """The unbiased estimate of every paired cluster's d_s², in order of label; NaN where it has too few draws."""
    if outcomes.clusters == 0:
        return np.zeros(0)
    trials, clusters = outcomes.paired, outcomes.clusters
    cell = _draws(outcomes, wordings)
    cell_cluster = np.zeros(int(cell.max()) + 1, dtype=np.int64)
    cell_cluster[cell] = outcomes.cluster_index

    def per_cell(values: FloatArray, deployment: bool) -> FloatArray:
        chosen = trials.deployment == deployment
        return np.bincount(cell[chosen], weights=values[chosen], minlength=cell_cluster.size).astype(np.float64)

    def across(first: FloatArray, second: FloatArray) -> FloatArray:
        """Sum of the products of two different cells' values, within every cluster."""
        totals = [np.bincount(cell_cluster, weights=values, minlength=clusters) for values in (first, second)]
        within = np.bincount(cell_cluster, weights=first * second, minlength=clusters)
        return (totals[0] * totals[1] - within).astype(np.float64)

    ones = np.ones(trials.y.size)
    sums = {arm: per_cell(trials.y, arm) for arm in (True, False)}
    counts = {arm: per_cell(ones, arm) for arm in (True, False)}

    def mean_product(first: bool, second: bool) -> FloatArray:
        with np.errstate(invalid="ignore", divide="ignore"):
            mean: FloatArray = across(sums[first], sums[second]) / np.round(across(counts[first], counts[second]))
        return mean

    squared = mean_product(True, True) + mean_product(False, False) - 2.0 * mean_product(True, False)
    return np.where(np.isfinite(squared), squared, np.nan)


def _draws(outcomes: Outcomes, wordings: Wordings) -> IntArray:
    """For every paired trial the number of the draw it belongs to."""
    trials = outcomes.paired
    match wordings:
        case "ignored":
            return np.arange(trials.y.size)
        case "matched":
            key = np.stack([outcomes.cluster_index, trials.wording])
        case "nested":
            key = np.stack([outcomes.cluster_index, trials.wording, trials.deployment])
        case _:
            assert_never(wordings)
    return np.unique(key, axis=1, return_inverse=True)[1].ravel().astype(np.int64)
