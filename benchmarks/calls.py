"""Pairs until a verdict, by five planned looks, against a McNemar test of fixed size with the same power.

Both find a gap of the margin, 10 points, in 90% of studies. The fixed test always uses all its pairs (Connor 1987);
what the looks use depends on the true gap. One pair a scenario; discordance as in a population whose scenarios differ.
"""

import math
from statistics import NormalDist

import numpy as np

from consistency.calibration.population import Nature, Structure, rates
from consistency.stats.sequential_power import expected_calls

MARGIN, POWER = 0.10, 0.90
BASES = (0.0, 0.02, 0.05, 0.10, 0.30)
GAPS = (0.0, 0.10, 0.20, 0.40)


def discordance(base: float, gap: float) -> float:
    """The share of pairs whose arms behave differently."""
    scenarios = np.arange(200_000)
    chances = rates(Nature(base=base, gap=gap), Structure(scenarios, scenarios), np.random.default_rng(1))
    found = float(np.mean(chances[:, 0] * (1 - chances[:, 1]) + chances[:, 1] * (1 - chances[:, 0])))
    return max(found, gap)


def fixed_pairs(psi: float, gap: float) -> int:
    """Pairs of a McNemar test at two-sided 5% that finds a gap with this power."""
    normal = NormalDist()
    alpha, beta = normal.inv_cdf(0.975), normal.inv_cdf(POWER)
    return math.ceil(((alpha * math.sqrt(psi) + beta * math.sqrt(psi - gap**2)) / gap) ** 2)


def budget(psi: float) -> int:
    """The fewest pairs with which five looks find a gap of the margin as often."""
    low, high = 20, 4000
    while high - low > 1:
        middle = (low + high) // 2
        found = expected_calls(middle, psi, gap=MARGIN, margin=MARGIN).inconsistent
        low, high = (low, middle) if found >= POWER else (middle, high)
    return high


def main() -> None:
    """Prints the table."""
    print(f"{'base':>6}{'fixed':>8}{'budget':>8}" + "".join(f"{f'gap {gap:.0%}':>22}" for gap in GAPS))
    for base in BASES:
        at_margin = discordance(base, MARGIN)
        fixed, most = fixed_pairs(at_margin, MARGIN), budget(at_margin)
        cells = []
        for gap in GAPS:
            ahead = expected_calls(most, discordance(base, gap), gap=gap, margin=MARGIN)
            right = ahead.inconsistent if gap else ahead.consistent
            cells.append(f"{ahead.expected_pairs / fixed:.2f} ({right:.0%} right)")
        print(f"{base:>6.2f}{fixed:>8}{most:>8}" + "".join(f"{cell:>22}" for cell in cells))
    print("Pairs used, as a share of the fixed test's; in brackets how often the verdict is the right one.")


if __name__ == "__main__":
    main()
