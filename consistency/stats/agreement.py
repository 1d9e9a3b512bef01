"""How far raters agree beyond chance: Cohen's kappa of two, Krippendorff's alpha of any number with gaps.

Both are 1 where raters agree wherever they could differ, 0 where they agree as chance would have it, and below 0 where
they agree less. Neither says who is right: that is for `diagnostics`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from consistency.errors import StatisticsError
from consistency.stats.equivalence import floor
from consistency.stats.intervals import Interval, tail
from consistency.stats.methods import NotEstimable
from consistency.stats.outcomes import RESOLUTION, FloatArray, IntArray

Weights = Literal["nominal", "linear", "quadratic"]
"""How much a disagreement counts: all alike, or by the distance of the two categories' places, or by its square."""

Scale = Literal["nominal", "ordinal", "interval"]
"""What the values mean: names, ranks, or numbers whose differences mean something."""


@dataclass(frozen=True)
class Kappa:
    """Cohen's kappa of two raters, in [−1, 1].

    observed, expected: agreement, and agreement by chance given each rater's own rates, both weighted, in [0, 1].
    standard_error: by Fleiss, Cohen and Everitt (1969); 0 where all units count alike, as in perfect agreement.
    units: how many both raters rated.
    """

    kappa: float
    standard_error: float
    observed: float
    expected: float
    units: int

    def interval(self, level: float) -> Interval:
        """Two-sided interval at `level`, cut to [−1, 1].

        Normal; where the standard error is 0 it reaches as far as the share of units that may still be rated otherwise
        (`equivalence.floor`) would move kappa at the same agreement by chance, so that it keeps a width.
        """
        a = tail(level)
        if self.standard_error > 0.0:
            half = float(ndtri(1.0 - a)) * self.standard_error
        else:
            half = floor(self.units, a) / (1.0 - self.expected)
        return max(self.kappa - half, -1.0), min(self.kappa + half, 1.0)


def cohen_kappa(
    first: ArrayLike, second: ArrayLike, *, weights: Weights = "nominal", categories: ArrayLike | None = None
) -> Kappa | NotEstimable:
    """Cohen's (1960) kappa of two raters of the same units, or his weighted kappa (1968).

    first, second: one rating per unit, numbers or words; a unit with a NaN is left out. categories: all that there are,
    in order, which only weights ask for; those seen, sorted, where it is left out. Units are taken to be independent.

    NotEstimable where no unit has both ratings, or where kappa is 0 or 0/0 whatever the raters agree on, as when one of
    them gave one category to all. StatisticsError for another number of ratings, or a rating that is no category.
    """
    if weights not in get_args(Weights):
        raise StatisticsError(f'weights: found {weights!r}; "nominal", "linear" and "quadratic" are allowed')
    table = _cross_table(np.asarray(first), np.asarray(second), categories)
    units = int(table.sum())
    if units == 0:
        return NotEstimable("no unit was rated by both raters")
    p, agreement = table / units, _agreement_weights(table.shape[0], weights)
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    observed, expected = float((agreement * p).sum()), float(rows @ agreement @ columns)
    means = (agreement @ columns)[:, None] + (rows @ agreement)[None, :]
    # What agreement could vary by with these rates: every cell's weight less those of its row and column.
    if rows @ (agreement - means + expected) ** 2 @ columns <= RESOLUTION**2:
        return NotEstimable(
            "there is no agreement beyond chance to be had, as where a rater gave one category to all units"
        )
    beyond = 1.0 - expected
    # Fleiss, Cohen and Everitt (1969), around the mean so that nothing cancels.
    parts = agreement * beyond - means * (1.0 - observed)
    variance = float((p * (parts - (p * parts).sum()) ** 2).sum()) / (units * beyond**4)
    return Kappa(
        kappa=(observed - expected) / beyond,
        standard_error=math.sqrt(variance) if variance * units > RESOLUTION**2 else 0.0,
        observed=observed,
        expected=expected,
        units=units,
    )


