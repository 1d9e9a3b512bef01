"""The wild cluster bootstrap: against samples drawn and studentised one by one, and against its siblings."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from consistency.errors import StatisticsError
from consistency.stats.cluster_t import ClusterT, cluster_t
from consistency.stats.methods import NotEstimable
from consistency.stats.outcomes import Outcomes
from consistency.stats.signflip import sign_flip
from consistency.stats.wild_bootstrap import WildBootstrap, wild_bootstrap


def with_differences(differences: np.ndarray) -> Outcomes:
    """One trial per cluster and arm, with these differences."""
    clusters = np.arange(differences.size)
    y = np.concatenate([np.maximum(differences, 0), np.maximum(-differences, 0)])
    return Outcomes(np.tile(clusters, 2), np.tile(clusters, 2), np.repeat([True, False], clusters.size), y)


def bootstrapped(differences: np.ndarray, seed: int | None = None, draws: int = 9_999) -> WildBootstrap:
    rng = None if seed is None else np.random.default_rng(seed)
    result = wild_bootstrap(with_differences(differences), rng=rng, draws=draws)
    assert isinstance(result, WildBootstrap)
    return result


def share_as_far(differences: np.ndarray, supposed: float) -> float:
    """The p value of a supposed gap, every sample's t computed from its own spread."""
    residuals = differences - supposed
    samples = np.array(list(product([1.0, -1.0], repeat=differences.size))) * residuals
    root = np.sqrt(differences.size)
    with np.errstate(divide="ignore"):
        t = np.abs(samples.mean(axis=1)) / (samples.std(axis=1, ddof=1) / root)
        observed = abs(residuals.mean()) / (residuals.std(ddof=1) / root)
    return float(np.mean(t >= observed * (1 - 1e-9)))


SOME = np.random.default_rng(1).uniform(-0.3, 0.9, 9)


def test_p_value_is_that_of_studentised_samples_and_of_sign_flips() -> None:
    result = bootstrapped(SOME)
    assert result.exact
    assert result.gap == pytest.approx(SOME.mean())
    assert result.p_value == pytest.approx(share_as_far(SOME, 0.0))
    assert result.p_value == pytest.approx(sign_flip(SOME).p_value)


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
def test_the_interval_ends_where_studentised_samples_begin_to_reject(level: float) -> None:
    lower, upper = bootstrapped(SOME).interval(level)
    assert share_as_far(SOME, lower + 1e-6) > 1 - level >= share_as_far(SOME, lower - 1e-6)
    assert share_as_far(SOME, upper - 1e-6) > 1 - level >= share_as_far(SOME, upper + 1e-6)


def test_p_value_agrees_with_the_interval() -> None:
    rng = np.random.default_rng(2)
    for seed in range(60):
        differences = np.clip(rng.normal(0.2, 0.3, int(rng.integers(6, 30))), -1, 1)
        result = bootstrapped(differences, seed, draws=499)
        for level in (0.8, 0.95):
            lower, upper = result.interval(level)
            assert (result.p_value <= 1 - level + 1e-12) == (not lower <= 0.0 <= upper)


def test_with_many_normal_clusters_it_is_the_t() -> None:
    differences = np.clip(np.random.default_rng(3).normal(0.05, 0.2, 200), -1, 1)
    result, check = bootstrapped(differences, seed=4), cluster_t(with_differences(differences))
    assert isinstance(check, ClusterT)
    assert not result.exact
    assert result.p_value == pytest.approx(float(ttest_1samp(differences, 0).pvalue), abs=0.01)
    assert result.interval(0.95) == pytest.approx(check.interval(0.95), abs=0.002)


def test_swapping_the_arms_mirrors_it_and_relabelling_changes_nothing() -> None:
    result, mirrored = bootstrapped(SOME), bootstrapped(-SOME)
    lower, upper = result.interval(0.9)
    assert mirrored.interval(0.9) == pytest.approx((-upper, -lower))
    assert mirrored.p_value == result.p_value
    assert bootstrapped(SOME[::-1]).interval(0.9) == pytest.approx((lower, upper))


def test_few_clusters_cannot_exclude_anything_at_a_high_level() -> None:
    result = bootstrapped(np.array([0.2, 0.3, 0.25]))
    assert result.p_value == 0.25
    assert result.interval(0.95) == (-1.0, 1.0)
    assert result.interval(0.5)[0] > 0.0


def test_it_rejects_a_true_null_at_its_level_with_few_skewed_clusters() -> None:
    rng = np.random.default_rng(5)
    rejected = 0
    for _ in range(400):
        rates = rng.beta(0.5, 1.5, 12)
        counts = rng.binomial(4, rates, (2, 12)) / 4
        outcome = wild_bootstrap(with_differences(counts[0] - counts[1]))
        rejected += isinstance(outcome, WildBootstrap) and outcome.p_value <= 0.05
    assert rejected / 400 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_the_same_seed_gives_the_same() -> None:
    differences = np.random.default_rng(6).uniform(-0.5, 0.6, 30)
    assert bootstrapped(differences, seed=7).interval(0.95) == bootstrapped(differences, seed=7).interval(0.95)


def test_what_has_no_spread_or_too_few_clusters_is_not_estimable() -> None:
    for differences in (np.zeros(8), np.ones(8), np.array([0.5]), np.array([])):
        assert isinstance(wild_bootstrap(with_differences(differences)), NotEstimable)


def test_many_clusters_need_a_generator_and_draws() -> None:
    many = with_differences(np.linspace(-0.5, 0.5, 15))
    with pytest.raises(StatisticsError, match="15 clusters are too many to enumerate; pass rng"):
        wild_bootstrap(many)
    with pytest.raises(StatisticsError, match="found 0 draws"):
        wild_bootstrap(many, rng=np.random.default_rng(0), draws=0)
