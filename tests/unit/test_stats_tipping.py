"""How wrong a judge without labels would have to be: what tips a gap, and what tips its absence."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consistency.errors import StatisticsError
from consistency.stats.equivalence import tost_p_value
from consistency.stats.methods.effective_n_tango import GapEstimate, estimate
from consistency.stats.outcomes import Outcomes
from consistency.stats.tipping import JudgeLimits, consistent_p_value, room_for_error, tipping_point
from consistency.stats.value_gap import ValueGap

fractions = st.floats(0.0, 1.0)


def judged_gap(true: tuple[float, float], sensitivity: tuple[float, float], positives: tuple[float, float]) -> float:
    deployment, evaluation = (p * s + (1 - p) * f for p, s, f in zip(true, sensitivity, positives, strict=True))
    return deployment - evaluation


def test_tipping_point() -> None:
    assert tipping_point((0.04, 0.2)) == 0.04
    assert tipping_point((-0.3, -0.07)) == 0.07
    assert tipping_point((-0.1, 0.2)) == 0.0
    with pytest.raises(StatisticsError, match="interval: found"):
        tipping_point((0.2, 0.1))


@given(*[st.tuples(fractions, fractions)] * 2, fractions)
def test_no_judge_that_differs_less_than_the_tipping_point_erases_a_gap(
    sensitivity: tuple[float, float], positives: tuple[float, float], rate: float
) -> None:
    """With no true gap the judge makes an error no larger than its rates differ: less than κ* leaves a gap."""
    error = judged_gap((rate, rate), sensitivity, positives)
    differences = [abs(deployment - evaluation) for deployment, evaluation in (sensitivity, positives)]
    assert abs(error) <= max(differences) + 1e-12
    if sensitivity[0] == sensitivity[1]:
        assert abs(error) == pytest.approx(differences[1] * (1 - rate))


@given(*[st.tuples(fractions, fractions)] * 3)
def test_a_judged_gap_inside_the_reduced_margin_is_a_true_one_inside_the_margin(
    true: tuple[float, float], sensitivity: tuple[float, float], positives: tuple[float, float]
) -> None:
    gap = abs(true[0] - true[1])
    informedness = min(s - f for s, f in zip(sensitivity, positives, strict=True))
    difference = max(abs(rates[0] - rates[1]) for rates in (sensitivity, positives))
    if not (0.0 < gap < 1.0 and informedness > 0.0):
        return
    reduced = JudgeLimits(informedness, difference).margin(gap)
    assert abs(judged_gap(true, sensitivity, positives)) >= (reduced or 0.0) - 1e-12


def test_consistent_is_tested_against_the_reduced_margin() -> None:
    gap = ValueGap(0.01, 0.02, 39, 40, 40, 40)
    limits = JudgeLimits(informedness=0.8, difference=0.02)
    assert limits.margin(0.1) == pytest.approx(0.06)
    assert consistent_p_value(gap, 0.1, limits) == tost_p_value(gap, 0.8 * 0.1 - 0.02)
    assert consistent_p_value(gap, 0.1, JudgeLimits(0.8, 0.08)) is None
    assert JudgeLimits(1.0, 0.0).margin(0.1) == 0.1


@given(st.floats(-0.3, 0.3), st.floats(0.001, 0.2), st.floats(0.3, 1.0))
def test_room_for_error_is_where_consistent_tips(centre: float, half: float, informedness: float) -> None:
    interval = (centre - half, centre + half)
    room = room_for_error(interval, 0.2, informedness)
    if room is None:
        assert max(-interval[0], interval[1]) >= informedness * 0.2 - 1e-12
        return
    reduced = JudgeLimits(informedness, room).margin(0.2)
    assert reduced == pytest.approx(max(-interval[0], interval[1]))


def test_impossible_limits_are_refused() -> None:
    for informedness, difference in ((0.0, 0.1), (1.1, 0.1), (0.8, -0.1), (0.8, math.nan)):
        with pytest.raises(StatisticsError, match="judge limits"):
            JudgeLimits(informedness, difference)
    with pytest.raises(StatisticsError, match="margin: found 10"):
        JudgeLimits(0.8, 0.1).margin(10)


def test_no_room_for_a_judge_whose_gap_does_not_fit_the_margin() -> None:
    assert room_for_error((-0.02, 0.03), 0.1, 0.8) == pytest.approx(0.05)
    assert room_for_error((-0.02, 0.09), 0.1, 0.8) is None
    with pytest.raises(StatisticsError, match="interval: found"):
        room_for_error((0.2, 0.1), 0.1, 0.8)


def test_the_interval_of_record_tips_where_its_p_value_says() -> None:
    """100 scenarios, 30 of which misbehave in deployment alone: a gap which less than κ* leaves standing."""
    y = np.concatenate([np.arange(100) < 30, np.zeros(100)]).astype(float)
    found = estimate(Outcomes(np.tile(np.arange(100), 2), np.arange(200), np.repeat([True, False], 100), y))
    assert isinstance(found, GapEstimate)
    tips = tipping_point(found.interval(0.95))
    assert 0.2 < tips < 0.3
    assert found.p_value_above(tips - 1e-6) < 0.025 < found.p_value_above(tips + 1e-6)
    assert consistent_p_value(found, 0.6, JudgeLimits(0.9, 0.02)) == tost_p_value(found, 0.9 * 0.6 - 0.02)
