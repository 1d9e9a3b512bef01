"""Sign-flip permutation test of the cluster differences.

Under no gap, and with differences symmetric about zero, each d_s is as likely to have been −d_s. The test asks how
often a random choice of signs gives a sum as far from zero as the one observed.

Drawing signs is fast because few of them need be looked at. Zero differences have none. Of m differences of one size c
the signs add up to c(2K − m), K being binomial(m, ½). Of the others, each random byte holds the signs of eight, and the
256 sums that the eight can have are looked up in a table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consistency.errors import StatisticsError
from consistency.stats.outcomes import RESOLUTION, FloatArray

ENUMERABLE = 20
"""With at most this many non-zero differences every choice of signs is tried."""

MOST_CHOICES = 1 << 14
"""Up to so many choices of signs, those of opposite sign counted once, `sign_choices` lists all of them."""

_ALIKE = 256  # from this many differences of one size on, a binomial draw is cheaper than their signs
_BYTE = 8
_BLOCK = 1 << 20  # random bytes, or signs, drawn at once


@dataclass(frozen=True)
class SignFlip:
    """Two-sided p values; `exact` says whether every choice of signs was tried. Both are 1 where the sum is zero."""

    p_value: float
    mid_p: float
    exact: bool


def sign_flip(differences: ArrayLike, *, rng: np.random.Generator | None = None, draws: int = 20_000) -> SignFlip:
    """Test cluster differences d_s for a mean of zero.

    differences: one number per cluster, deployment minus evaluation; zeros have no sign to flip and change nothing.
    Beyond 20 non-zero differences, `draws` choices of signs are drawn from `rng`, and the observed one counts as a
    further draw (Phipson and Smyth 2010), so p is never 0. Which signs a seed gives may change between releases.
    StatisticsError where `rng` is needed and missing, or a difference is not finite.
    """
    d = np.asarray(differences, dtype=np.float64).ravel()
    if not np.isfinite(d).all():
        raise StatisticsError("sign flips: a difference is not a finite number")
    d = d[np.abs(d) > RESOLUTION]
    exact = d.size <= ENUMERABLE
    if exact:
        sums = all_sums(d)
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


def sign_choices(units: int, rng: np.random.Generator | None, draws: int) -> tuple[bool, Iterator[FloatArray]]:
    """Choices of signs for statistics that are the same for opposite signs, such as the length of a sum of vectors.

    Returns whether these are all choices, and blocks of rows of `units` signs (+1.0 or −1.0). The very first row is
    all +1, the signs observed. Up to 15 units the first sign stays +1 and the others take all 2^(units − 1) choices;
    beyond, `draws` random rows follow the first. Either way, the share of rows with a statistic as large as the first
    row's is the p value. StatisticsError where `rng` is needed and missing, or draws < 1.
    """
    if units <= 1 or 1 << (units - 1) <= MOST_CHOICES:
        codes = np.arange(1 << max(units - 1, 0))[:, None]
        return True, iter([_as_signs(codes >> np.arange(units)[::-1] & 1)])
    if rng is None:
        raise StatisticsError(f"sign flips: {units} units have too many choices of signs to list; pass rng")
    if draws < 1:
        raise StatisticsError(f"sign flips: found {draws} draws; at least 1 is needed")
    return False, _drawn_signs(units, draws, rng)


def _drawn_signs(units: int, draws: int, rng: np.random.Generator) -> Iterator[FloatArray]:
    yield np.ones((1, units))
    block = max(1, _BLOCK // units)
    for start in range(0, draws, block):
        packed = rng.integers(0, 256, size=(min(block, draws - start), -(-units // _BYTE)), dtype=np.uint8)
        yield _as_signs(np.unpackbits(packed, axis=1, count=units))


def _as_signs(bits: NDArray[np.integer[Any]]) -> FloatArray:
    """+1.0 for each bit that is 0, −1.0 for each that is 1."""
    signs: FloatArray = 1.0 - 2.0 * bits.astype(np.float64)
    return signs


def all_sums(d: FloatArray) -> FloatArray:
    """The sums of ±d over every choice of signs, always in the same order of choices."""
    sums = np.zeros(1)
    for difference in d:
        sums = np.concatenate([sums + difference, sums - difference])
    return sums


def _drawn_sums(d: FloatArray, draws: int, rng: np.random.Generator) -> FloatArray:
    """`draws` sums of ±d, each with signs of its own."""
    sizes, index, counts = np.unique(np.abs(d), return_inverse=True, return_counts=True)
    sums = np.zeros(draws)
    for size, count in zip(sizes[counts >= _ALIKE], counts[counts >= _ALIKE], strict=True):
        sums += size * (2.0 * rng.binomial(count, 0.5, size=draws) - count)
    few = np.abs(d[counts[index] < _ALIKE])
    tables = _tables_of_sums(few)
    block = max(1, _BLOCK // draws)
    for start in range(0, len(tables), block):
        rows = tables[start : start + block]
        signs = rng.integers(0, 256, size=(len(rows), draws), dtype=np.uint8)
        for table, byte in zip(rows, signs, strict=True):
            sums += table[byte]
    return sums


def _tables_of_sums(d: FloatArray) -> FloatArray:
    """For each eight differences (the last filled up with zeros) the sums of ±d by the byte that holds the signs."""
    eights = np.pad(d, (0, -d.size % _BYTE)).reshape(-1, _BYTE)
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
    return eights @ (2.0 * bits.T - 1.0)
