"""Distributions over categories: whether they differ, and by how much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, xlogy

from consistency.errors import StatisticsError
from consistency.stats.outcomes import FloatArray


@dataclass(frozen=True)
class GTest:
    """A likelihood-ratio statistic, its degrees of freedom and its p value."""

    statistic: float
    degrees_of_freedom: int
    p_value: float


def g_test(table: ArrayLike) -> GTest | None:
    """Likelihood-ratio test that the rows of a table of counts share one distribution over its columns.

    Counts must be of independent trials. Empty rows and columns are left out; None where fewer than two remain.
    """
    counts = _counts(table, dimensions=2)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    rows, columns = counts.shape
    if rows < 2 or columns < 2:
        return None
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True) / counts.sum()
    statistic = max(2.0 * float(xlogy(counts, counts / expected).sum()), 0.0)
    degrees = (rows - 1) * (columns - 1)
    return GTest(statistic, degrees, float(chdtrc(degrees, statistic)))


def jensen_shannon(first: ArrayLike, second: ArrayLike) -> float | None:
    """Jensen–Shannon divergence in bits, 0 to 1, of two distributions given as counts; None where either is empty.

    A description only: its expectation is above 0 between samples of one distribution.
    """
    p, q = _counts(first, dimensions=1), _counts(second, dimensions=1)
    if p.size != q.size:
        raise StatisticsError(f"categories: found {p.size} and {q.size} of them; both distributions need the same")
    if p.sum() == 0 or q.sum() == 0:
        return None
    p, q = p / p.sum(), q / q.sum()
    divergence = _entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2
    return min(max(divergence, 0.0), 1.0)


def _entropy(p: FloatArray) -> float:
    return -float(xlogy(p, p).sum()) / float(np.log(2.0))


def _counts(values: ArrayLike, dimensions: int) -> FloatArray:
    counts = np.asarray(values, dtype=np.float64)
    if counts.ndim != dimensions or not np.isfinite(counts).all() or (counts < 0).any():
        raise StatisticsError(f"categories: found {counts.tolist()}; counts in {dimensions} dimension(s) are needed")
    return counts
