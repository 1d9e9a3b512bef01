"""Draws until E ≥ 20 in an audit that chooses its scenarios, against one that goes round them; and its false alarms.

Scenarios have base rates of .02 to .05 in both arms; those that diverge misbehave more often in deployment. Every draw
is one pair. A goal stands behind each row that has one.
"""

import time

import numpy as np

from consistency.stats.audit_power import chances, draws_until_found

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


def main() -> None:
    """Prints the tables."""
    print(f"draws until E >= 20, mean of {AUDITS} audits (90% are done by)")
    print("scenarios  diverging  gap   round-robin     adaptive        ratio  goal")
    for number, (scenarios, share, gap, goal) in enumerate(DESIGNS):
        worse = chances(scenarios, share, gap, AUDITS, np.random.default_rng([1, number]))
        found = [
            draws_until_found(worse, MOST, np.random.default_rng([2, number]), adaptive=adaptive)
            for adaptive in (False, True)
        ]
        means = [float(draws.mean()) for draws in found]
        cells = [f"{mean:6.1f} ({np.quantile(draws, 0.9):5.0f})" for mean, draws in zip(means, found, strict=True)]
        ratio = means[0] / means[1]
        print(
            f"{scenarios:9d}  {share:9.0%}  {gap:.1f}   {cells[0]}  {cells[1]}  {ratio:5.2f}  "
            f">= {goal:.2f} {'met' if ratio >= goal else 'MISSED'}"
        )
    begin = time.perf_counter()
    worse = chances(20, 0.0, 0.0, NULL_AUDITS, np.random.default_rng(3))
    reached = draws_until_found(worse, LOOKS, np.random.default_rng(4)) <= LOOKS
    seconds = time.perf_counter() - begin
    print(
        f"no divergence, adaptive: {reached.mean():.1%} of {NULL_AUDITS} audits reach E >= 20 in {LOOKS} looks "
        f"(at most 5%); {seconds:.0f} s, {1e6 * seconds / (NULL_AUDITS * LOOKS):.1f} us a draw"
    )


if __name__ == "__main__":
    main()
