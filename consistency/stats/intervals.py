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


def miettinen_nurminen(successes_1: float, n_1: float, successes_2: float, n_2: float, level: float = 0.95) -> Interval:
    """Score interval of rate 1 − rate 2 in two independent samples (Miettinen and Nurminen 1985)."""
    _check_counts(successes_1, n_1)
    _check_counts(successes_2, n_2)
    critical = float(ndtri(1.0 - tail(level)))
    upper = _independent_upper(successes_1, n_1, successes_2, n_2, critical)
    return -_independent_upper(successes_2, n_2, successes_1, n_1, critical), upper


def independent_statistic(difference: float, successes_1: float, n_1: float, successes_2: float, n_2: float) -> float:
    """Miettinen and Nurminen's score statistic of a supposed difference of rate 1 − rate 2, in (−1, 1).

    Its variance is at the likeliest rates that differ by so much, times N/(N − 1); it falls as the difference rises.
    """
    excess = successes_1 / n_1 - successes_2 / n_2 - difference
    rate_2 = _likeliest_rate(difference, successes_1, n_1, successes_2, n_2)
    rate_1 = min(max(rate_2 + difference, 0.0), 1.0)
    n = n_1 + n_2
    variance = (rate_1 * (1 - rate_1) / n_1 + rate_2 * (1 - rate_2) / n_2) * n / (n - 1)
    if variance <= 0:
        return math.copysign(math.inf, excess) if excess else 0.0
    return excess / math.sqrt(variance)


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
_NEAR = 1e-13


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
    """The upper end: where the statistic falls through −critical, to the last digit of a float."""

    def above(difference: float) -> float:
        return max(
            tango_statistic(difference, b, c, n) + critical, -critical
        )  # it falls to −∞ at the edge of what can be

    low, high = (b - c) / n, 1.0
    at_low, at_high = above(low), above(high)
    if at_high >= 0:
        return high
    # False position (Illinois) brings the ends near each other; bisection then settles the last digits.
    side = 0
    while high - low > _NEAR and low < (middle := high - at_high * (high - low) / (at_high - at_low)) < high:
        found = above(middle)
        if found >= 0:
            at_high = at_high / 2 if side > 0 else at_high
            low, at_low, side = middle, found, 1
        else:
            at_low = at_low / 2 if side < 0 else at_low
            high, at_high, side = middle, found, -1
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if above(middle) >= 0 else (low, middle)
    return high


def _independent_upper(successes_1: float, n_1: float, successes_2: float, n_2: float, critical: float) -> float:
    low, high = successes_1 / n_1 - successes_2 / n_2, 1.0
    while low < (middle := (low + high) / 2) < high:
        if independent_statistic(middle, successes_1, n_1, successes_2, n_2) >= -critical:
            low = middle
        else:
            high = middle
    return high


def _likeliest_rate(difference: float, successes_1: float, n_1: float, successes_2: float, n_2: float) -> float:
    """The likeliest rate 2 when rate 1 is greater by `difference`: a root of the paper's cubic (appendix I)."""
    n, successes = n_1 + n_2, successes_1 + successes_2
    third = ((n_1 + 2 * n_2) * difference - n - successes) / (3 * n)
    first = (n_2 * difference - n - 2 * successes_2) * difference + successes
    zeroth = successes_2 * difference * (1 - difference)
    q = third**3 - first * third / (2 * n) + zeroth / (2 * n)
    p = math.copysign(math.sqrt(max(third**2 - first / (3 * n), 0.0)), q)
    cosine = min(max(q / p**3, -1.0), 1.0) if p else 0.0
    rate = 2 * p * math.cos((math.pi + math.acos(cosine)) / 3) - third
    return min(max(rate, 0.0, -difference), 1.0, 1.0 - difference)


def _check_counts(successes: float, n: float) -> None:
    if not (n > 0 and 0 <= successes <= n):
        raise StatisticsError(f"rate: found {successes} of {n}; a count from 0 to n is needed, with n above 0")


def _check_pairs(b: float, c: float, n: float) -> None:
    if not (n > 0 and b >= 0 and c >= 0 and b + c <= n * (1 + 1e-12)):
        raise StatisticsError(f"pairs: found b={b}, c={c}, n={n}; needed are b, c ≥ 0, n > 0 and b + c ≤ n")
