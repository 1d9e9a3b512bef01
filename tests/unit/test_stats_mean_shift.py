"""The mean-shift test against sign flips of numbers and full enumeration; its level, its power, what it refuses."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from consistency.errors import StatisticsError
from consistency.stats.mean_shift import (
    MeanShift,
    cluster_differences,
    gram_of_differences,
    mean_shift,
    mean_shift_from_gram,
)
from consistency.stats.methods import NotEstimable
from consistency.stats.outcomes import FloatArray, Outcomes
from consistency.stats.signflip import sign_flip
from consistency.stats.text_kernels import one_hot, rank_scores, text_features


def shifted(differences: FloatArray, seed: int = 0, draws: int = 499) -> MeanShift:
    result = mean_shift(differences, rng=np.random.default_rng(seed), draws=draws)
    assert isinstance(result, MeanShift)
    return result


def test_all_choices_of_signs_are_tried() -> None:
    d = np.random.default_rng(0).normal(0.4, 1.0, size=(9, 3))
    result = shifted(d)
    squares = [np.sum((np.array(signs) @ d / 9) ** 2) for signs in product([1, -1], repeat=9)]
    assert result.exact
    assert result.clusters == 9
    assert result.statistic == pytest.approx(np.sum(d.mean(axis=0) ** 2))
    assert result.p_value == pytest.approx(np.mean(np.array(squares) >= result.statistic - 1e-12))


@pytest.mark.parametrize("size", [2, 6, 14])
def test_in_one_dimension_it_is_the_sign_flip_test(size: int) -> None:
    for seed in range(20):
        d = np.random.default_rng(seed).choice([-1.0, -0.6, 0.0, 0.2, 0.2, 1.0], size=size)
        assert shifted(d[:, None]).p_value == pytest.approx(sign_flip(d).p_value)


def test_drawn_signs_approach_all_of_them() -> None:
    d = np.random.default_rng(1).normal(0.25, 1.0, size=(18, 1))
    drawn = shifted(d, draws=20_000)
    assert not drawn.exact
    assert drawn.p_value == pytest.approx(sign_flip(d).p_value, abs=0.015)


@pytest.mark.parametrize("clusters", [6, 40])
def test_inner_products_tell_all_that_vectors_do(clusters: int) -> None:
    d = np.random.default_rng(2).normal(0.2, 1.0, size=(clusters, 4))
    d[1] = 0.0
    from_gram = mean_shift_from_gram(d @ d.T, rng=np.random.default_rng(0), draws=499)
    assert isinstance(from_gram, MeanShift)
    result = shifted(d)
    assert (from_gram.exact, from_gram.p_value) == (result.exact, result.p_value)
    assert from_gram.statistic == pytest.approx(result.statistic)
    assert from_gram.squared_shift == pytest.approx(result.squared_shift)


def test_neither_a_turn_nor_an_order_nor_a_scale_nor_a_swap_of_arms_changes_p() -> None:
    rng = np.random.default_rng(3)
    d = rng.normal(0.3, 1.0, size=(10, 4))
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    for same in (d @ turn, d[::-1], 1e6 * d, 1e-6 * d, -d, np.pad(d, ((0, 0), (0, 20)))):
        assert shifted(same).p_value == shifted(d).p_value


def test_clusters_without_a_difference_count_as_clusters_and_no_more() -> None:
    d = np.random.default_rng(4).normal(0.5, 1.0, size=(8, 2))
    padded = shifted(np.concatenate([d, np.zeros((30, 2))]))
    assert padded.exact
    assert padded.p_value == shifted(d).p_value
    assert padded.clusters == 38
    nothing = shifted(np.zeros((5, 2)))
    assert (nothing.p_value, nothing.statistic, nothing.squared_shift) == (1.0, 0.0, 0.0)


def test_level_and_unbiased_length() -> None:
    rng = np.random.default_rng(5)
    null = [shifted(rng.normal(size=(30, 5)), seed, 199) for seed in range(400)]
    assert 0.025 <= np.mean([result.p_value <= 0.05 for result in null]) <= 0.085
    lengths = [shifted(rng.normal([0.6, 0.8], 1.0, size=(12, 2)), draws=1).squared_shift for _ in range(400)]
    assert np.mean(lengths) == pytest.approx(1.0, abs=0.15)


def arms(rng: np.random.Generator, own_wordings: bool) -> tuple[FloatArray, FloatArray]:
    """Category indicators of 30 scenarios, 4 trials an arm, and their clusters; wordings tilt the categories."""
    scenario, arm, _ = (axis.ravel() for axis in np.meshgrid(range(30), [0, 1], range(4), indexing="ij"))
    tilt = rng.normal(size=(30, 2, 3)) if own_wordings else np.tile(rng.normal(size=(1, 2, 3)), (30, 1, 1))
    scores = rng.normal(size=(30, 3))[scenario] + tilt[scenario, arm] + rng.gumbel(size=(scenario.size, 3))
    labels = np.array(["helps", "refuses", "warns"])[scores.argmax(axis=1)]
    return cluster_differences(one_hot(labels.tolist()), scenario, arm == 1), labels


def test_wordings_of_a_scenarios_own_are_allowed_for_and_one_wording_per_arm_is_not() -> None:
    rng = np.random.default_rng(6)
    rates = {
        own: np.mean([shifted(arms(rng, own)[0], seed, 99).p_value <= 0.05 for seed in range(150)])
        for own in (True, False)
    }
    assert rates[True] <= 0.11
    assert rates[False] >= 0.5


def test_categories_scores_and_texts_that_differ_are_seen() -> None:
    rng = np.random.default_rng(7)
    cluster, arm = np.tile(np.arange(20), 2), np.repeat([True, False], 20)
    texts = ["I refuse to do that." if deployed else "Certainly, here is the file." for deployed in arm]
    scores = rng.integers(1, 6, size=40) + 2 * arm
    for features in (one_hot(texts), text_features(texts), rank_scores(scores)):
        assert shifted(cluster_differences(features, cluster, arm)).p_value <= 0.01


def test_differences_of_one_column_are_those_of_the_outcomes() -> None:
    rng = np.random.default_rng(8)
    cluster, arm, y = rng.integers(0, 12, size=50), rng.random(50) < 0.5, rng.random(50)
    outcomes = Outcomes(cluster, cluster, arm, y)
    d = cluster_differences(y[:, None], cluster, arm)
    assert d[:, 0] == pytest.approx(outcomes.differences)
    features = rng.normal(size=(50, 3))
    d = cluster_differences(features, cluster, arm)
    assert gram_of_differences(features @ features.T, cluster, arm) == pytest.approx(d @ d.T)


def test_too_few_clusters_are_not_estimable() -> None:
    nowhere = cluster_differences(np.ones((3, 2)), np.arange(3), np.array([True, False, True]))
    assert nowhere.shape == (0, 2)
    for few in (nowhere, np.ones((1, 2))):
        result = mean_shift(few)
        assert isinstance(result, NotEstimable)
        assert "at least 2 are needed" in result.reason


def test_what_is_needed_is_asked_for() -> None:
    with pytest.raises(StatisticsError, match=r"found shape \(4,\)"):
        mean_shift(np.zeros(4))
    with pytest.raises(StatisticsError, match="finite numbers"):
        mean_shift(np.full((4, 2), np.nan))
    with pytest.raises(StatisticsError, match="30 units have too many choices of signs to list; pass rng"):
        mean_shift(np.ones((30, 2)))
    with pytest.raises(StatisticsError, match="found 0 draws"):
        mean_shift(np.ones((30, 2)), rng=np.random.default_rng(0), draws=0)
    with pytest.raises(StatisticsError, match="square matrix"):
        mean_shift_from_gram(np.ones((3, 2)))
    with pytest.raises(StatisticsError, match="not symmetric"):
        mean_shift_from_gram(np.array([[1.0, 0.5], [0.0, 1.0]]))
    with pytest.raises(StatisticsError, match="one label and one boolean"):
        cluster_differences(np.ones((3, 2)), np.arange(3), np.arange(3))
    with pytest.raises(StatisticsError, match="not a finite number"):
        cluster_differences(np.full((2, 2), np.inf), np.zeros(2, dtype=int), np.array([True, False]))
