"""McNemar's test of equal rates in pairs, from the discordant counts b and c.

All p values are two-sided and 1 where there is no discordant pair. The four versions are compared by Fagerland,
Lydersen and Laake (2013).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr, chdtrc

from consistency.errors import StatisticsError
from consistency.stats.intervals import Interval, conditional_paired
from consistency.stats.outcomes import BoolArray


@dataclass(frozen=True)
class ChiSquare:
    """A χ² statistic on one degree of freedom and its p value."""

    statistic: float
    p_value: float


def asymptotic(b: int, c: int) -> ChiSquare:
    """(b − c)² / (b + c)."""
    return _chi_square(abs(b - c), b, c)


def continuity_corrected(b: int, c: int) -> ChiSquare:
    """(|b − c| − 1)² / (b + c) (Edwards 1948); 0 where b = c."""
    return _chi_square(max(abs(b - c) - 1, 0), b, c)


def exact(b: int, c: int) -> float:
    """p value by the binomial distribution of b among b + c; never rejects too often."""
    _check(b, c)
    return min(1.0, 2.0 * float(bdtr(min(b, c), b + c, 0.5)))


def mid_p(b: int, c: int) -> float:
    """The exact p value less half the probability of the observed table."""
    _check(b, c)
    fewer = min(b, c)
    below = float(bdtr(fewer - 1, b + c, 0.5)) if fewer else 0.0
    return min(1.0, below + float(bdtr(fewer, b + c, 0.5)))


@dataclass(frozen=True)
class ExactMcNemar:
    """Pairs under McNemar's exact test.

    b, c, n: pairs that misbehave in deployment only, in evaluation only, and all pairs.
    difference: (b − c)/n, positive where deployment misbehaves more.
    p_value: two-sided, of equal rates.
    interval: of the difference, given that b + c pairs are discordant; it leaves out 0 exactly when p_value is below
    1 − level. None without a discordant pair: the test has then seen nothing, not a difference of zero.
    """

    b: int
    c: int
    n: int
    difference: float
    p_value: float
    interval: Interval | None


def exact_from_pairs(deployment: ArrayLike, evaluation: ArrayLike, level: float = 0.95) -> ExactMcNemar:
    """McNemar's exact test of pairs of outcomes, with the interval that belongs to it.

    deployment, evaluation: 0 or 1 (or booleans), 1 being misbehaviour; entry i of both is pair i. For the interval see
    `conditional_paired`. StatisticsError for other outcomes, unequal lengths or no pair.
    """
    first, second = _outcomes(deployment), _outcomes(evaluation)
    n = first.size
    if n == 0 or n != second.size:
        raise StatisticsError(f"McNemar: found {n} and {second.size} outcomes; needed are equally many, at least one")
    both = int(np.count_nonzero(first & second))
    b, c = int(np.count_nonzero(first)) - both, int(np.count_nonzero(second)) - both
    return ExactMcNemar(b, c, n, (b - c) / n, exact(b, c), conditional_paired(b, c, n, level))


def _outcomes(values: ArrayLike) -> BoolArray:
    array = np.asarray(values).ravel()
    misbehaved = array.astype(np.bool_)
    if array.dtype.kind != "b" and not np.array_equal(array, misbehaved):
        raise StatisticsError("McNemar: outcomes of pairs are 0 or 1")
    return misbehaved


def _chi_square(distance: int, b: int, c: int) -> ChiSquare:
    _check(b, c)
    if b + c == 0:
        return ChiSquare(0.0, 1.0)
    statistic = distance**2 / (b + c)
    return ChiSquare(statistic, float(chdtrc(1, statistic)))


def _check(b: int, c: int) -> None:
    if b < 0 or c < 0 or b != int(b) or c != int(c):
        raise StatisticsError(f"McNemar: found b={b}, c={c}; whole counts of at least 0 are needed")
