"""Wild cluster bootstrap-t of the mean cluster difference (Cameron, Gelbach and Miller 2008).

A cross-check on the clustered t. Every bootstrap sample keeps or turns, with a Rademacher weight w_s = ±1, the whole
residual of each cluster: at a supposed gap x, d*_s = x + w_s (d_s − x) (the null imposed), and its t is compared with
the observed one. The interval is the set of gaps not rejected so. For a plain mean the studentising divisors fall out,
since Σ(d*_s − x)² is the same in every sample: |t*| ≥ |t| exactly when |Σ w_s (d_s − x)| ≥ |Σ (d_s − x)|. At x = 0 the
p value is therefore that of the sign-flip test; the interval is what this module adds. It treats clusters as
independent, and wordings that they share as given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from consistency.errors import StatisticsError
from consistency.stats.intervals import Interval, tail
from consistency.stats.methods import NotEstimable
from consistency.stats.outcomes import RESOLUTION, FloatArray, Outcomes
from consistency.stats.signflip import all_sums

ENUMERABLE = 14
"""With at most this many clusters every choice of weights is tried."""

_BLOCK = 1 << 20  # weights drawn at once


@dataclass(frozen=True, eq=False)
class WildBootstrap:
    """The gap (deployment minus evaluation) and, from every bootstrap sample, the gaps it does not reject.

    not_above, not_below: for every sample, the largest and smallest supposed gap at which its t is at least as far from
    zero as the observed one; infinite where all clusters were kept or all turned. exact: every choice was tried.
    """

    gap: float
    p_value: float
    not_above: FloatArray
    not_below: FloatArray
    exact: bool

    def interval(self, level: float) -> Interval:
        """Two-sided interval at `level`, cut to [−1, 1]: it leaves out 0 exactly when p ≤ 1 − level."""
        alpha = 2.0 * tail(level)
        # Rejected are the gaps beyond all but a share α of the samples; the tiny term undoes the rounding of 1 − level.
        rejecting = int(alpha * self.not_above.size * (1.0 + 1e-9))
        upper = float(np.sort(self.not_above)[self.not_above.size - 1 - rejecting])
        lower = float(np.sort(self.not_below)[rejecting])
        return max(lower, -1.0), min(upper, 1.0)


def wild_bootstrap(
    outcomes: Outcomes, *, rng: np.random.Generator | None = None, draws: int = 9_999
) -> WildBootstrap | NotEstimable:
    """Bootstrap the mean cluster difference.

    Beyond 14 clusters `draws` samples come from `rng`, and the observed one counts as a further one; StatisticsError
    without `rng`. NotEstimable below two clusters, or where all clusters show one difference, which has no spread to
    resample.
    """
    clusters, gap = outcomes.clusters, outcomes.gap
    if gap is None or clusters < 2:
        return NotEstimable(f"{clusters} cluster(s) were seen in both arms; at least 2 are needed")
    differences = outcomes.differences
    if float(np.ptp(differences)) <= RESOLUTION:
        return NotEstimable("every cluster shows the same difference, so that a bootstrap would have no width")
    exact = clusters <= ENUMERABLE
    if exact:
        weighted, weights = all_sums(differences), all_sums(np.ones(clusters))
    elif rng is None:
        raise StatisticsError(f"wild bootstrap: {clusters} clusters are too many to enumerate; pass rng")
    elif draws < 1:
        raise StatisticsError(f"wild bootstrap: found {draws} draws; at least 1 is needed")
    else:
        weighted, weights = _drawn_sums(differences, draws, rng)
    observed = float(differences.sum())
    far = np.abs(weighted) >= abs(observed) - RESOLUTION * clusters
    above, below = _turning_points(weighted, weights, observed, clusters)
    return WildBootstrap(gap, float(np.mean(far)), above, below, exact)


def _turning_points(
    weighted: FloatArray, weights: FloatArray, observed: float, clusters: int
) -> tuple[FloatArray, FloatArray]:
    """Where |Σ w (d − x)| = |Σ (d − x)|, above and below the gap; the left side is larger between the two.

    Both roots are of lines: with A = Σ w d, B = Σ w and T = Σ d, x = (T + A)/(S + B) and x = (T − A)/(S − B).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = (observed + weighted) / (clusters + weights)
        turned = (observed - weighted) / (clusters - weights)
    same = np.abs(weights) == clusters
    return (
        np.where(same, np.inf, np.maximum(kept, turned)),
        np.where(same, -np.inf, np.minimum(kept, turned)),
    )


def _drawn_sums(values: FloatArray, draws: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Σ w·values and Σ w for `draws` random choices of weights and the observed one, in which all are 1."""
    block = max(1, _BLOCK // values.size)
    weighted, weights = [np.array([values.sum()])], [np.array([float(values.size)])]
    for start in range(0, draws, block):
        signs = 2.0 * rng.integers(0, 2, size=(min(block, draws - start), values.size), dtype=np.int8) - 1.0
        weighted.append(signs @ values)
        weights.append(signs.sum(axis=1))
    return np.concatenate(weighted), np.concatenate(weights)
