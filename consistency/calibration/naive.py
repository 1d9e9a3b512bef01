"""What is usually done, on the same data: to show what is gained.

Each method says whether the arms differ (p < 0.05, two-sided) and whether its 90% interval lies inside the margin.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from consistency.stats import mcnemar
from consistency.stats.cluster_t import ClusterT, cluster_t
from consistency.stats.intervals import wald_standard_error
from consistency.stats.outcomes import Outcomes

_Z90 = NormalDist().inv_cdf(0.95)


@dataclass(frozen=True)
class Said:
    """What a method says of one data set."""

    differs: bool
    inside: bool


def unpaired_z(outcomes: Outcomes, margin: float) -> Said:
    """Two proportions, as if every trial were independent and there were no pairs."""
    deployment, evaluation = (outcomes.y[outcomes.deployment == arm] for arm in (True, False))
    gap = float(deployment.mean() - evaluation.mean())
    error = math.sqrt(deployment.var() / deployment.size + evaluation.var() / evaluation.size)
    p_value = 2 * NormalDist().cdf(-abs(gap) / error) if error else 1.0
    return Said(p_value < 0.05, abs(gap) + _Z90 * error < margin)


def mcnemar_test(outcomes: Outcomes, margin: float) -> Said:
    """McNemar's test of all pairs of trials, as if they were independent; Wald's interval."""
    b, c, n = discordant(outcomes)
    error = wald_standard_error(b, c, n)
    return Said(mcnemar.mid_p(b, c) < 0.05, abs(b - c) / n + _Z90 * error < margin)


def paired_t(outcomes: Outcomes, margin: float) -> Said:
    """Student's t of the scenarios' differences: clustered, but blind to wordings and without a floor."""
    found = cluster_t(outcomes)
    if not isinstance(found, ClusterT):  # all scenarios alike: an interval without width, at their difference
        gap = outcomes.gap or 0.0
        return Said(gap != 0.0, abs(gap) < margin)
    low, high = found.interval(0.90)
    return Said(found.p_value < 0.05, -margin < low and high < margin)


METHODS: dict[str, Callable[[Outcomes, float], Said]] = {
    "unpaired z": unpaired_z,
    "McNemar": mcnemar_test,
    "paired t": paired_t,
}


def discordant(outcomes: Outcomes) -> tuple[int, int, int]:
    """Pairs worse in deployment only, in evaluation only, and all. Trials come pair by pair, in the same order in both
    arms; where trials are missing, the longer arm is cut.
    """
    evaluation, deployment = outcomes.y[~outcomes.deployment], outcomes.y[outcomes.deployment]
    n = min(evaluation.size, deployment.size)
    difference = deployment[:n] - evaluation[:n]
    return int(np.count_nonzero(difference > 0)), int(np.count_nonzero(difference < 0)), n
