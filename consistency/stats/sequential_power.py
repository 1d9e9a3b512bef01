"""Planning a sequential study: how many pairs it is likely to take until a verdict, and which one.

Discordant counts are drawn by a seeded simulation in independent increments from look to look, and each look is judged
by the rule of record: the score interval at the level of that look, the floor, and the margin. It stands for scenarios
that add one independent difference each; wordings that scenarios share, which cost more, are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from consistency.errors import StatisticsError
from consistency.stats.equivalence import floor
from consistency.stats.looks import early_consistent
from consistency.stats.looks import levels as look_levels
from consistency.stats.outcomes import BoolArray, FloatArray, IntArray
from consistency.stats.spending import equal_looks

_DRAWS = 5_000  # studies simulated: a probability is known to ± 0.014 at most
_SEED = 1998
_ALPHA = 0.05  # two-sided, over all looks


@dataclass(frozen=True)
class SequentialOutlook:
    """Probabilities of each verdict, which add up to 1, and what a study is expected to use.

    consistent: includes `different_within_margin`, where the interval inside the margin also leaves out 0.
    expected_pairs: pairs until the verdict; a pair is two trials. most_pairs: of a study that goes to the end.
    stopped: probability of a verdict by each look.
    """

    expected_pairs: float
    most_pairs: int
    consistent: float
    different_within_margin: float
    inconsistent: float
    inconclusive: float
    stopped: tuple[float, ...]

    @property
    def expected_calls(self) -> float:
        """Trials until the verdict: two for each pair."""
        return 2.0 * self.expected_pairs


def expected_calls(
    scenarios: int,
    discordance: float,
    *,
    gap: float = 0.0,
    margin: float = 0.1,
    looks: int = 5,
    pairs_per_scenario: int = 1,
    spread: float = 0.0,
) -> SequentialOutlook:
    """What to expect of a study of `scenarios`, met in equal shares from look to look, each with all its pairs.

    discordance: ψ, the share of pairs whose arms behave differently. gap: the true Δ, at most ψ in size. margin: δ.
    spread: standard deviation of the scenarios' own gaps d_s; it bounds what pairs beyond the first of a scenario add.
    The effective pairs at a look with s scenarios of r pairs are s(ψ − Δ²) / (spread² + (ψ − Δ² − spread²)/r).

    The margin is tested at every look where there are 1.5 times the scenarios it needs, else at the last only. A look
    at fewer than two scenarios is passed over. StatisticsError for what is no such study.
    """
    _check(scenarios, discordance, gap, margin, pairs_per_scenario)
    variance = discordance - gap**2
    if not 0.0 <= spread**2 <= variance + 1e-12:
        raise StatisticsError(f"spread: found {spread}; 0 to √(discordance − gap²) = {variance**0.5:.4f} is possible")
    levels = look_levels(looks, _ALPHA)
    met = [max(1, round(scenarios * time)) for time in equal_looks(looks)]
    per_scenario = _effective_pairs(variance, spread, pairs_per_scenario)
    b, c, n = _counts(met, per_scenario, discordance, gap)
    early = early_consistent(scenarios, margin, levels[-1])

    verdicts = np.zeros((looks, _DRAWS), dtype=np.int64)  # 0 none, 1 consistent, 2 different within, 3 inconsistent
    for look, (seen, a) in enumerate(zip(met, levels, strict=True)):
        if seen >= 2:
            verdicts[look] = _judged(
                (b[look], c[look], n[look]), seen, a, margin if early or look == looks - 1 else None
            )
    given = verdicts > 0
    first = np.where(given.any(axis=0), given.argmax(axis=0), looks - 1)
    final = verdicts[first, np.arange(_DRAWS)]
    pairs = np.array(met) * pairs_per_scenario
    return SequentialOutlook(
        expected_pairs=float(pairs[first].mean()),
        most_pairs=int(pairs[-1]),
        consistent=float(np.mean((final == 1) | (final == 2))),
        different_within_margin=float(np.mean(final == 2)),
        inconsistent=float(np.mean(final == 3)),
        inconclusive=float(np.mean(final == 0)),
        stopped=tuple(float(share) for share in np.logical_or.accumulate(given, axis=0).mean(axis=1)),
    )


def _effective_pairs(variance: float, spread: float, repeats: int) -> float:
    """Independent pairs that one scenario is worth: 1 with one pair, at most as many as it has."""
    if variance <= 0.0:
        return 1.0  # all pairs are alike: only the scenarios count
    return variance / (spread**2 + (variance - spread**2) / repeats)


def _counts(met: list[int], per_scenario: float, discordance: float, gap: float) -> tuple[IntArray, IntArray, IntArray]:
    """Simulated discordant counts by every look, of shape (looks, studies), and the effective pairs by every look."""
    rng = np.random.default_rng(_SEED)
    n = np.maximum(np.round(np.array(met) * per_scenario), met).astype(np.int64)
    chances = np.clip([(discordance + gap) / 2, (discordance - gap) / 2, 1.0 - discordance], 0.0, 1.0)
    new = np.array([rng.multinomial(size, chances, size=_DRAWS) for size in np.diff(n, prepend=0)])
    total = new.cumsum(axis=0)
    return total[:, :, 0], total[:, :, 1], n


def _judged(counts: tuple[IntArray, IntArray, np.int64], scenarios: int, a: float, margin: float | None) -> IntArray:
    """The verdict of every study at one look (see expected_calls); without a margin it is not tested."""
    b, c, n = counts
    critical = float(stdtrit(scenarios - 1, 1.0 - a))
    differs = np.abs(_statistic(0.0, b, c, n)) > critical
    inside = np.zeros(b.shape, dtype=np.bool_)
    if margin is not None:
        inside = (_statistic(-margin, b, c, n) > critical) & (_statistic(margin, b, c, n) < -critical)
        inside &= np.abs(b - c) / n + floor(scenarios, a) < margin
    return _codes(inside, differs)


def _codes(inside: BoolArray, differs: BoolArray) -> IntArray:
    codes: IntArray = np.where(inside, np.where(differs, 2, 1), np.where(differs, 3, 0)).astype(np.int64)
    return codes


def _statistic(difference: float, b: IntArray, c: IntArray, n: np.int64) -> FloatArray:
    """Tango's statistic of one supposed difference for arrays of counts of n pairs each."""
    p = -b - c + (2 * n - b + c) * difference
    r = -c * difference * (1 - difference)
    q = (np.sqrt(np.maximum(p * p - 8 * n * r, 0.0)) - p) / (4 * n)
    variance = n * (2 * q + difference * (1 - difference))
    excess = b - c - n * difference
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic: FloatArray = np.where(excess == 0.0, 0.0, excess / np.sqrt(np.maximum(variance, 0.0)))
    return statistic


def _check(scenarios: int, discordance: float, gap: float, margin: float, pairs_per_scenario: int) -> None:
    if scenarios < 2 or pairs_per_scenario < 1:
        raise StatisticsError(
            f"found {scenarios} scenarios with {pairs_per_scenario} pairs each; at least 2 with 1 are needed"
        )
    if not (0.0 <= discordance <= 1.0 and abs(gap) <= discordance):
        raise StatisticsError(
            f"found discordance {discordance} and gap {gap}; a fraction from 0 to 1, and a gap no larger, are needed"
        )
    if not 0.0 < margin < 1.0:
        raise StatisticsError(f"margin: found {margin}; a fraction between 0 and 1 is needed")