@dataclass(frozen=True, eq=False)
class Alpha:
    """Krippendorff's alpha, at most 1.

    observed, expected: mean disagreement of two values of one unit, and of any two values, on the scale's own measure.
    units, values: units with two values or more, and the values they have. clusters: what was drawn again, at least
    one. largest: the largest disagreement of two values that occur.
    draws: alpha of every bootstrap draw in rising order, without those where all values were alike; empty without rng.
    """

    alpha: float
    observed: float
    expected: float
    units: int
    values: int
    clusters: int
    largest: float
    draws: FloatArray

    def interval(self, level: float) -> Interval | None:
        """Two-sided percentile interval of the cluster bootstrap; None without draws.

        Where all draws are alike, as in perfect agreement, it reaches down as far as disagreement at its largest in the
        share of clusters that may still hide it (`equivalence.floor`) would move alpha, so that it keeps a width.
        """
        a = tail(level)
        if self.draws.size == 0:
            return None
        lower, upper = (float(end) for end in np.quantile(self.draws, [a, 1.0 - a]))
        if upper - lower <= RESOLUTION:
            lower = self.alpha - floor(self.clusters, a) * self.largest / self.expected
        return lower, upper


def krippendorff_alpha(
    ratings: ArrayLike,
    *,
    scale: Scale = "nominal",
    cluster: ArrayLike | None = None,
    rng: np.random.Generator | None = None,
    draws: int = 1000,
) -> Alpha | NotEstimable:
    """Krippendorff's (2011) alpha of any number of raters, not all of whom rated every unit.

    ratings: raters × units, numbers, NaN where there is none; a unit with fewer than two is left out. cluster: one
    integer per unit, units of one cluster being drawn together; each unit its own where it is left out. rng: draws
    clusters again for an interval, `draws` times.

    NotEstimable where no unit has two ratings, or all ratings are alike. StatisticsError for another shape, another
    number of labels, or a rating that is infinite.
    """
    if scale not in get_args(Scale):
        raise StatisticsError(f'scale: found {scale!r}; "nominal", "ordinal" and "interval" are allowed')
    if draws < 1:
        raise StatisticsError(f"krippendorff: found {draws} draws; at least 1 is needed")
    counts, points, groups = _value_counts(ratings, cluster)
    if counts.shape[0] == 0:
        return NotEstimable("no unit has two ratings")
    if points.size < 2:
        return NotEstimable("all ratings are alike, so that there is no chance to disagree")
    clusters = int(groups.max()) + 1
    observed, expected = _disagreements(counts, np.ones(counts.shape[0]), points, scale)
    drawn = []
    for _ in range(draws if rng is not None and clusters > 1 else 0):
        assert rng is not None
        times = rng.multinomial(clusters, np.full(clusters, 1.0 / clusters))
        found, by_chance = _disagreements(counts, times[groups].astype(np.float64), points, scale)
        if by_chance > RESOLUTION:
            drawn.append(1.0 - found / by_chance)
    places = _places(counts.sum(axis=0), points, scale)
    return Alpha(
        alpha=1.0 - observed / expected,
        observed=observed,
        expected=expected,
        units=counts.shape[0],
        values=int(counts.sum()),
        clusters=clusters,
        largest=1.0 if scale == "nominal" else float(np.ptp(places)) ** 2,
        draws=np.sort(np.asarray(drawn, dtype=np.float64)),
    )


def _cross_table(first: NDArray[Any], second: NDArray[Any], categories: ArrayLike | None) -> FloatArray:
    """How many units the raters gave each pair of categories; rows are the first rater's."""
    if first.ndim != 1 or first.shape != second.shape:
        raise StatisticsError(f"ratings: found shapes {first.shape} and {second.shape}; one per unit of each is needed")
    both = ~(_missing(first) | _missing(second))
    first, second = first[both], second[both]
    names = np.unique(np.concatenate([first, second])) if categories is None else np.asarray(categories).ravel()
    size, order = names.size, np.argsort(names, kind="stable")
    if np.unique(names).size != size:
        raise StatisticsError("categories: one is given twice")
    table = np.zeros((size, size))
    if first.size:
        np.add.at(table, (_positions(first, names, order), _positions(second, names, order)), 1.0)
    return table


