"""What must hold of the interval of record, and of the checks on it, whatever the outcomes are."""

from __future__ import annotations

from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from consistency.stats.attrition import worst_case
from consistency.stats.cluster_t import ClusterT, cluster_t
from consistency.stats.methods import NotEstimable, Wordings
from consistency.stats.methods.effective_n_tango import GapEstimate, estimate
from consistency.stats.outcomes import Outcomes
from consistency.stats.rms_gap import RMSGap, rms_gap
from consistency.stats.wild_bootstrap import WildBootstrap, wild_bootstrap

MODES: tuple[Wordings, ...] = ("matched", "nested", "ignored")
ROUNDING = 1e-9

thorough = settings(max_examples=100, derandomize=True, deadline=None)
modes = st.sampled_from(MODES)
Trial = tuple[int, int, bool, float]


def made(rows: list[Trial]) -> Outcomes:
    cluster, wording, deployment, y = zip(*rows, strict=True)
    return Outcomes(np.array(cluster), np.array(wording), np.array(deployment), np.array(y))


@st.composite
def studies(draw: st.DrawFn) -> Outcomes:
    """Up to six clusters, some of them in one arm alone, with uneven repeats and shared wordings."""
    values = draw(st.sampled_from([(0.0, 1.0), (0.0, 0.0, 0.0, 1.0), (0.0, 0.25, 0.5, 1.0)]))
    trial = st.tuples(st.integers(0, draw(st.integers(0, 4))), st.sampled_from(values))
    rows: list[Trial] = []
    for cluster, deployment in product(range(draw(st.integers(2, 6))), (True, False)):
        fewest = 1 if cluster < 2 else 0
        rows += [(cluster, h, deployment, y) for h, y in draw(st.lists(trial, min_size=fewest, max_size=3))]
    return made(rows)


def rows_at(outcomes: Outcomes, rows: np.ndarray) -> Outcomes:
    return Outcomes(outcomes.cluster[rows], outcomes.wording[rows], outcomes.deployment[rows], outcomes.y[rows])


def assert_same(first: GapEstimate | NotEstimable, second: GapEstimate | NotEstimable) -> None:
    if isinstance(first, NotEstimable) or isinstance(second, NotEstimable):
        assert first == second
        return
    assert second.gap == pytest.approx(first.gap, abs=ROUNDING)
    assert second.standard_error == pytest.approx(first.standard_error, abs=ROUNDING)
    assert second.p_value == pytest.approx(first.p_value, abs=1e-6)
    for level in (0.8, 0.95, 0.99):
        assert second.interval(level) == pytest.approx(first.interval(level), abs=1e-7)


def width(result: GapEstimate) -> float:
    lower, upper = result.interval(0.95)
    return upper - lower


@thorough
@given(studies(), modes)
def test_swapping_the_arms_negates_the_gap_and_mirrors_the_interval(outcomes: Outcomes, mode: Wordings) -> None:
    there = estimate(outcomes, wordings=mode)
    back = estimate(Outcomes(outcomes.cluster, outcomes.wording, ~outcomes.deployment, outcomes.y), wordings=mode)
    if isinstance(there, NotEstimable) or isinstance(back, NotEstimable):
        assert there == back
        return
    assert back.gap == -there.gap
    assert (back.b, back.c) == pytest.approx((there.c, there.b))
    assert back.p_value == pytest.approx(there.p_value)
    lower, upper = there.interval(0.95)
    assert back.interval(0.95) == pytest.approx((-upper, -lower), abs=ROUNDING)


@thorough
@given(studies(), modes, st.randoms(use_true_random=False))
def test_the_order_of_the_trials_does_not_matter(outcomes: Outcomes, mode: Wordings, random: Random) -> None:
    order = random.sample(range(outcomes.y.size), outcomes.y.size)
    shuffled = rows_at(outcomes, np.array(order))
    assert_same(estimate(outcomes, wordings=mode), estimate(shuffled, wordings=mode))


@thorough
@given(studies(), modes, st.permutations(range(-3, 3)), st.integers(-(10**9), 10**9))
def test_names_of_clusters_and_wordings_do_not_matter(
    outcomes: Outcomes, mode: Wordings, names: list[int], factor: int
) -> None:
    renamed = Outcomes(
        np.array(names)[outcomes.cluster], outcomes.wording * (2 * factor + 1), outcomes.deployment, outcomes.y
    )
    assert_same(estimate(outcomes, wordings=mode), estimate(renamed, wordings=mode))


@thorough
@given(studies(), modes, st.sampled_from([0.01, 0.5, 0.9, 0.95, 0.999]))
def test_intervals_hold_the_gap_and_stay_between_minus_one_and_one(
    outcomes: Outcomes, mode: Wordings, level: float
) -> None:
    result = estimate(outcomes, wordings=mode)
    if isinstance(result, GapEstimate):
        lower, upper = result.interval(level)
        assert -1.0 <= lower <= result.gap <= upper <= 1.0
        assert lower < upper


