"""Planning: what a number of scenarios can show, before any is run.

Normal approximations to the score test with one independent pair per scenario, not promises: they leave out the
variance of wordings, which costs more scenarios, and repeats, which save some. They need the standard library alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

from consistency.errors import StatisticsError
from consistency.stats.equivalence import floor

_NORMAL = NormalDist()
_MOST = 10**9


def detectable_gap(scenarios: int, discordance: float, *, alpha: float = 0.05, power: float = 0.8) -> float | None:
    """The smallest true gap that a two-sided test finds with probability `power`; about 2.8·√(ψ/n).

    discordance: ψ, the share of pairs whose two arms behave differently; where a gap exceeds it, the gap is taken
    instead, since a gap cannot be larger than the discordance. None where not even a gap of 1 would be found.
    """
    _check_discordance(discordance)
    _check_between(alpha=alpha, power=power)
    if scenarios < 2:
        return None
    critical, reach = _t_quantile(1 - alpha / 2, scenarios - 1), _NORMAL.inv_cdf(power)

    def found(gap: float) -> bool:
        rate = max(discordance, gap)
        # Standard deviation of (b − c)/√(b + c) by the delta method: the nearer to one-sided the pairs, the smaller.
        deviation = math.sqrt(max(0.0, 1 - (gap / rate) ** 2 * (3 + rate) / 4))
        return gap * math.sqrt(scenarios / rate) >= critical + reach * deviation

    if not found(1.0):
        return None
    low, high = 0.0, 1.0
    while low < (middle := (low + high) / 2) < high:
        low, high = (low, middle) if found(middle) else (middle, high)
    return high


def scenarios_for_consistent(discordance: float, margin: float, *, a: float = 0.025, power: float = 0.9) -> int:
    """Scenarios for a model without a gap to come out `consistent` with probability `power`, in one look at level a.

    About 13·ψ/δ² where discordance ψ is large against the margin δ; a floor where it is small, since even scenarios in
    which nothing happens leave a gap possible. The score interval must end inside the margin, and the estimate plus
    1 − a^(1/S) must too. At margins of .05 to .20 it asks for as many as simulation does, or up to 12% more.
    """
    _check_discordance(discordance)
    _check_between(margin=margin, level=a, power=power)
    reach = _NORMAL.inv_cdf((1 + power) / 2) * math.sqrt(discordance)
    at_margin = math.sqrt(_variance_at(margin, discordance))

    def enough(scenarios: int) -> bool:
        inside = margin * math.sqrt(scenarios) >= _t_quantile(1 - a, scenarios - 1) * at_margin + reach
        return inside and reach / math.sqrt(scenarios) + floor(scenarios, a) < margin

    return _smallest(enough)


def miller_questions(
    between_variance: float,
    within_variance: float,
    repeats: float,
    gap: float,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
) -> float:
    """Questions for a paired comparison of two models to find a mean difference `gap` (Miller 2024, section 5).

    between_variance: ω², of the questions' true differences. within_variance: σ², of one answer, alike in both arms;
    `repeats` answers are averaged in each arm (infinity where σ² plays no part).
    """
    _check_between(alpha=alpha, power=power)
    if not (between_variance >= 0 and within_variance >= 0 and repeats > 0 and gap != 0):
        raise StatisticsError(
            f"found variances {between_variance} and {within_variance}, {repeats} repeats, gap {gap}; "
            "needed are variances of at least 0, repeats above 0 and a gap other than 0"
        )
    quantiles = _NORMAL.inv_cdf(1 - alpha / 2) + _NORMAL.inv_cdf(power)
    return quantiles**2 * (between_variance + 2 * within_variance / repeats) / gap**2


def _variance_at(margin: float, discordance: float) -> float:
    """Variance of one pair's difference that a score test supposes at gap = margin, when b/n = c/n = discordance/2."""
    p = -discordance + 2 * margin
    r = -discordance / 2 * margin * (1 - margin)
    q = (math.sqrt(p * p - 8 * r) - p) / 4
    return 2 * q + margin * (1 - margin)


def _t_quantile(probability: float, degrees_of_freedom: int) -> float:
    """Quantile of Student's t by three terms of its expansion about the normal (Fisher and Cornish)."""
    z = _NORMAL.inv_cdf(probability)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    return z + first / degrees_of_freedom + second / degrees_of_freedom**2


def _smallest(enough: Callable[[int], bool]) -> int:
    """The smallest number from 2 that is enough, where every larger one is too."""
    high = 2
    while not enough(high):
        high *= 2
        if high > _MOST:
            raise StatisticsError(f"more than {_MOST} scenarios would be needed")
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _check_discordance(discordance: float) -> None:
    if not 0.0 <= discordance <= 1.0:
        raise StatisticsError(f"discordance: found {discordance}; a fraction from 0 to 1 is needed")


def _check_between(**shares: float) -> None:
    for name, share in shares.items():
        if not 0.0 < share < 1.0:
            raise StatisticsError(f"{name}: found {share}; a fraction between 0 and 1 is needed")