def _positions(ratings: NDArray[Any], names: NDArray[Any], order: NDArray[np.intp]) -> NDArray[np.intp]:
    unknown = ~np.isin(ratings, names)
    if unknown.any():
        raise StatisticsError(f"ratings: found {ratings[np.argmax(unknown)]!r}; the categories are {names.tolist()}")
    return order[np.searchsorted(names, ratings, sorter=order)]


def _missing(ratings: NDArray[Any]) -> NDArray[np.bool_]:
    return np.isnan(ratings) if ratings.dtype.kind == "f" else np.zeros(ratings.shape, dtype=np.bool_)


def _agreement_weights(categories: int, weights: Weights) -> FloatArray:
    """1 on the diagonal, 0 for the largest disagreement."""
    places = np.arange(categories)
    distance = np.abs(places[:, None] - places[None, :]) / max(categories - 1, 1)
    agreement: FloatArray = {
        "nominal": np.eye(categories),
        "linear": 1.0 - distance,
        "quadratic": 1.0 - distance**2,
    }[weights]
    return agreement


def _value_counts(ratings: ArrayLike, cluster: ArrayLike | None) -> tuple[FloatArray, FloatArray, IntArray]:
    """Units with two values or more × values: how often each occurs; the values; the units' clusters from 0 on."""
    values = np.asarray(ratings, dtype=np.float64)
    if values.ndim != 2 or np.isinf(values).any():
        raise StatisticsError(f"ratings: found shape {values.shape}; raters × units is needed, finite, NaN for none")
    labels = np.arange(values.shape[1]) if cluster is None else np.asarray(cluster)
    if labels.shape != values.shape[1:] or (labels.size and labels.dtype.kind not in "iu"):
        raise StatisticsError(
            f"clusters: found shape {labels.shape} of {labels.dtype}; one integer for each of {values.shape[1]} units"
        )
    pairable = (~np.isnan(values)).sum(axis=0) >= 2
    values = values[:, pairable]
    rater, unit = np.nonzero(~np.isnan(values))
    points, position = np.unique(values[rater, unit], return_inverse=True)
    counts = np.zeros((values.shape[1], points.size))
    np.add.at(counts, (unit, position), 1.0)
    return counts, points, np.unique(labels[pairable], return_inverse=True)[1].astype(np.int64)


def _disagreements(counts: FloatArray, times: FloatArray, points: FloatArray, scale: Scale) -> tuple[float, float]:
    """Mean disagreement within units and over all values, each unit being there `times` times.

    The ordinal measure, (values from one rank up to the other, the ends by half)², is the squared difference of the
    midranks, so it needs no other sum than the interval measure: Σ n_c n_k (x_c − x_k)² = 2(m Σ n x² − (Σ n x)²).
    """
    totals = times @ counts
    places = _places(totals, points, scale)
    in_unit = counts.sum(axis=1)
    observed = float(times @ (_disagreement(counts, places, scale) / (in_unit - 1.0)))
    n = float(totals.sum())
    expected = float(_disagreement(totals[None, :], places, scale)[0])
    return observed / n, expected / (n * (n - 1.0))


def _places(totals: FloatArray, points: FloatArray, scale: Scale) -> FloatArray:
    """Where the values lie on the scale; midranks if ordinal. Centred, against rounding."""
    places = np.cumsum(totals) - totals / 2.0 if scale == "ordinal" else points
    centred: FloatArray = places - places.mean()
    return centred


def _disagreement(counts: FloatArray, places: FloatArray, scale: Scale) -> FloatArray:
    """Σ over ordered pairs of values of each row of their disagreement."""
    size = counts.sum(axis=1)
    if scale == "nominal":
        pairs: FloatArray = size**2 - (counts**2).sum(axis=1)
    else:
        pairs = 2.0 * np.maximum(size * (counts @ places**2) - (counts @ places) ** 2, 0.0)
    return pairs