@thorough
@given(studies(), modes, st.sampled_from([0.2, 0.05, 0.01]))
def test_p_is_small_exactly_when_the_interval_excludes_zero(outcomes: Outcomes, mode: Wordings, alpha: float) -> None:
    result = estimate(outcomes, wordings=mode)
    if isinstance(result, NotEstimable) or abs(result.p_value - alpha) < ROUNDING:
        return
    lower, upper = result.interval(1 - alpha)
    assert (result.p_value < alpha) == (lower > 0.0 or upper < 0.0)


def doubled(outcomes: Outcomes) -> Outcomes:
    return rows_at(outcomes, np.tile(np.arange(outcomes.y.size), 2))


# Differences of +½ and −½ out of two pairs each: independent pairs as discordant as these would scatter more, so that
# n is held at the 4 pairs there are; with every trial written twice it is held at 8.
EVEN = made(
    [
        *[(0, 0, True, 1.0), (0, 1, True, 0.0), (0, 2, False, 1.0), (0, 3, False, 0.0)],
        *[(1, 4, True, 1.0), (1, 5, True, 0.0), (1, 6, False, 1.0), (1, 7, False, 0.0)],
        *[(2, 8, True, 1.0), (2, 9, True, 1.0), (2, 10, False, 1.0), (2, 11, False, 0.0)],
    ]
)


@thorough
@example(EVEN)
@given(studies())
def test_duplicating_every_trial_changes_nothing(outcomes: Outcomes) -> None:
    before, after = estimate(outcomes, wordings="ignored"), estimate(doubled(outcomes), wordings="ignored")
    if isinstance(before, NotEstimable) or isinstance(after, NotEstimable):
        assert before == after
        return
    assert after.standard_error == pytest.approx(before.standard_error, abs=ROUNDING)
    assert width(after) == pytest.approx(width(before), abs=1e-7)


@st.composite
def attritions(draw: st.DrawFn) -> tuple[Outcomes, np.ndarray, np.ndarray]:
    """A study, the trials missing from it, and those and more."""
    outcomes = draw(studies())
    flags = st.lists(st.booleans(), min_size=outcomes.y.size, max_size=outcomes.y.size).map(np.array)
    some = draw(flags)
    return outcomes, some, some | draw(flags)


def worst_gaps(outcomes: Outcomes, missing: np.ndarray) -> tuple[float, float]:
    lowest, highest = worst_case(
        rows_at(outcomes, ~missing),
        cluster=outcomes.cluster[missing],
        wording=outcomes.wording[missing],
        deployment=outcomes.deployment[missing],
        wordings="ignored",
    )
    assert isinstance(lowest, GapEstimate)
    assert isinstance(highest, GapEstimate)
    return lowest.gap, highest.gap


@thorough
@given(attritions())
def test_more_missing_trials_never_narrow_the_worst_case(attrition: tuple[Outcomes, np.ndarray, np.ndarray]) -> None:
    outcomes, some, more = attrition
    (low, high), (lowest, highest) = worst_gaps(outcomes, some), worst_gaps(outcomes, more)
    assert outcomes.gap is not None
    assert lowest - ROUNDING <= low <= outcomes.gap + ROUNDING
    assert outcomes.gap - ROUNDING <= high <= highest + ROUNDING


@thorough
@given(studies(), st.sampled_from([0.8, 0.95]))
def test_cross_checks_mirror_with_the_arms_and_hold_the_gap(outcomes: Outcomes, level: float) -> None:
    swapped = Outcomes(outcomes.cluster, outcomes.wording, ~outcomes.deployment, outcomes.y)
    for check in (cluster_t, wild_bootstrap):
        there, back = check(outcomes), check(swapped)
        if isinstance(there, NotEstimable) or isinstance(back, NotEstimable):
            assert there == back
            continue
        assert isinstance(there, (ClusterT, WildBootstrap))
        lower, upper = there.interval(level)
        assert -1.0 <= lower <= there.gap + ROUNDING
        assert there.gap - ROUNDING <= upper <= 1.0
        assert back.interval(level) == pytest.approx((-upper, -lower), abs=ROUNDING)


@thorough
@given(studies(), modes, st.permutations(range(-3, 3)), st.sampled_from([0.5, 0.95, 0.999]))
def test_the_rms_gap_knows_neither_direction_nor_names_and_has_a_width(
    outcomes: Outcomes, mode: Wordings, names: list[int], level: float
) -> None:
    turned = Outcomes(np.array(names)[outcomes.cluster], -3 * outcomes.wording, ~outcomes.deployment, outcomes.y)
    there, back = rms_gap(outcomes, wordings=mode), rms_gap(turned, wordings=mode)
    if isinstance(there, NotEstimable) or isinstance(back, NotEstimable):
        assert there == back
        return
    assert isinstance(there, RMSGap)
    assert back.squared == pytest.approx(there.squared, abs=ROUNDING)
    lower, upper = there.interval(level)
    assert 0.0 <= lower <= there.rms <= upper <= 1.0
    assert lower < upper
