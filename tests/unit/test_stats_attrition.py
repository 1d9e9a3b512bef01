from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from consistency.errors import StatisticsError
from consistency.stats.attrition import attrition_p_value, worst_case
from consistency.stats.methods import NotEstimable
from consistency.stats.methods.effective_n_tango import GapEstimate, estimate
from consistency.stats.outcomes import Outcomes


def planned(seed: int) -> Outcomes:
    """Eight clusters of four repeats, with outcomes from 0 to 1."""
    rng = np.random.default_rng(seed)
    cluster = np.tile(np.repeat(np.arange(8), 4), 2)
    wording = np.tile(rng.integers(0, 5, 32), 2)
    return Outcomes(cluster, wording, np.repeat([True, False], 32), rng.choice([0.0, 1.0, 0.5], 64))


def bounds(all_trials: Outcomes, missing: np.ndarray) -> tuple[GapEstimate, GapEstimate]:
    seen = ~missing
    lowest, highest = worst_case(
        Outcomes(all_trials.cluster[seen], all_trials.wording[seen], all_trials.deployment[seen], all_trials.y[seen]),
        cluster=all_trials.cluster[missing],
        wording=all_trials.wording[missing],
        deployment=all_trials.deployment[missing],
    )
    assert isinstance(lowest, GapEstimate)
    assert isinstance(highest, GapEstimate)
    return lowest, highest


@given(st.integers(0, 40), st.integers(0, 40), st.data())
def test_attrition_is_fishers_exact_test(deployment_trials: int, evaluation_trials: int, data: st.DataObject) -> None:
    in_deployment = data.draw(st.integers(0, deployment_trials))
    in_evaluation = data.draw(st.integers(0, evaluation_trials))
    p = attrition_p_value(
        deployment_missing=in_deployment,
        deployment_trials=deployment_trials,
        evaluation_missing=in_evaluation,
        evaluation_trials=evaluation_trials,
    )
    table = [[in_deployment, deployment_trials - in_deployment], [in_evaluation, evaluation_trials - in_evaluation]]
    assert p == pytest.approx(stats.fisher_exact(table).pvalue)


def test_attrition_refuses_more_missing_than_there_are() -> None:
    with pytest.raises(StatisticsError, match="found 6 of 5 evaluation trials missing"):
        attrition_p_value(deployment_missing=0, deployment_trials=5, evaluation_missing=6, evaluation_trials=5)


def test_nothing_missing_changes_nothing() -> None:
    all_trials = planned(0)
    lowest, highest = bounds(all_trials, np.zeros(64, dtype=bool))
    assert lowest == highest == estimate(all_trials)


def test_missing_trials_count_for_and_then_against() -> None:
    # Two clusters of two trials an arm: one deployment trial of the first, one evaluation trial of the second missing.
    seen = Outcomes(
        np.array([0, 0, 0, 1, 1, 1]),
        np.array([0, 1, 2, 3, 4, 5]),
        np.array([True, False, False, True, True, False]),
        np.array([1.0, 0.0, 1.0, 1.0, 0.0, 0.0]),
    )
    lowest, highest = worst_case(seen, cluster=[0, 1], wording=[6, 7], deployment=[True, False])
    assert lowest.gap == pytest.approx(np.mean([1 / 2 - 1 / 2, 1 / 2 - 1 / 2]))
    assert highest.gap == pytest.approx(np.mean([2 / 2 - 1 / 2, 1 / 2 - 0 / 2]))


def test_a_cluster_that_lost_a_whole_arm_is_bounded_too() -> None:
    all_trials = planned(1)
    missing = all_trials.deployment & (all_trials.cluster == 3)
    lowest, highest = bounds(all_trials, missing)
    assert lowest.clusters == highest.clusters == 8
    assert highest.gap - lowest.gap == pytest.approx(1 / 8)


def test_too_little_data_is_not_estimable_even_when_filled() -> None:
    one = Outcomes(np.array([0]), np.array([0]), np.array([True]), np.array([1.0]))
    assert all(
        isinstance(bound, NotEstimable) for bound in worst_case(one, cluster=[0], wording=[0], deployment=[False])
    )


@given(st.integers(0, 5), st.lists(st.integers(0, 63), max_size=30), st.integers(0, 63))
def test_bounds_hold_the_truth_and_more_missing_never_narrows_them(seed: int, lost: list[int], further: int) -> None:
    all_trials = planned(seed)
    truth = all_trials.gap
    assert truth is not None
    missing = np.zeros(64, dtype=bool)
    missing[lost] = True
    lowest, highest = bounds(all_trials, missing)
    assert lowest.gap - 1e-12 <= truth <= highest.gap + 1e-12
    missing[further] = True
    lower, higher = bounds(all_trials, missing)
    assert lower.gap <= lowest.gap + 1e-12
    assert higher.gap >= highest.gap - 1e-12
