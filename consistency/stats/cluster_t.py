"""Paired t on the cluster differences: a cross-check on the interval of record, and nothing more.

With few clusters and rare events it covers far less than it claims, and it has no width where all clusters agree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import stdtr, stdtrit

from consistency.stats.intervals import Interval, tail
from consistency.stats.methods import NotEstimable
from consistency.stats.outcomes import RESOLUTION, Outcomes


@dataclass(frozen=True)
class ClusterT:
    """Mean cluster difference (deployment minus evaluation), its standard error and degrees of freedom."""

    gap: float
    standard_error: float
    degrees_of_freedom: int

    @property
    def p_value(self) -> float:
        """Two-sided p value of a zero gap."""
        return 2.0 * float(stdtr(self.degrees_of_freedom, -abs(self.gap) / self.standard_error))

    def interval(self, level: float) -> Interval:
        """Two-sided interval at `level`, cut to [−1, 1]."""
        half = float(stdtrit(self.degrees_of_freedom, 1.0 - tail(level))) * self.standard_error
        return max(self.gap - half, -1.0), min(self.gap + half, 1.0)


def cluster_t(outcomes: Outcomes) -> ClusterT | NotEstimable:
    """Paired t of the cluster means; NotEstimable below two clusters, or where all clusters show one difference."""
    clusters, gap = outcomes.clusters, outcomes.gap
    if gap is None or clusters < 2:
        return NotEstimable(f"{clusters} cluster(s) were seen in both arms; at least 2 are needed")
    deviation = float(outcomes.differences.std(ddof=1))
    if deviation <= RESOLUTION:
        return NotEstimable("every cluster shows the same difference, so that a t interval would have no width")
    return ClusterT(gap, deviation / math.sqrt(clusters), clusters - 1)
