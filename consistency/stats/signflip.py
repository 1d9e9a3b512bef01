"""Sign-flip permutation test of the cluster differences.

Under no gap, and with differences symmetric about zero, each d_s is as likely to have been −d_s. The test asks how
often a random choice of signs gives a sum as far from zero as the one observed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from consistency.errors import StatisticsError
from consistency.stats.outcomes import RESOLUTION, FloatArray

ENUMERABLE = 20
"""With at most this many non-zero differences every choice of signs is tried."""

_BLOCK = 1 << 20  # signs drawn at once


@dataclass(frozen=True)
class SignFlip:
    """Two-sided p values; `exact` says whether every choice of signs was tried. Both are 1 where the sum is zero."""

    p_value: float
    mid_p: float
    exact: bool


def sign_flip(differences: ArrayLike, *, rng: np.random.Generator | None = None, draws: int = 20_000) -> SignFlip:
    """Test cluster differences d_s for a mean of zero.

    Beyond 20 non-zero differences, `draws` choices of signs are drawn from `rng`, and the observed one counts as a
    further draw (Phipson and Smyth 2010). StatisticsError where `rng` is needed and missing, or a difference is not
    finite.
    """
    d = np.asarray(differences, dtype=np.float64).ravel()
    if not np.isfinite(d).all():
        raise StatisticsError("sign flips: a difference is not a finite number")
    d = d[np.abs(d) > RESOLUTION]
    exact = d.size <= ENUMERABLE
    if exact:
        sums = _all_sums(d)
    elif rng is None:
        raise StatisticsError(f"sign flips: {d.size} non-zero differences are too many to enumerate; pass rng")
    elif draws < 1:
        raise StatisticsError(f"sign flips: found {draws} draws; at least 1 is needed")
    else:
        sums = np.append(_drawn_sums(d, draws, rng), d.sum())
    observed = abs(float(d.sum()))
    rounding = RESOLUTION * max(1.0, float(np.abs(d).sum()))
    if observed <= rounding:
        return SignFlip(1.0, 1.0, exact)
    beyond = float(np.mean(np.abs(sums) > observed + rounding))
    level = float(np.mean(np.abs(np.abs(sums) - observed) <= rounding))
    return SignFlip(beyond + level, beyond + level / 2, exact)


def _all_sums(d: FloatArray) -> FloatArray:
    """The sums of ±d over every choice of signs."""
    sums = np.zeros(1)
    for difference in d:
        sums = np.concatenate([sums + difference, sums - difference])
    return sums


def _drawn_sums(d: FloatArray, draws: int, rng: np.random.Generator) -> FloatArray:
    block = max(1, _BLOCK // d.size)
    sums = [
        (2.0 * rng.integers(0, 2, size=(min(block, draws - start), d.size), dtype=np.int8) - 1.0) @ d
        for start in range(0, draws, block)
    ]
    return np.concatenate(sums)
