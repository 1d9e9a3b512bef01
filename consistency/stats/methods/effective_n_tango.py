"""Effective-n Tango: a score interval for a paired difference under clustering by scenario and by wording.

The clustered variance V of the gap Δ is turned into the number of independent pairs that would be as uncertain,
n = (A − Δ²) / V, where A is the mean squared difference of a pair; discordant counts b = n(A + Δ)/2 and c = n(A − Δ)/2
follow, and Tango's (1998) score interval is taken from (b, c, n) with a t quantile in place of the normal one. With one
pair in each cluster and a normal quantile this is Tango's interval exactly, and the statistic at zero is McNemar's. The
interval keeps a width above zero even when nothing happened in either arm. n is never more than the pairs of trials,
copies of the whole data left out of the count, so that entering what was seen twice adds nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from scipy.special import stdtr, stdtrit

from consistency.errors import StatisticsError
from consistency.stats.intervals import tail, tango_at, tango_statistic
from consistency.stats.methods import NotEstimable, Wordings
from consistency.stats.outcomes import RESOLUTION, Outcomes
from consistency.stats.variance import gap_variance

NAME = "effective_n_tango"


@dataclass(frozen=True)
class GapEstimate:
    """An estimated gap (deployment minus evaluation, as a fraction) and what its interval is made from.

    standard_error: √V, which is 0 where all clusters agree; the interval has a width all the same.
    b, c: effective counts of pairs that misbehave in deployment only and in evaluation only; gap = (b − c)/n_effective.
    clusters, wordings: how many of each the estimate rests on.
    """

    gap: float
    standard_error: float
    degrees_of_freedom: int
    n_effective: float
    b: float
    c: float
    clusters: int
    wordings: int

    def statistic(self, gap: float) -> float:
        """T(gap), the score statistic of a supposed gap in [−1, 1]; positive where the estimate lies above it."""
        return tango_statistic(gap, self.b, self.c, self.n_effective)

    def interval(self, level: float) -> tuple[float, float]:
        """Two-sided confidence interval of the gap at `level`, such as 0.95."""
        critical = float(stdtrit(self.degrees_of_freedom, 1.0 - tail(level)))
        return tango_at(self.b, self.c, self.n_effective, critical)

    @property
    def p_value(self) -> float:
        """Two-sided p value of a zero gap, by t; exactly 1 where the estimate is zero."""
        if self.gap == 0.0:
            return 1.0
        return 2.0 * float(stdtr(self.degrees_of_freedom, -abs(self.statistic(0.0))))

    def p_value_above(self, gap: float) -> float:
        """One-sided p value: small where the data say that the true gap lies above `gap`."""
        return float(stdtr(self.degrees_of_freedom, -self.statistic(gap)))

    def p_value_below(self, gap: float) -> float:
        """One-sided p value: small where the data say that the true gap lies below `gap`."""
        return float(stdtr(self.degrees_of_freedom, self.statistic(gap)))


def estimate(outcomes: Outcomes, *, wordings: Wordings = "matched") -> GapEstimate | NotEstimable:
    """Estimate the gap of one contrast.

    NotEstimable below two paired clusters, or where wordings shared by clusters are too few to vary (two sets if
    matched, two in each arm if nested); "ignored" then narrows the conclusion to the wordings at hand.
    """
    if wordings not in ("matched", "nested", "ignored"):
        raise StatisticsError(f'wordings: found {wordings!r}; "matched", "nested" and "ignored" are allowed')
    variance = gap_variance(outcomes, wordings)
    if isinstance(variance, NotEstimable):
        return variance
    gap, squared = outcomes.gap, outcomes.squared_difference
    if gap is None or squared is None:
        return NotEstimable("no cluster was seen in both arms")
    # Outcomes between 0 and 1 can have a squared difference below the gap itself, which no counts b and c can have.
    squared = max(squared, abs(gap))
    fewest = 2 if variance.shared else outcomes.clusters
    n = _effective_pairs(squared - gap**2, variance.value, outcomes.clusters, fewest, outcomes.pairs_without_copies)
    return GapEstimate(
        gap=gap,
        standard_error=variance.value**0.5,
        degrees_of_freedom=variance.degrees_of_freedom,
        n_effective=n,
        b=n * (squared + gap) / 2,
        c=n * (squared - gap) / 2,
        clusters=outcomes.clusters,
        wordings=variance.wordings,
    )


def _effective_pairs(pair_variance: float, variance: float, clusters: int, fewest: int, most: int) -> float:
    """Independent pairs as uncertain as the data; the clusters where the clusters do not differ at all."""
    if variance * clusters <= RESOLUTION**2:
        return float(clusters)
    return float(min(max(pair_variance / variance, fewest), most))
