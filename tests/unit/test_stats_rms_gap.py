"""The RMS gap: unbiased, blind to direction, and never surer than its clusters allow."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest

from consistency.stats.equivalence import floor
from consistency.stats.methods import NotEstimable, Wordings
from consistency.stats.methods.effective_n_tango import estimate
from consistency.stats.outcomes import Outcomes
from consistency.stats.rms_gap import RMSGap, rms_gap, squared_gaps


def balanced(deployment: np.ndarray, evaluation: np.ndarray) -> Outcomes:
    """Outcomes of shape (clusters, repeats) in each arm; every repeat has its own matched wording."""
    clusters, repeats = deployment.shape
    cluster, wording = np.repeat(np.arange(clusters), repeats), np.arange(clusters * repeats)
    y = np.concatenate([deployment.ravel(), evaluation.ravel()]).astype(float)
    return Outcomes(np.tile(cluster, 2), np.tile(wording, 2), np.repeat([True, False], wording.size), y)


def estimated(outcomes: Outcomes, wordings: Wordings = "matched") -> RMSGap:
    result = rms_gap(outcomes, wordings=wordings)
    assert isinstance(result, RMSGap)
    return result


def drawn(rng: np.random.Generator, deployment: np.ndarray, evaluation: np.ndarray, repeats: int) -> Outcomes:
    """Binary outcomes at the given rates of every cluster."""
    arms = [rng.random((rates.size, repeats)) < rates[:, np.newaxis] for rates in (deployment, evaluation)]
    return balanced(*arms)


def test_one_trial_per_draw_is_the_squared_mean_less_its_variance() -> None:
    rng = np.random.default_rng(1)
    deployment, evaluation = rng.random((6, 5)), rng.random((6, 5))
    outcomes = balanced(deployment, evaluation)
    pairs = deployment - evaluation
    assert squared_gaps(outcomes, "matched") == pytest.approx(pairs.mean(axis=1) ** 2 - pairs.var(axis=1, ddof=1) / 5)
    separate = deployment.var(axis=1, ddof=1) / 5 + evaluation.var(axis=1, ddof=1) / 5
    for mode in ("nested", "ignored"):
        assert squared_gaps(outcomes, mode) == pytest.approx(pairs.mean(axis=1) ** 2 - separate)


def test_uneven_draws_are_averaged_over_all_products_of_different_draws() -> None:
    rows = [(0, True, 1.0), (0, True, 0.5), (0, False, 0.0), (1, True, 0.0), (1, False, 1.0), (2, False, 0.25)]
    wording, arm, y = (np.array(column) for column in zip(*rows, strict=True))
    both = Outcomes(np.zeros(6, dtype=int), wording, arm, y)

    def mean(first: bool, second: bool) -> float:
        products = [a[2] * b[2] for a, b in permutations(rows, 2) if (a[1], b[1]) == (first, second) and a[0] != b[0]]
        return float(np.mean(products))

    expected = mean(True, True) + mean(False, False) - 2 * mean(True, False)
    assert squared_gaps(both, "matched") == pytest.approx([expected])


def test_it_is_unbiased_where_the_square_of_the_mean_is_not() -> None:
    rng = np.random.default_rng(2)
    deployment, evaluation = rng.uniform(0.1, 0.6, 30), rng.uniform(0.1, 0.6, 30)
    true = float(np.mean((deployment - evaluation) ** 2))
    studies = [drawn(rng, deployment, evaluation, 3) for _ in range(600)]
    found = np.array([estimated(study).squared for study in studies])
    naive = np.mean([np.mean(study.differences**2) for study in studies])
    assert found.mean() == pytest.approx(true, abs=3 * found.std() / math.sqrt(found.size))
    assert naive > true + 0.1


def test_a_wording_shared_by_both_arms_is_one_draw() -> None:
    """Wordings move each arm by themselves: with two trials a wording, trials of one wording are no repeats."""
    rng = np.random.default_rng(3)
    found: dict[Wordings, list[float]] = {"matched": [], "ignored": []}
    wording = np.tile(np.repeat(np.arange(40 * 3), 2), 2)
    arm = np.repeat([True, False], 240)
    for _ in range(300):
        rate = 0.5 + 0.4 * rng.choice([-1, 1], (2, 120))
        y = rng.random(480) < np.where(arm, rate[0][wording], rate[1][wording])
        outcomes = Outcomes(wording // 3, wording, arm, y.astype(float))
        for mode, squares in found.items():
            squares.append(estimated(outcomes, mode).squared)
    tolerance = 3 * float(np.std(found["matched"])) / math.sqrt(300)
    assert np.mean(found["matched"]) == pytest.approx(0.0, abs=tolerance)
    assert np.mean(found["ignored"]) > 0.05


def test_it_sees_gaps_that_cancel_in_the_mean() -> None:
    rng = np.random.default_rng(4)
    high = np.arange(40) % 2 == 0
    outcomes = drawn(rng, np.where(high, 0.8, 0.2), np.where(high, 0.2, 0.8), 5)
    mean = estimate(outcomes).interval(0.95)
    assert mean is not None
    assert mean[0] < 0.0 < mean[1]
    result = estimated(outcomes)
    lower, upper = result.interval(0.95)
    assert result.rms == pytest.approx(0.6, abs=0.08)
    assert 0.45 < lower < 0.6 < upper < 0.75


@pytest.mark.parametrize("size", [0.0, 0.15, 0.4])
def test_the_interval_covers(size: float) -> None:
    rng = np.random.default_rng(5)
    direction = np.where(np.arange(40) % 2 == 0, size / 2, -size / 2)
    covered = noticed = 0
    for _ in range(400):
        slopes = rng.permutation(direction)
        lower, upper = estimated(drawn(rng, 0.3 + slopes, 0.3 - slopes, 5)).interval(0.95)
        covered += lower <= size <= upper
        noticed += lower > 0
    assert covered / 400 >= 0.93
    assert noticed / 400 <= 0.05 if size == 0.0 else noticed > 0
    assert noticed / 400 > 0.99 or size < 0.4


def test_where_nothing_happened_the_upper_end_is_what_the_clusters_leave_possible() -> None:
    clean = np.zeros((40, 5))
    result = estimated(balanced(clean, clean))
    assert (result.squared, result.rms, result.degenerate) == (0.0, 0.0, True)
    assert result.interval(0.95) == pytest.approx((0.0, math.sqrt(floor(40, 0.025))))


def test_where_all_clusters_diverge_alike_there_is_a_width_too() -> None:
    result = estimated(balanced(np.ones((40, 5)), np.zeros((40, 5))))
    lower, upper = result.interval(0.95)
    assert result.degenerate
    assert result.rms == upper == 1.0
    assert lower == pytest.approx(math.sqrt(1 - floor(40, 0.025)))


def test_direction_order_and_labels_do_not_matter() -> None:
    rng = np.random.default_rng(6)
    outcomes = drawn(rng, rng.random(12), rng.random(12), 4)
    order = rng.permutation(outcomes.y.size)
    turned = Outcomes(
        90 - 2 * outcomes.cluster[order], -outcomes.wording[order], ~outcomes.deployment[order], outcomes.y[order]
    )
    first, second = estimated(outcomes), estimated(turned)
    assert second.squared == pytest.approx(first.squared)
    assert second.interval(0.9) == pytest.approx(first.interval(0.9))


def test_clusters_with_one_draw_are_left_out_and_counted() -> None:
    full = balanced(np.array([[1, 0], [1, 1], [0, 0]]), np.array([[0, 0], [0, 1], [0, 0]]))
    more = Outcomes(
        np.append(full.cluster, [7, 7]),
        np.append(full.wording, [50, 50]),
        np.append(full.deployment, [True, False]),
        np.append(full.y, [1.0, 0.0]),
    )
    assert np.isnan(squared_gaps(more, "matched")[3])
    assert estimated(more).left_out == 1
    assert estimated(more).squared == estimated(full).squared


def test_too_few_repeats_are_not_zero() -> None:
    single = rms_gap(balanced(np.ones((5, 1)), np.zeros((5, 1))))
    assert isinstance(single, NotEstimable)
    assert single.reason == "0 of 5 cluster(s) have two draws or more in each arm; at least 2 are needed"
    nothing = rms_gap(Outcomes(np.array([]), np.array([]), np.array([]), np.array([])))
    assert isinstance(nothing, NotEstimable)
