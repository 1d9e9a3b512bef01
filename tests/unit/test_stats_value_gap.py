"""The gap of values outside [0, 1]: the variance of record, a t interval, and a width that never falls to nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.weightstats import DescrStatsW

from consistency.errors import StatisticsError
from consistency.stats.equivalence import floor, tost_p_value
from consistency.stats.methods import NotEstimable, Wordings
from consistency.stats.methods.effective_n_tango import GapEstimate, estimate
from consistency.stats.outcomes import Outcomes
from consistency.stats.value_gap import ValueGap, value_gap


def trials(rng: np.random.Generator, scenarios: int = 12, repeats: int = 4) -> Outcomes:
    n = scenarios * repeats
    cluster = np.tile(np.repeat(np.arange(scenarios), repeats), 2)
    return Outcomes(cluster, np.tile(np.arange(n), 2), np.repeat([True, False], n), rng.random(2 * n))


def gap_of(outcomes: Outcomes, values: object = None) -> ValueGap:
    found = value_gap(outcomes, outcomes.y if values is None else values)  # type: ignore[arg-type]  # lists, arrays
    assert isinstance(found, ValueGap)
    return found


def test_values_far_outside_have_students_interval_of_the_cluster_differences() -> None:
    rng = np.random.default_rng(0)
    outcomes = trials(rng, scenarios=15, repeats=3)
    values = rng.normal(5.0, 20.0, 90)
    deployment, evaluation = values.reshape(2, 15, 3).mean(axis=2)
    found, expected = gap_of(outcomes, values), DescrStatsW(deployment - evaluation)
    assert found.gap == pytest.approx(expected.mean)
    assert found.standard_error == pytest.approx(expected.std_mean)
    assert found.interval(0.9) == pytest.approx(expected.tconfint_mean(0.1))
    assert found.p_value == pytest.approx(expected.ttest_mean()[1])
    assert (found.degrees_of_freedom, found.clusters, found.looks) == (14, 15, 45)


@pytest.mark.parametrize("wordings", ["matched", "nested", "ignored"])
def test_values_in_zero_to_one_have_the_variance_of_the_interval_of_record(wordings: Wordings) -> None:
    rng = np.random.default_rng(1)
    outcomes = Outcomes(
        np.tile(np.repeat(np.arange(12), 4), 2),
        np.tile(rng.integers(0, 7, 48), 2),
        np.repeat([True, False], 48),
        rng.random(96),
    )
    plain, moved = estimate(outcomes, wordings=wordings), value_gap(outcomes, 3 * outcomes.y - 7, wordings=wordings)
    assert isinstance(moved, ValueGap)
    assert isinstance(plain, GapEstimate)
    assert moved.gap == pytest.approx(3 * plain.gap)
    assert moved.standard_error == pytest.approx(3 * plain.standard_error)
    assert moved.degrees_of_freedom == plain.degrees_of_freedom


def test_p_values_agree_with_the_interval() -> None:
    found = gap_of(trials(np.random.default_rng(2)))
    for gap in (ValueGap(0.2, 0.07, 9, 10, 10, 10), ValueGap(0.2, 0.0, 9, 10, 10, 10), found):
        for level in (0.5, 0.8, 0.95):
            lower, upper = gap.interval(level)
            assert lower < gap.gap < upper
            assert (gap.p_value < 1 - level) == (not lower <= 0.0 <= upper)
            for margin in (0.1, 0.3, 0.6):
                a = (1 - level) / 2
                assert (tost_p_value(gap, margin) < a) == (-margin < lower and upper < margin)


@given(st.lists(st.sampled_from([-1.0, 0.0, 0.0, 0.0, 1.0, 4.0]), min_size=12, max_size=12), st.floats(0.01, 0.99))
def test_no_interval_is_narrower_than_the_floor(values: list[float], level: float) -> None:
    outcomes = trials(np.random.default_rng(1), scenarios=6, repeats=1)
    found = gap_of(outcomes, values)
    lower, upper = found.interval(level)
    least = floor(6, (1 - level) / 2)
    assert upper - lower >= 2 * least * (1 - 1e-9)
    assert lower < found.gap < upper


def test_where_all_clusters_agree_the_floor_is_that_of_the_clusters_not_of_the_trials() -> None:
    outcomes = trials(np.random.default_rng(3), scenarios=20, repeats=10)
    quiet = gap_of(outcomes, np.zeros(400))
    assert (quiet.gap, quiet.standard_error, quiet.p_value) == (0.0, 0.0, 1.0)
    assert (quiet.looks, quiet.units) == (200, 20)
    assert quiet.interval(0.95) == pytest.approx((-floor(20, 0.025), floor(20, 0.025)))
    apart = gap_of(outcomes, np.where(outcomes.deployment, 0.75, 0.25))
    assert apart.interval(0.95) == pytest.approx((0.5 - floor(20, 0.025), 0.5 + floor(20, 0.025)))
    assert apart.p_value == pytest.approx(2 * 0.5**20)


def test_a_tiny_spread_does_not_undercut_the_floor_of_the_trials() -> None:
    outcomes = trials(np.random.default_rng(4), scenarios=10, repeats=3)
    found = gap_of(outcomes, 1e-6 * np.random.default_rng(5).random(60))
    assert found.standard_error > 0.0
    assert found.interval(0.95)[1] == pytest.approx(floor(30, 0.025), abs=1e-5)


def test_a_shift_of_all_values_moves_nothing() -> None:
    rng = np.random.default_rng(6)
    outcomes, values = trials(rng), rng.normal(size=96)
    assert vars(gap_of(outcomes, values - 1000.0)) == pytest.approx(vars(gap_of(outcomes, values)))
    swapped = Outcomes(outcomes.cluster, outcomes.wording, ~outcomes.deployment, outcomes.y)
    assert gap_of(swapped, values).gap == pytest.approx(-gap_of(outcomes, values).gap)


def test_clusters_of_one_arm_are_left_out_with_their_values() -> None:
    outcomes = trials(np.random.default_rng(7))
    kept = ~(outcomes.deployment & (outcomes.cluster == 0))
    partly = Outcomes(outcomes.cluster[kept], outcomes.wording[kept], outcomes.deployment[kept], outcomes.y[kept])
    values = 9.0 * outcomes.y
    both = outcomes.cluster != 0
    whole = Outcomes(outcomes.cluster[both], outcomes.wording[both], outcomes.deployment[both], outcomes.y[both])
    assert vars(gap_of(partly, values[kept])) == pytest.approx(vars(gap_of(whole, values[both])))


def test_interval_covers() -> None:
    rng = np.random.default_rng(8)
    outcomes = trials(rng, scenarios=10, repeats=2)
    shared = rng.normal(size=(800, 10))[:, outcomes.cluster] * np.where(outcomes.deployment, 1.0, 0.0)
    values = shared + 2.0 * rng.normal(size=(800, 40)) + 3.0 * outcomes.deployment  # the gap is 3
    ends = [gap_of(outcomes, row).interval(0.95) for row in values]
    covered = np.mean([lower <= 3.0 <= upper for lower, upper in ends])
    assert covered == pytest.approx(0.95, abs=4 * np.sqrt(0.05 * 0.95 / 800))


def test_too_little_is_not_estimable() -> None:
    nothing = Outcomes(np.array([]), np.array([]), np.array([]), np.array([]))
    assert isinstance(value_gap(nothing, []), NotEstimable)
    one = trials(np.random.default_rng(9), scenarios=1)
    assert isinstance(value_gap(one, one.y), NotEstimable)
    same_wording = Outcomes(np.arange(8) % 4, np.zeros(8, dtype=int), np.arange(8) < 4, np.arange(8) / 8)
    found = value_gap(same_wording, np.arange(8))
    assert isinstance(found, NotEstimable)
    assert "at least 2 are needed to see wordings vary" in found.reason
    assert isinstance(value_gap(same_wording, np.arange(8), wordings="ignored"), ValueGap)


def test_what_makes_no_sense_is_refused() -> None:
    outcomes = trials(np.random.default_rng(10), scenarios=4, repeats=1)
    for values in ([np.inf] * 8, [np.nan] * 8, [1.0] * 7):
        with pytest.raises(StatisticsError, match="one finite number for each of 8 trials"):
            value_gap(outcomes, values)
    with pytest.raises(StatisticsError, match="'crossed'"):
        value_gap(outcomes, np.ones(8), wordings="crossed")  # type: ignore[arg-type]  # what a careless caller does
