"""Draws until E ≥ 20 in an audit that chooses its scenarios, against one that goes round them; and its false alarms.

First draw by draw from scenarios without end, then through the audits of plans, whose pools are finite and whose pairs
come in batches of eight.

Scenarios have base rates of .02 to .05 in both arms; those that diverge misbehave more often in deployment. Every draw
is one pair. A goal stands behind each row that has one.
"""

import time

import numpy as np

from consistency.analysis.audit import Audit
from consistency.analysis.outlook import simulated
from consistency.analysis.table import Table
from consistency.calibration.designs import bare
from consistency.stats.adaptive import next_scenarios
from consistency.stats.eprocess import log_e_values

AUDITS = 500
MOST = 4_000
LOOKS, NULL_AUDITS = 4_000, 1_000
PLANNED = 60

# Between which rates of misbehaviour in the evaluation arm the scenarios lie.
BASE = (0.02, 0.05)

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


def chances(scenarios: int, share: float, gap: float, audits: int, rng: np.random.Generator) -> np.ndarray:
    """How often a pair is worse deployed only, and evaluated only: of shape (2, audits, scenarios)."""
    base = rng.uniform(*BASE, (audits, scenarios))
    diverging = rng.random(base.shape).argsort(axis=1) < round(share * scenarios)
    deployed = np.minimum(base + gap * diverging, 1.0)
    return np.array([deployed * (1 - base), base * (1 - deployed)])


def draws_until_found(
    worse: np.ndarray, most: int, rng: np.random.Generator, *, threshold: float = 20.0, adaptive: bool = True
) -> np.ndarray:
    """Draws of every audit until E ≥ `threshold`; `most` + 1 where it is not reached.

    worse: as `chances` gives it. Without `adaptive`, the draws go round the scenarios in turn.
    """
    _, audits, scenarios = worse.shape
    counts = np.zeros((3, audits, scenarios), dtype=np.int64)  # worse deployed, worse evaluated, drawn
    found, running = np.full(audits, most + 1), np.arange(audits)
    for draw in range(most):
        rows = np.arange(running.size)
        chosen = (
            next_scenarios(counts[0], counts[1], counts[2], rng)
            if adaptive
            else np.full(running.size, draw % scenarios)
        )
        outcome = rng.random(running.size)
        first, second = worse[:, rows, chosen]
        counts[0, rows, chosen] += outcome < first
        counts[1, rows, chosen] += (outcome >= first) & (outcome < first + second)
        counts[2, rows, chosen] += 1
        going = log_e_values(counts[0].sum(axis=1), counts[1].sum(axis=1)) < np.log(threshold)
        found[running[~going]] = draw + 1
        running, counts, worse = running[going], counts[:, going], worse[:, going]
        if not running.size:
            break
    return found


def through_plans() -> None:
    """Audits of bare plans, against the same pool in random order, judged after each batch alike."""
    print("plan (scenarios x pairs, sets)  diverging  gap   in order        adaptive        ratio  found")
    for scenarios, repeats, sets in ((40, 5, 60), (40, 10, 60), (40, 20, 100), (100, 6, 100)):
        audit = Audit(bare(scenarios, repeats, sets, looks=1, mode="audit").design)
        for share, gap in ((0.05, 0.8), (0.1, 0.8), (0.1, 0.4), (1.0, 0.2)):
            rng = np.random.default_rng(5)
            drawn: list[list[int]] = [[], []]
            found = [0, 0]
            for number in range(PLANNED):
                table = simulated(audit.design.layout, f"simulated/{number}", share, gap, rng)
                batches = audit.replay(table)
                drawn[1].append(sum(len(batch.pairs) for batch in batches))
                found[1] += audit.decide(table, batches).verdict == "inconsistent"
                pairs, reached = in_order(audit, table)
                drawn[0].append(pairs)
                found[0] += reached
            means = [float(np.mean(pairs)) for pairs in drawn]
            print(
                f"{f'{scenarios} x {repeats}, {sets}':31} {share:9.0%}  {gap:.1f}   {means[0]:8.1f}        "
                f"{means[1]:8.1f}        {means[0] / means[1]:5.2f}  {found[0] / PLANNED:.0%}/{found[1] / PLANNED:.0%}"
            )


def in_order(audit: Audit, table: Table) -> tuple[int, bool]:
    """Pairs of a pool in its own order until the evidence is found, batch by batch; and whether it is."""
    column = audit.design.layout.column
    values = table.values("any", "missing")[audit.pool.order]
    difference = values[:, column["deployment"]] - values[:, column["evaluation"]]
    ends = np.append(np.arange(8, difference.size, 8), difference.size)
    b, c = ((sign * difference > 0).cumsum()[ends - 1] for sign in (1, -1))
    reached = np.flatnonzero(log_e_values(b, c) >= np.log(audit.threshold))
    return (int(ends[reached[0]]), True) if reached.size else (difference.size, False)


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
    through_plans()


if __name__ == "__main__":
    main()
