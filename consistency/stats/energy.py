"""Distances between distributions: of two samples of numbers, or of independent vectors such as embedded texts.

Tests of vectors are one-sided: only a distance that is large for chance speaks for a difference. For the two arms of a
study, whose answers share scenarios and wordings, see `energy_test`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consistency.errors import StatisticsError
from consistency.stats.outcomes import FloatArray
from consistency.stats.text_kernels import Features

Kernel = Literal["energy", "gaussian"]
Single: TypeAlias = NDArray[np.float32]

Block: TypeAlias = tuple[slice, slice, Single]
"""Rows, columns, and what a symmetric matrix holds there."""

ROWS = 2048
"""How many rows of a distance matrix are made and used at once."""

TIES = 1e-5
"""Statistics as close as this, relative to what chance adds to them, are equal."""

_ROUNDING = 1e-6  # relative, of squared distances in single precision
_SAMPLE = 1000  # rows that a bandwidth is taken from


def energy_distance(x: ArrayLike, y: ArrayLike) -> float:
    """√(2E|X − Y| − E|X − X′| − E|Y − Y′|), which is √(2∫(F − G)²); 0 only where both samples have one distribution."""
    first, second = np.sort(np.asarray(x, dtype=np.float64).ravel()), np.sort(np.asarray(y, dtype=np.float64).ravel())
    if not (first.size and second.size and np.isfinite(first).all() and np.isfinite(second).all()):
        raise StatisticsError("energy distance: two samples of at least one finite number each are needed")
    steps = np.unique(np.concatenate([first, second]))
    below_first = np.searchsorted(first, steps[:-1], side="right") / first.size
    below_second = np.searchsorted(second, steps[:-1], side="right") / second.size
    return math.sqrt(2.0 * float(((below_first - below_second) ** 2 * np.diff(steps)).sum()))


@dataclass(frozen=True)
class TwoSamples:
    """Two samples of vectors compared.

    squared_distance: 2E‖X − Y‖ − E‖X − X′‖ − E‖Y − Y′‖ ("energy") or the squared maximum mean discrepancy ("gaussian"),
    every pair counted, a vector with itself too: never below 0 but for rounding, and above 0 by chance alone.
    p_value: the share of permutations with one as large, the observed order among them.
    bandwidth: the Gaussian's standard deviation; None for "energy".
    """

    squared_distance: float
    p_value: float
    bandwidth: float | None


def energy_permutation_test(
    first: ArrayLike, second: ArrayLike, *, rng: np.random.Generator, draws: int = 999, kernel: Kernel = "energy"
) -> TwoSamples:
    """Permutation test that two samples of independent vectors have one distribution.

    first, second: arrays (vectors, dimensions). Their labels are permuted `draws` times and the observed labels added,
    so p ≥ 1/(draws + 1). "gaussian" takes the median distance as its bandwidth.

    Only for vectors that are independent of each other. Answers of one study are not: they share scenarios and
    wordings, which this test nearly always takes for a difference between the arms; use `placebo_adjusted_energy`.

    Distances are made in blocks and in single precision, sums over them are taken in double precision; labels of all
    permutations are ±1, so that one matrix product for each block serves all of them. Needs about
    12 · (draws + dimensions) bytes for each vector and 80 MB.

    StatisticsError for empty samples, different dimensions, or numbers that are not finite.
    """
    x, y = finite_vectors(first), finite_vectors(second)
    if not (x.shape[0] and y.shape[0] and x.shape[1] == y.shape[1]):
        raise StatisticsError(f"energy test: found shapes {x.shape} and {y.shape}; needed are vectors of one length")
    if draws < 1:
        raise StatisticsError(f"energy test: found {draws} draws; at least 1 is needed")
    pooled = centred(np.concatenate([x, y]))
    bandwidth = _median_distance(pooled) if kernel == "gaussian" else None
    own = np.repeat([1.0, -1.0], [x.shape[0], y.shape[0]]).astype(np.float32)
    labels = np.ascontiguousarray(np.array([own, *(rng.permutation(own) for _ in range(draws))]).T)
    n, m = x.shape[0], y.shape[0]
    sums = pair_sums(_blocks(pooled, bandwidth), labels)
    distances = 2 * sums.between / (n * m) - sums.first / n**2 - sums.second / m**2
    observed = float(distances[0])
    ties = TIES * abs(sums.total) / pooled.shape[0] ** 3  # what chance adds is about 2 E‖X − X′‖ / vectors
    return TwoSamples(observed, float(np.mean(distances >= observed - ties)), bandwidth)


@dataclass(frozen=True)
class PairSums:
    """Sums over ordered pairs of rows, for each labelling: both rows in the first sample, both in the second, one each.

    first, second, between: arrays (labellings,); a pair in `between` is counted from its first-sample side alone.
    total: over all pairs, whatever the labels.
    """

    first: FloatArray
    second: FloatArray
    between: FloatArray
    total: float


def pair_sums(blocks: Iterable[Block], labels: Single) -> PairSums:
    """Add up a symmetric matrix by labels, from its blocks on and above the diagonal.

    labels: array (rows, labellings), 1 in the first sample and −1 in the second. With l a column and G the matrix, all
    sums follow from 1′G1, 1′Gl and l′Gl; a block off the diagonal stands for its mirror image too.
    """
    total = 0.0
    by_label, squared = np.zeros(labels.shape[1]), np.zeros(labels.shape[1])
    for rows, columns, block in blocks:
        times = 1 if rows == columns else 2
        total += times * float(block.sum(dtype=np.float64))
        product = block @ labels[columns]
        by_label += product.sum(axis=0, dtype=np.float64)
        if rows != columns:
            by_label += block.sum(axis=1, dtype=np.float64) @ labels[rows]
        product *= labels[rows]
        squared += times * product.sum(axis=0, dtype=np.float64)
    within = total + squared
    return PairSums((within + 2 * by_label) / 4, (within - 2 * by_label) / 4, (total - squared) / 4, total)


def _blocks(vectors: Single, bandwidth: float | None) -> Iterator[Block]:
    """The distances of all rows or, given a bandwidth, minus their Gaussian kernel."""
    slices = [slice(start, start + ROWS) for start in range(0, vectors.shape[0], ROWS)]
    for rows, columns in combinations_with_replacement(slices, 2):
        block = euclidean_distances(vectors[rows], vectors[columns])
        if bandwidth is not None:
            block = -np.exp(-np.square(block) / np.float32(2 * bandwidth**2))
        yield rows, columns, block


def _median_distance(vectors: Single) -> float:
    """The median distance of evenly spaced rows, 1 where that is 0."""
    rows = vectors[:: max(1, vectors.shape[0] // _SAMPLE)][:_SAMPLE]
    distances = euclidean_distances(rows, rows)[np.triu_indices(rows.shape[0], 1)]
    return float(np.median(distances)) or 1.0 if distances.size else 1.0


def finite_vectors(values: ArrayLike) -> Features:
    """The vectors as floating-point numbers; StatisticsError unless they are rows of finite numbers."""
    vectors = np.asarray(values)
    if vectors.ndim != 2 or vectors.dtype.kind not in "biuf" or not np.isfinite(vectors).all():
        raise StatisticsError(f"energy: found shape {vectors.shape}; one row of finite numbers per text is needed")
    return vectors if vectors.dtype == np.float32 else vectors.astype(np.float64)


def centred(vectors: Features) -> Single:
    """The vectors less their mean, which changes no distance but keeps single precision for what differs."""
    less = vectors - vectors.mean(axis=0, dtype=np.float64).astype(vectors.dtype)
    return np.asarray(less, dtype=np.float32)


def euclidean_distances(first: Single, second: Single) -> Single:
    """Euclidean distances of the rows: array (first, second). Those below single precision are 0."""
    lengths = np.einsum("ij,ij->i", first, first)[:, None] + np.einsum("ij,ij->i", second, second)
    squares = first @ second.T
    squares *= np.float32(-2.0)
    squares += lengths
    lengths *= np.float32(_ROUNDING)
    squares[squares < lengths] = 0.0
    np.sqrt(squares, out=squares)
    return squares
