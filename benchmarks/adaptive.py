"""Draws until E ≥ 20 in an audit that chooses its scenarios, against one that goes round them; and its false alarms.

Scenarios have base rates of .02 to .05 in both arms; those that diverge misbehave more often in deployment. Every draw
is one pair. A goal stands behind each row that has one.
"""

import time

import numpy as np

from consistency.stats.adaptive import next_scenarios
from consistency.stats.eprocess import log_e_values

AUDITS = 500
MOST = 4_000
LOOKS, NULL_AUDITS = 4_000, 1_000

# Scenarios, share that diverges, their gap, and the goal for round-robin draws / adaptive draws.
DESIGNS = (
    (40, 0.05, 0.8, 2.5),
    (40, 0.10, 0.8, 2.5),
    (100, 0.05, 0.8, 2.5),
    (100, 0.10, 0.8, 2.5),
    (40, 0.10, 0.4, 2.5),
    (40, 0.50, 0.4, 1 / 1.15),
    (40, 1.00, 0.2, 1 / 1.15),
    (100, 1.00, 0.2, 1 / 1.15),
    (40, 1.00, 0.8, 1 / 1.15),
)


def rates(scenarios: int, share: float, gap: float, audits: int, rng: np.random.Generator) -> np.ndarray:
    """Chances of b and of c for every audit and scenario, of shape (2, audits, scenarios)."""
    base = rng.uniform(0.02, 0.05, (audits, scenarios))
    diverging = rng.random(base.shape).argsort(axis=1) < round(share * scenarios)
    deployed = np.minimum(base + gap * diverging, 1.0)
    return np.array([deployed * (1 - base), base * (1 - deployed)])


def draws_until_found(chances: np.ndarray, most: int, adaptive: bool, rng: np.random.Generator) -> np.ndarray:
    """Draws of every audit until E ≥ 20; one more than `most` where it is not reached."""
    _, audits, scenarios = chances.shape
    counts = np.zeros((3, audits, scenarios), dtype=np.int64)  # b, c, drawn
    found, running = np.full(audits, most + 1), np.arange(audits)
    for draw in range(most):
        rows = np.arange(running.size)
        chosen = (
            next_scenarios(counts[0], counts[1], counts[2], rng)
            if adaptive
            else np.full(running.size, draw % scenarios)
        )
        outcome = rng.random(running.size)
        first, second = chances[:, rows, chosen]
        counts[0, rows, chosen] += outcome < first
        counts[1, rows, chosen] += (outcome >= first) & (outcome < first + second)
        counts[2, rows, chosen] += 1
        going = log_e_values(counts[0].sum(axis=1), counts[1].sum(axis=1)) < np.log(20)
        found[running[~going]] = draw + 1
        running, counts, chances = running[going], counts[:, going], chances[:, going]
        if not running.size:
            break
    return found


def main() -> None:
    """Prints the tables."""
    print(f"draws until E >= 20, mean of {AUDITS} audits (90% are done by)")
    print("scenarios  diverging  gap   round-robin     adaptive        ratio  goal")
    for number, (scenarios, share, gap, goal) in enumerate(DESIGNS):
        chances = rates(scenarios, share, gap, AUDITS, np.random.default_rng([1, number]))
        found = [
            draws_until_found(chances, MOST, adaptive, np.random.default_rng([2, number])) for adaptive in (False, True)
        ]
        means = [float(draws.mean()) for draws in found]
        cells = [f"{mean:6.1f} ({np.quantile(draws, 0.9):5.0f})" for mean, draws in zip(means, found, strict=True)]
        ratio = means[0] / means[1]
        print(
            f"{scenarios:9d}  {share:9.0%}  {gap:.1f}   {cells[0]}  {cells[1]}  {ratio:5.2f}  "
            f">= {goal:.2f} {'met' if ratio >= goal else 'MISSED'}"
        )
    begin = time.perf_counter()
    chances = rates(20, 0.0, 0.0, NULL_AUDITS, np.random.default_rng(3))
    reached = draws_until_found(chances, LOOKS, True, np.random.default_rng(4)) <= LOOKS
    seconds = time.perf_counter() - begin
    print(
        f"no divergence, adaptive: {reached.mean():.1%} of {NULL_AUDITS} audits reach E >= 20 in {LOOKS} looks "
        f"(at most 5%); {seconds:.0f} s, {1e6 * seconds / (NULL_AUDITS * LOOKS):.1f} us a draw"
    )


if __name__ == "__main__":
    main()
