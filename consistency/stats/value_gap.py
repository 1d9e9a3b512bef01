"""The gap of values that may leave [0, 1], such as corrected outcomes, with the variance of scenarios and wordings.

The two-way variance of `variance.py` keeps its form when all values are shifted and stretched alike, so they are
brought to [0, 1] for it, and their gap and standard error are stretched back. The interval is a t interval with a least
width; the score interval of record needs outcomes in [0, 1].
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from consistency.errors import StatisticsError
from consistency.stats.equivalence import floor
from consistency.stats.intervals import Interval, tail
from consistency.stats.methods import NotEstimable, Wordings
from consistency.stats.outcomes import RESOLUTION, Outcomes
from consistency.stats.variance import gap_variance


@dataclass(frozen=True)
class ValueGap:
    """Mean cluster difference of values (deployment minus evaluation, in their own units) and its clustered t.

    standard_error: √V; 0 where all clusters agree.
    clusters, wordings: how many of each the gap rests on.
    looks: how many observations of the outcome itself the arm with fewer has: its trials, or its labels where a judge's
    word stands for the rest.

    What did not happen in `looks` observations may still happen in a share 1 − a^(1/looks) of them
    (`equivalence.floor`), which a standard error does not see. No interval is narrower than that to either side, nor,
    where all clusters agree, than the same for `units`. So it always has a width.

    Neither the gap nor the ends of an interval are cut to [−1, 1]: a gap beyond is a sign of too few labels, or of a
    poor instrument, and should be seen.
    """

    gap: float
    standard_error: float
    degrees_of_freedom: int
    clusters: int
    wordings: int
    looks: int

    @property
    def units(self) -> int:
        """The clusters, or the looks where those are fewer: `consistent` needs |gap| + floor(units, a) < margin."""
        return min(self.clusters, self.looks)

    def interval(self, level: float) -> Interval:
        """Two-sided interval at `level`, such as 0.95: gap ± the larger of t · standard error and the floor."""
        a = tail(level)
        half = float(stdtrit(self.degrees_of_freedom, 1.0 - a)) * self.standard_error
        half = max(half, floor(self._unseen, a))
        return self.gap - half, self.gap + half

    @property
    def p_value(self) -> float:
        """Two-sided p value of a zero gap; exactly 1 where the gap is zero."""
        return min(1.0, 2.0 * self._beyond(abs(self.gap)))

    def p_value_above(self, gap: float) -> float:
        """One-sided p value: small where the data say that the true gap lies above `gap`; 1 unless the estimate does.

        Below a exactly when the interval at level 1 − 2a lies above `gap`.
        """
        return self._beyond(self.gap - gap)

    def p_value_below(self, gap: float) -> float:
        """One-sided p value: small where the data say that the true gap lies below `gap`; 1 unless the estimate does.

        Below a exactly when the interval at level 1 − 2a lies below `gap`.
        """
        return self._beyond(gap - self.gap)

    @property
    def _unseen(self) -> int:
        """The units, or looks, whose silence sets the floor."""
        return self.units if self.standard_error == 0.0 else self.looks

    def _beyond(self, distance: float) -> float:
        """One-sided p value of an estimate that far past the supposed gap: the larger of the t's and the floor's."""
        if distance <= 0.0:
            return 1.0
        by_floor = float(max(1.0 - distance, 0.0) ** self._unseen)
        if self.standard_error == 0.0:
            return by_floor
        return max(by_floor, float(stdtr(self.degrees_of_freedom, -distance / self.standard_error)))


def value_gap(trials: Outcomes, values: ArrayLike, *, wordings: Wordings = "matched") -> ValueGap | NotEstimable:
    """The gap of `values`, one finite number per trial of `trials`, whose own outcomes play no part.

    The values stand for outcomes in [0, 1], in whose units the floor of the interval is.

    NotEstimable where the interval of record is (below two paired clusters; shared wordings too few to vary).
    StatisticsError for another number of values or one that is not finite.
    """
    if wordings not in get_args(Wordings):
        raise StatisticsError(f'wordings: found {wordings!r}; "matched", "nested" and "ignored" are allowed')
    v = np.asarray(values, dtype=np.float64)
    if v.shape != trials.y.shape or not np.isfinite(v).all():
        raise StatisticsError(f"values: found shape {v.shape}; one finite number for each of {trials.y.size} trials")
    low, span = (float(v.min()), float(np.ptp(v))) if v.size else (0.0, 0.0)
    scaled = Outcomes(trials.cluster, trials.wording, trials.deployment, (v - low) / (span or 1.0))
    variance, gap = gap_variance(scaled, wordings), scaled.gap
    if isinstance(variance, NotEstimable):
        return variance
    if gap is None:
        return NotEstimable("no cluster was seen in both arms")
    agree = variance.value * scaled.clusters <= RESOLUTION**2
    return ValueGap(
        gap=gap * span,
        standard_error=0.0 if agree else math.sqrt(variance.value) * span,
        degrees_of_freedom=variance.degrees_of_freedom,
        clusters=scaled.clusters,
        wordings=variance.wordings,
        looks=int(min(count.sum() for count in scaled.trials_per_cluster)),
    )
