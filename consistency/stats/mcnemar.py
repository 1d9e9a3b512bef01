"""McNemar's test of equal rates in pairs, from the discordant counts b and c.

All p values are two-sided and 1 where there is no discordant pair. The four versions are compared by Fagerland,
Lydersen and Laake (2013).
"""

from __future__ import annotations

from dataclasses import dataclass

from scipy.special import bdtr, chdtrc

from consistency.errors import StatisticsError


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


def _chi_square(distance: int, b: int, c: int) -> ChiSquare:
    _check(b, c)
    if b + c == 0:
        return ChiSquare(0.0, 1.0)
    statistic = distance**2 / (b + c)
    return ChiSquare(statistic, float(chdtrc(1, statistic)))


def _check(b: int, c: int) -> None:
    if b < 0 or c < 0 or b != int(b) or c != int(c):
        raise StatisticsError(f"McNemar: found b={b}, c={c}; whole counts of at least 0 are needed")
