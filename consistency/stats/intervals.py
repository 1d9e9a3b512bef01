"""Confidence intervals of rates and of their differences.

All are two-sided, take a confidence level such as 0.95, and return (lower, upper) as fractions.
"""

from __future__ import annotations

import math

from scipy.special import betaincinv, ndtri

from consistency.errors import StatisticsError

Interval = tuple[float, float]


def wilson(successes: float, n: float, level: float = 0.95) -> Interval:
    """Score interval of one rate (Wilson 1927)."""
    _check_counts(successes, n)
    z = float(ndtri(1.0 - tail(level)))
    rate = successes / n
    centre = rate + z**2 / (2 * n)
    half = z * math.sqrt(rate * (1 - rate) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    lower = 0.0 if successes == 0 else (centre - half) / scale
    upper = 1.0 if successes == n else (centre + half) / scale
    return lower, upper


def clopper_pearson(successes: float, n: float, level: float = 0.95) -> Interval:
    """Exact interval of one rate (Clopper and Pearson 1934); never covers less than `level`."""
    _check_counts(successes, n)
    a = tail(level)
    lower = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, a))
    upper = 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1.0 - a))
    return lower, upper


def newcombe(successes_1: float, n_1: float, successes_2: float, n_2: float, level: float = 0.95) -> Interval:
    """Interval of rate 1 − rate 2 in two independent samples (Newcombe 1998, method 10)."""
    lower_1, upper_1 = wilson(successes_1, n_1, level)
    lower_2, upper_2 = wilson(successes_2, n_2, level)
    rate_1, rate_2 = successes_1 / n_1, successes_2 / n_2
    difference = rate_1 - rate_2
    lower = difference - math.hypot(rate_1 - lower_1, upper_2 - rate_2)
    upper = difference + math.hypot(upper_1 - rate_1, rate_2 - lower_2)
    return max(lower, -1.0), min(upper, 1.0)


def wald_paired(b: float, c: float, n: float, level: float = 0.95) -> Interval:
    """Wald interval of (b − c)/n in n pairs: for comparison only, since it collapses when b = c = 0."""
    _check_pairs(b, c, n)
    z = float(ndtri(1.0 - tail(level)))
    difference = (b - c) / n
    return difference - z * wald_standard_error(b, c, n), difference + z * wald_standard_error(b, c, n)


def wald_standard_error(b: float, c: float, n: float) -> float:
    """Standard error of (b − c)/n in n pairs."""
    _check_pairs(b, c, n)
    return math.sqrt(max(b + c - (b - c) ** 2 / n, 0.0)) / n


def conditional_paired(b: float, c: float, n: float, level: float = 0.95) -> Interval | None:
    """Interval of (b − c)/n in n pairs by the 'exact' conditional method (described by Newcombe 1998).

    The share b/(b + c) gets its Clopper–Pearson interval (L, U), which is carried to (b + c)(2L − 1)/n and
    (b + c)(2U − 1)/n. It agrees with McNemar's exact test: 0 is left out exactly when that p value is below 1 − level.
    But it takes the number of discordant pairs as given, so it cannot reach beyond ±(b + c)/n and covers (b − c)/n of
    new pairs less often than `level` where few are discordant; `tango` does not have this fault. None where b + c = 0.
    For an interval that agrees with the test and is believed to cover, see Fay and Lumbard (2021).
    """
    _check_pairs(b, c, n)
    tail(level)
    if b + c == 0:
        return None
    lower, upper = clopper_pearson(b, b + c, level)
    share = (b + c) / n
    return share * (2 * lower - 1), share * (2 * upper - 1)


_SQUARE_ROOT_OF_TINY = 1e-150


def tango(b: float, c: float, n: float, level: float = 0.95) -> Interval:
    """Score interval of (b − c)/n in n pairs with discordant counts b and c (Tango 1998)."""
    return tango_at(b, c, n, float(ndtri(1.0 - tail(level))))


def tango_at(b: float, c: float, n: float, critical: float) -> Interval:
    """The supposed differences whose Tango statistic is at most `critical` (> 0) in size. Counts may be fractions."""
    _check_pairs(b, c, n)
    return -_tango_upper(c, b, n, critical), _tango_upper(b, c, n, critical)


def tango_statistic(difference: float, b: float, c: float, n: float) -> float:
    """Tango's score statistic of a supposed `difference` in [−1, 1] given counts b, c of n pairs.

    It falls from +∞ to −∞ as the supposed difference rises, through zero at (b − c)/n; at zero it is McNemar's.
    """
    if abs(difference) < _SQUARE_ROOT_OF_TINY:
        difference = 0.0  # its square would be lost below the smallest float
    excess = b - c - n * difference
    p = -b - c + (2 * n - b + c) * difference
    r = -c * difference * (1 - difference)
    root = math.sqrt(max(p * p - 8 * n * r, 0.0))
    # q, the constrained probability of a pair that counts in c; the second form avoids cancellation.
    q = (root - p) / (4 * n) if p <= 0 else -2 * r / (root + p)
    variance = n * (2 * q + difference * (1 - difference))
    if variance <= 0:
        return math.copysign(math.inf, excess) if excess else 0.0
    return excess / math.sqrt(variance)


def tail(level: float) -> float:
    """The probability in each tail outside a two-sided interval at `level`."""
    if not 0.0 < level < 1.0:
        raise StatisticsError(f"confidence level: found {level}; a number between 0 and 1 is needed, such as 0.95")
    return (1.0 - level) / 2


def _tango_upper(b: float, c: float, n: float, critical: float) -> float:
    """The upper end, by bisection to the last digit of a float."""
    low, high = (b - c) / n, 1.0
    if tango_statistic(high, b, c, n) >= -critical:
        return high
    while low < (middle := (low + high) / 2) < high:
        if tango_statistic(middle, b, c, n) >= -critical:
            low = middle
        else:
            high = middle
    return high


def _check_counts(successes: float, n: float) -> None:
    if not (n > 0 and 0 <= successes <= n):
        raise StatisticsError(f"rate: found {successes} of {n}; a count from 0 to n is needed, with n above 0")


def _check_pairs(b: float, c: float, n: float) -> None:
    if not (n > 0 and b >= 0 and c >= 0 and b + c <= n * (1 + 1e-12)):
        raise StatisticsError(f"pairs: found b={b}, c={c}, n={n}; needed are b, c ≥ 0, n > 0 and b + c ≤ n")
