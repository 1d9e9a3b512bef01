"""Missing trials: whether the arms lost equally many, and what the lost ones could have changed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from consistency.errors import StatisticsError
from consistency.stats.methods import NotEstimable, Wordings
from consistency.stats.methods.effective_n_tango import GapEstimate, estimate
from consistency.stats.outcomes import Outcomes


def attrition_p_value(
    *, deployment_missing: int, deployment_trials: int, evaluation_missing: int, evaluation_trials: int
) -> float:
    """Fisher's exact two-sided p value of equal attrition in both arms (sum of the tables no likelier than this one).

    `trials` counts all trials of the arm, the missing ones included.
    """
    for arm, missing, trials in (
        ("deployment", deployment_missing, deployment_trials),
        ("evaluation", evaluation_missing, evaluation_trials),
    ):
        if not 0 <= missing <= trials:
            raise StatisticsError(f"attrition: found {missing} of {trials} {arm} trials missing; 0 to all are possible")
    missing = deployment_missing + evaluation_missing
    fewest, most = max(0, missing - evaluation_trials), min(missing, deployment_trials)
    total = _log_choose(deployment_trials + evaluation_trials, missing)
    chances = {
        k: math.exp(_log_choose(deployment_trials, k) + _log_choose(evaluation_trials, missing - k) - total)
        for k in range(fewest, most + 1)
    }
    observed = chances[deployment_missing] * (1 + 1e-7)  # tables as likely as this one differ by rounding
    return min(1.0, math.fsum(chance for chance in chances.values() if chance <= observed))


def worst_case(
    outcomes: Outcomes,
    *,
    cluster: ArrayLike,
    wording: ArrayLike,
    deployment: ArrayLike,
    wordings: Wordings = "matched",
) -> tuple[GapEstimate | NotEstimable, GapEstimate | NotEstimable]:
    """The lowest and the highest gap that the missing trials allow (Horowitz and Manski 2000).

    cluster, wording, deployment: one entry per missing trial, as in Outcomes. For the lowest gap every trial missing in
    deployment counts as 0 and every one missing in evaluation as 1; for the highest the other way round.
    """
    absent = Outcomes(np.asarray(cluster), np.asarray(wording), np.asarray(deployment), np.zeros(np.shape(deployment)))
    lowest = _filled(outcomes, absent, deployment_value=0.0)
    highest = _filled(outcomes, absent, deployment_value=1.0)
    return estimate(lowest, wordings=wordings), estimate(highest, wordings=wordings)


def _filled(outcomes: Outcomes, absent: Outcomes, *, deployment_value: float) -> Outcomes:
    """The outcomes and the absent trials, filled with one value in deployment and its opposite in evaluation."""
    y = np.where(absent.deployment, deployment_value, 1.0 - deployment_value)
    return Outcomes(
        np.concatenate([outcomes.cluster, absent.cluster]),
        np.concatenate([outcomes.wording, absent.wording]),
        np.concatenate([outcomes.deployment, absent.deployment]),
        np.concatenate([outcomes.y, y]),
    )


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
