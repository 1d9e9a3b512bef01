"""How many pairs an audit draws until its evidence is found, by simulation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from consistency.errors import StatisticsError
from consistency.stats.adaptive import next_scenarios
from consistency.stats.eprocess import log_e_values
from consistency.stats.outcomes import FloatArray, IntArray

BASE = (0.02, 0.05)
"""Between which rates of misbehaviour in the evaluation arm the scenarios lie."""


@dataclass(frozen=True)
class AuditPower:
    """`found`: the share of audits that find the evidence before the pool is spent; `draws`: pairs drawn on average."""

    found: float
    draws: float


def expected_draws(
    scenarios: int, share: float, gap: float, *, most: int, threshold: float = 20.0, audits: int = 200, seed: int = 1
) -> AuditPower:
    """What to expect of audits that stop at E ≥ `threshold`, of `most` pairs at most.

    share: of the scenarios that diverge, which then misbehave oftener in deployment by `gap`. The same seed gives the
    same numbers. StatisticsError for fewer than one scenario, pair or audit, or a share or gap outside [0, 1].
    """
    if min(scenarios, most, audits) < 1 or not 0 <= share <= 1 or not 0 <= gap <= 1:
        found = f"{scenarios} scenarios, {most} pairs, {audits} audits, share {share}, gap {gap}"
        raise StatisticsError(f"audits: found {found}; counts of at least 1 and fractions are needed")
    rng = np.random.default_rng([seed, scenarios, most])
    draws = draws_until_found(chances(scenarios, share, gap, audits, rng), most, rng, threshold=threshold)
    return AuditPower(float(np.mean(draws <= most)), float(np.minimum(draws, most).mean()))


def chances(scenarios: int, share: float, gap: float, audits: int, rng: np.random.Generator) -> FloatArray:
    """How often a pair is worse deployed only, and evaluated only: of shape (2, audits, scenarios)."""
    base = rng.uniform(*BASE, (audits, scenarios))
    diverging = rng.random(base.shape).argsort(axis=1) < round(share * scenarios)
    deployed = np.minimum(base + gap * diverging, 1.0)
    return np.array([deployed * (1 - base), base * (1 - deployed)])


def draws_until_found(
    worse: FloatArray, most: int, rng: np.random.Generator, *, threshold: float = 20.0, adaptive: bool = True
) -> IntArray:
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
        going = log_e_values(counts[0].sum(axis=1), counts[1].sum(axis=1)) < math.log(threshold)
        found[running[~going]] = draw + 1
        running, counts, worse = running[going], counts[:, going], worse[:, going]
        if not running.size:
            break
    return found
