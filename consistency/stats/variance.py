"""Variance of the mean cluster difference when scenarios and wordings are both drawn at random.

Two-way clustering after Cameron, Gelbach and Miller (2011), with the largest of three estimates taken because the
two-way difference can fall to zero or below in small samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

import numpy as np

from consistency.stats.methods import NotEstimable, Wordings
from consistency.stats.outcomes import FloatArray, IntArray, Outcomes


@dataclass(frozen=True)
class GapVariance:
    """Variance of the gap, its degrees of freedom, the wordings used, and whether clusters share any of them."""

    value: float
    degrees_of_freedom: int
    wordings: int
    shared: bool


def gap_variance(outcomes: Outcomes, wordings: Wordings) -> GapVariance | NotEstimable:
    """Variance of Δ over new clusters and, unless `wordings` is "ignored", over new wordings.

    A wording that only one cluster uses varies with its cluster; where all are so, the clusters' own variance is the
    whole. NotEstimable below two clusters, or where the shared wordings are too few to vary: two sets when matched, two
    in each arm when nested.
    """
    clusters = outcomes.clusters
    if clusters < 2:
        return NotEstimable(f"{clusters} cluster(s) were seen in both arms; at least 2 are needed")
    influence = influences(outcomes)
    cluster = outcomes.cluster_index
    by_cluster = clusters / (clusters - 1) * _sum_of_squares(influence, cluster)

    wording, arms = _wording_index(outcomes, wordings)
    used = int(wording.max()) + 1
    cell = np.unique(cluster * used + wording, return_inverse=True)[1]
    shared = bool(cell.max() + 1 > used)
    if wordings == "ignored" or not shared:
        return GapVariance(by_cluster, clusters - 1, used, False)

    fewest = _fewest_wordings(outcomes, wording) if arms == 2 else used
    if fewest < 2:
        where = "one arm has" if arms == 2 else "the arms have"
        return NotEstimable(f"{where} {fewest} wording that clusters share; at least 2 are needed to see wordings vary")
    by_wording = used / (used - arms) * _sum_of_squares(influence, wording)
    two_way = by_cluster + by_wording - _sum_of_squares(influence, cell)
    return GapVariance(max(by_cluster, by_wording, two_way), min(clusters - 1, used - arms), used, True)


def influences(outcomes: Outcomes) -> FloatArray:
    """ψ, what each trial of `outcomes.paired` adds to Δ around its arm's mean; their sum is zero.

    ψ = ±(y − ȳ_arm) / (S · trials of the cluster in that arm), ȳ_arm being the mean of cluster means. Where all
    clusters have equally many trials this is ±(y − ȳ_arm) / N_arm; elsewhere every cluster keeps its equal weight in Δ.
    """
    deployment, evaluation = outcomes.cluster_means
    in_deployment, in_evaluation = outcomes.trials_per_cluster
    trials, cluster = outcomes.paired, outcomes.cluster_index
    for_deployment = (trials.y - deployment.mean()) / in_deployment[cluster]
    for_evaluation = (evaluation.mean() - trials.y) / in_evaluation[cluster]
    influence: FloatArray = np.where(trials.deployment, for_deployment, for_evaluation) / outcomes.clusters
    return influence


def _wording_index(outcomes: Outcomes, wordings: Wordings) -> tuple[IntArray, int]:
    """Position of every trial's wording among those used, and in how many arms the wordings are drawn separately."""
    trials = outcomes.paired
    index = np.unique(trials.wording, return_inverse=True)[1].astype(np.int64)
    match wordings:
        case "matched" | "ignored":
            return index, 1
        case "nested":
            return np.unique(2 * index + trials.deployment, return_inverse=True)[1].astype(np.int64), 2
        case _:
            assert_never(wordings)


def _fewest_wordings(outcomes: Outcomes, wording: IntArray) -> int:
    deployment = outcomes.paired.deployment
    return min(np.unique(wording[deployment]).size, np.unique(wording[~deployment]).size)


def _sum_of_squares(influence: FloatArray, group: IntArray) -> float:
    return float(np.sum(np.bincount(group, weights=influence) ** 2))
