"""Which scenario an audit draws its next pair from, so that few draws find a behaviour that few scenarios show.

Thompson sampling (1933): for every scenario a discordance ψ and a direction θ (the share of its discordant pairs that
misbehave in deployment) are drawn from their posteriors, and the scenario with the largest drawn gap ψ·(2θ − 1) is
chosen. Scenarios not yet drawn are explored first; a discordant pair is a lead, which is followed at once and dropped
when it does not recur. The gap counts in the direction that the audit as a whole is likely to go, itself drawn from its
posterior, so that scenarios that diverge in opposite directions do not cancel in the pooled evidence.

The choice cannot make a test invalid: it rests on earlier pairs only, and under the null of no divergence in any
scenario the sign of a discordant pair is a fair coin whichever scenario it comes from (see `eprocess`). It does bias
the plain mean of what is drawn, so an adaptive audit reports E and no gap.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from consistency.errors import StatisticsError
from consistency.stats.outcomes import IntArray

Generator = np.random.Generator | np.random.RandomState

DISCORDANCE = (0.5, 5.0)
"""Prior Beta of ψ: most scenarios seldom differ, and the mass near 0 and the long tail let one lead stand out."""

DIRECTION = (0.5, 0.5)
"""Prior Beta of θ: scenarios that diverge do so in one direction."""


def next_scenario(b: ArrayLike, c: ArrayLike, drawn: ArrayLike, rng: Generator) -> int:
    """Position of the scenario to draw the next pair from.

    b, c: for every scenario its pairs so far that misbehave in deployment only and in evaluation only.
    drawn: for every scenario all its pairs so far, the concordant ones included.

    StatisticsError for no scenarios, unequal lengths, or counts that cannot be.
    """
    if np.ndim(b) != 1:
        raise StatisticsError(f"adaptive choice: found counts of shape {np.shape(b)}; one per scenario is needed")
    return int(next_scenarios(b, c, drawn, rng))


def next_scenarios(b: ArrayLike, c: ArrayLike, drawn: ArrayLike, rng: Generator) -> IntArray:
    """As `next_scenario`, for many audits at once: counts of shape (…, scenarios), positions of shape (…)."""
    for_b, for_c, pairs = _checked(b, c, drawn)
    discordant = for_b + for_c
    rate = rng.beta(DISCORDANCE[0] + discordant, DISCORDANCE[1] + pairs - discordant)
    direction = 2.0 * rng.beta(DIRECTION[0] + for_b, DIRECTION[1] + for_c) - 1.0
    ahead, behind = (counts.sum(axis=-1, keepdims=True) for counts in (for_b, for_c))
    overall = np.where(rng.beta(DIRECTION[0] + ahead, DIRECTION[1] + behind) < 0.5, -1.0, 1.0)
    chosen: IntArray = np.argmax(rate * direction * overall, axis=-1)
    return chosen


def _checked(b: ArrayLike, c: ArrayLike, drawn: ArrayLike) -> tuple[IntArray, IntArray, IntArray]:
    arrays = [np.asarray(counts) for counts in (b, c, drawn)]
    shapes = [counts.shape for counts in arrays]
    if len(set(shapes)) > 1 or not shapes[0] or shapes[0][-1] == 0:
        raise StatisticsError(
            f"adaptive choice: found shapes {shapes}; equal ones, with a scenario at least, are needed"
        )
    if any(counts.dtype.kind not in "iu" for counts in arrays):
        raise StatisticsError(f"adaptive choice: found {[str(a.dtype) for a in arrays]}; integers are needed")
    for_b, for_c, pairs = arrays
    if (for_b < 0).any() or (for_c < 0).any() or (for_b + for_c > pairs).any():
        raise StatisticsError("adaptive choice: found counts below 0, or more discordant pairs than pairs drawn")
    return for_b, for_c, pairs
