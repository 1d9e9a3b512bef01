"""Kappa against statsmodels, alpha against Krippendorff's worked example, and what both do at the borders."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from statsmodels.stats.inter_rater import cohens_kappa

from consistency.errors import StatisticsError
from consistency.stats.agreement import Alpha, Kappa, Scale, Weights, cohen_kappa, krippendorff_alpha
from consistency.stats.equivalence import floor
from consistency.stats.methods import NotEstimable

NONE = float("nan")
#: Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011): four observers, twelve units.
WORKED = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3),
    (NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE),
)
SCALES: tuple[Scale, ...] = ("nominal", "ordinal", "interval")


def kappa_of(first: object, second: object, weights: Weights = "nominal") -> Kappa:
    found = cohen_kappa(first, second, weights=weights)  # type: ignore[arg-type]  # lists of any kind
    assert isinstance(found, Kappa)
    return found


def alpha_of(ratings: object, scale: Scale = "nominal", **options: object) -> Alpha:
    found = krippendorff_alpha(ratings, scale=scale, **options)  # type: ignore[arg-type]  # lists of any kind
    assert isinstance(found, Alpha)
    return found


@given(st.lists(st.integers(0, 12), min_size=16, max_size=16), st.sampled_from(["nominal", "linear", "quadratic"]))
def test_kappa_agrees_with_statsmodels(cells: list[int], weights: Weights) -> None:
    table = np.array(cells).reshape(4, 4) + 1
    first, second = (np.repeat(place, table.ravel()) for place in np.divmod(np.arange(16), 4))
    found = kappa_of(first, second, weights)
    expected = cohens_kappa(table, wt=None if weights == "nominal" else weights)
    assert found.kappa == pytest.approx(expected.kappa, abs=1e-12)
    assert found.standard_error == pytest.approx(expected.std_kappa, rel=1e-9)
    assert found.units == table.sum()
    if abs(expected.kappa_low) < 1 and abs(expected.kappa_upp) < 1:
        assert found.interval(0.95) == pytest.approx((expected.kappa_low, expected.kappa_upp), abs=1e-9)


def test_kappa_by_hand() -> None:
    # Both yes 20, both no 15, first alone 5, second alone 10: agreement .7, by chance .5 · .6 + .5 · .4 = .5.
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    found = kappa_of(first, second)
    assert (found.observed, found.expected, found.kappa) == pytest.approx((0.7, 0.5, 0.4))


def test_two_categories_have_one_kappa_whatever_the_weights() -> None:
    rng = np.random.default_rng(0)
    first = rng.integers(0, 2, 80)
    second = np.where(rng.random(80) < 0.2, 1 - first, first)
    plain = kappa_of(first, second)
    for weights in ("linear", "quadratic"):
        assert vars(kappa_of(first, second, weights)) == pytest.approx(vars(plain))


def test_kappa_of_perfect_agreement_and_of_perfect_disagreement_keeps_a_width() -> None:
    ratings = np.tile([0, 1], 20)
    same, opposite = kappa_of(ratings, ratings), kappa_of(ratings, 1 - ratings)
    assert (same.kappa, same.standard_error, opposite.kappa, opposite.standard_error) == (1.0, 0.0, -1.0, 0.0)
    assert same.interval(0.95) == pytest.approx((1 - 2 * floor(40, 0.025), 1.0))
    assert opposite.interval(0.95) == pytest.approx((-1.0, -1 + 2 * floor(40, 0.025)))


def test_kappa_interval_covers() -> None:
    rng = np.random.default_rng(1)
    first = rng.integers(0, 2, (600, 150))
    second = np.where(rng.random(first.shape) < 0.3, rng.integers(0, 2, first.shape), first)  # kappa is .7
    intervals = [kappa_of(a, b).interval(0.95) for a, b in zip(first, second, strict=True)]
    covered = np.mean([lower <= 0.7 <= upper for lower, upper in intervals])
    assert covered == pytest.approx(0.95, abs=4 * np.sqrt(0.05 * 0.95 / 600))


def test_categories_set_the_distance_and_missing_ratings_are_left_out() -> None:
    first, second = [0.0, 0.0, 2.0, 2.0, NONE, 1.0], [0.0, 2.0, 2.0, 2.0, 1.0, NONE]
    found = kappa_of(first, second, "linear")
    assert found.units == 4
    wider = cohen_kappa(first, second, weights="linear", categories=[0, 1, 2, 3])
    assert isinstance(wider, Kappa)
    assert wider.kappa == pytest.approx(found.kappa)  # the scale of the weights cancels
    reordered = cohen_kappa([*first, 1.0], [*second, 2.0], weights="linear", categories=[1, 0, 2])
    in_order = cohen_kappa([*first, 1.0], [*second, 2.0], weights="linear", categories=[0, 1, 2])
    assert isinstance(reordered, Kappa)
    assert isinstance(in_order, Kappa)
    assert reordered.kappa < in_order.kappa


@pytest.mark.parametrize("weights", ["nominal", "linear", "quadratic"])
def test_kappa_that_is_zero_whatever_the_second_rater_says_is_not_estimable(weights: Weights) -> None:
    # Agreement is that of chance by arithmetic: rounding alone would give it a standard error, and 0.0 an interval.
    for second in ([1, 1, 2, 1, 2], [2, 2, 3, 1, 3, 1, 2]):
        assert isinstance(cohen_kappa([1] * len(second), second, weights=weights), NotEstimable)
        assert isinstance(cohen_kappa(second, [1] * len(second), weights=weights), NotEstimable)


def test_linear_kappa_of_raters_who_share_no_part_of_the_scale_is_not_estimable() -> None:
    # |i − j| is j − i throughout, so that no pairing of the units disagrees more than another.
    first, second = [1, 1, 2, 2], [3, 2, 3, 2]
    assert isinstance(cohen_kappa(first, second, weights="linear"), NotEstimable)
    assert isinstance(cohen_kappa(first, second), Kappa)
    assert isinstance(cohen_kappa(first, second, weights="quadratic"), Kappa)


def test_kappa_that_cannot_be_estimated_or_makes_no_sense() -> None:
    assert isinstance(cohen_kappa([], []), NotEstimable)
    assert isinstance(cohen_kappa([NONE, 1.0], [1.0, NONE]), NotEstimable)
    alike = cohen_kappa([1, 1, 1], [1, 1, 1])
    assert isinstance(alike, NotEstimable)
    assert "no agreement beyond chance" in alike.reason
    with pytest.raises(StatisticsError, match=r"found shapes \(2,\) and \(3,\)"):
        cohen_kappa([1, 0], [1, 0, 1])
    with pytest.raises(StatisticsError, match=r"the categories are \[0, 1\]"):
        cohen_kappa([1, 0], [1, 2], categories=[0, 1])
    with pytest.raises(StatisticsError, match="one is given twice"):
        cohen_kappa([1, 0], [1, 0], categories=[0, 1, 1])
    with pytest.raises(StatisticsError, match="'cubic'"):
        cohen_kappa([1, 0], [1, 0], weights="cubic")  # type: ignore[arg-type]  # what a careless caller does


@pytest.mark.parametrize(("scale", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_the_worked_example(scale: Scale, published: float) -> None:
    found = alpha_of(WORKED, scale)
    assert found.alpha == pytest.approx(published, abs=5e-4)
    assert (found.units, found.values, found.draws.size) == (11, 40, 0)
    assert found.interval(0.95) is None


def pairwise_alpha(ratings: NDArray[np.float64], scale: Scale) -> float:
    """Alpha from its definition: every ordered pair of values of a unit, and of any two units."""
    units = [column[~np.isnan(column)] for column in ratings.T]
    units = [unit for unit in units if unit.size >= 2]
    pooled = np.concatenate(units)

    def distance(a: float, b: float) -> float:
        if scale == "nominal":
            return float(a != b)
        if scale == "interval":
            return (a - b) ** 2
        low, high = min(a, b), max(a, b)
        between = ((pooled >= low) & (pooled <= high)).sum()
        return float(between - ((pooled == a).sum() + (pooled == b).sum()) / 2) ** 2 if a != b else 0.0

    observed = sum(sum(distance(a, b) for a in unit for b in unit) / (unit.size - 1) for unit in units) / pooled.size
    expected = sum(distance(a, b) for a in pooled for b in pooled) / (pooled.size * (pooled.size - 1))
    return float(1 - observed / expected)


@pytest.mark.parametrize("scale", SCALES)
def test_alpha_agrees_with_its_definition(scale: Scale) -> None:
    rng = np.random.default_rng(2)
    for _ in range(15):
        ratings = rng.integers(-2, 4, (3, 8)).astype(float)
        ratings[rng.random(ratings.shape) < 0.3] = NONE
        assert alpha_of(ratings, scale).alpha == pytest.approx(pairwise_alpha(ratings, scale))


def test_ordinal_alpha_looks_at_ranks_alone_and_interval_alpha_at_no_unit_or_origin() -> None:
    worked = np.array(WORKED)
    assert alpha_of(np.exp(worked), "ordinal").alpha == pytest.approx(alpha_of(worked, "ordinal").alpha)
    moved = alpha_of(1e6 + 0.1 * worked, "interval")
    assert moved.alpha == pytest.approx(alpha_of(worked, "interval").alpha)


def test_alpha_interval_covers_chance_agreement() -> None:
    rng = np.random.default_rng(3)
    found = [alpha_of(rng.integers(0, 3, (2, 80)), rng=rng, draws=150) for _ in range(150)]
    intervals = [alpha.interval(0.9) or (1.0, -1.0) for alpha in found]
    assert np.mean([alpha.alpha for alpha in found]) == pytest.approx(0.0, abs=0.03)
    covered = np.mean([lower <= 0.0 <= upper for lower, upper in intervals])
    assert 0.82 <= covered <= 0.96


def test_units_of_one_cluster_are_drawn_together() -> None:
    rng = np.random.default_rng(4)
    scenario = np.repeat(np.arange(30), 10)
    first = rng.integers(0, 2, 300)
    second = np.where(rng.random(30)[scenario] < 0.3, 1 - first, first)  # whole scenarios are misread
    ratings = np.array([first, second])
    alone = alpha_of(ratings, rng=np.random.default_rng(5), draws=400)
    together = alpha_of(ratings, cluster=scenario, rng=np.random.default_rng(5), draws=400)
    again = alpha_of(ratings, cluster=scenario, rng=np.random.default_rng(5), draws=400)
    assert together.alpha == alone.alpha
    assert (together.clusters, alone.clusters) == (30, 300)
    assert together.draws.std() > 2.5 * alone.draws.std()  # √10 in expectation
    assert np.array_equal(together.draws, again.draws)


def test_alpha_of_perfect_agreement_keeps_a_width() -> None:
    ratings = np.tile(np.tile([0.0, 1.0], 20), (2, 1))
    for scale in SCALES:
        found = alpha_of(ratings, scale, rng=np.random.default_rng(6), draws=100)
        lower, upper = found.interval(0.95) or (1.0, 1.0)
        assert (found.alpha, upper) == pytest.approx((1.0, 1.0))
        assert lower == pytest.approx(1 - floor(40, 0.025) / (40 / 79))  # by chance 2 · 40 · 40 of 80 · 79 pairs differ


def test_alpha_that_cannot_be_estimated_or_makes_no_sense() -> None:
    assert isinstance(krippendorff_alpha([[1.0, NONE], [NONE, 2.0]]), NotEstimable)
    assert isinstance(krippendorff_alpha(np.empty((2, 0))), NotEstimable)
    assert isinstance(krippendorff_alpha([[1.0, 1.0], [1.0, 1.0]]), NotEstimable)
    one = alpha_of([[0, 1, 1], [0, 1, 0]], cluster=[7, 7, 7], rng=np.random.default_rng(7))
    assert one.interval(0.95) is None  # one cluster shows nothing of how clusters differ
    with pytest.raises(StatisticsError, match="raters × units is needed"):
        krippendorff_alpha([1.0, 2.0])
    with pytest.raises(StatisticsError, match="raters × units is needed"):
        krippendorff_alpha([[1.0, np.inf], [1.0, 2.0]])
    with pytest.raises(StatisticsError, match="one integer for each of 2 units"):
        krippendorff_alpha([[1, 2], [1, 2]], cluster=[0])
    with pytest.raises(StatisticsError, match="'ratio'"):
        krippendorff_alpha([[1, 2], [1, 2]], scale="ratio")  # type: ignore[arg-type]  # what a careless caller does
    with pytest.raises(StatisticsError, match="found 0 draws"):
        krippendorff_alpha([[1, 2], [1, 2]], draws=0)
