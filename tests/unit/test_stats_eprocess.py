"""The running e-process: its values, its batches, its one guarantee."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import betabinom

from consistency.errors import StatisticsError
from consistency.stats import eprocess, kt, multiplicity

batches = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=30)


def split(looks: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    return [b for b, _ in looks], [c for _, c in looks]


@given(batches)
def test_every_look_has_the_e_value_of_the_pairs_so_far(looks: list[tuple[int, int]]) -> None:
    b, c = split(looks)
    process = eprocess.run(b, c)
    expected = [kt.log_e_value(sum(b[: look + 1]), sum(c[: look + 1])) for look in range(len(looks))]
    assert process.log_e == pytest.approx(expected, abs=1e-9)


def test_published_values_one_pair_at_a_time() -> None:
    process = eprocess.run([1] * 8, [0] * 8)
    assert process.e_values[4:] == pytest.approx([7.875, 14.4375, 26.8125, 50.2734375])
    assert process.first_look() == 7
    assert process.first_look(0.02) == 8
    assert process.first_look(0.001) is None
    assert process.p_value == pytest.approx(1 / 50.2734375)


@given(st.integers(0, 30), st.integers(0, 30))
def test_e_is_the_likelihood_ratio_of_a_beta_mixture_against_a_coin(b: int, c: int) -> None:
    mixture, coin = betabinom.pmf(b, b + c, 0.5, 0.5), math.comb(b + c, b) / 2 ** (b + c)
    assert float(eprocess.log_e_values(b, c)) == pytest.approx(math.log(mixture / coin), abs=1e-7)


@given(batches)
def test_concordant_looks_change_nothing_and_batches_read_the_same_path(looks: list[tuple[int, int]]) -> None:
    b, c = split(looks)
    singly = [pair for new_b, new_c in looks for pair in [(1, 0)] * new_b + [(0, 1)] * new_c + [(0, 0)]]
    path, read = eprocess.run(*split(singly)), eprocess.run(b, c)
    ends = np.cumsum([new_b + new_c + 1 for new_b, new_c in looks]) - 1
    assert read.log_e == pytest.approx(path.log_e[ends], abs=1e-9)
    assert read.p_value >= path.p_value * (1 - 1e-9)


@given(batches)
def test_p_values_never_rise_and_reach_alpha_when_e_does(looks: list[tuple[int, int]]) -> None:
    process = eprocess.run(*split(looks))
    p = process.p_values
    assert np.all(np.diff(p) <= 0)
    assert np.all((p > 0) & (p <= 1))
    assert p == pytest.approx(np.minimum(1.0, 1 / np.maximum.accumulate(process.e_values)))
    for alpha in (0.05, 0.3):
        first = process.first_look(alpha)
        assert (first is not None) == (process.p_value <= alpha)
        assert first is None or (p[first - 1] <= alpha and np.all(p[: first - 1] > alpha))


def test_before_the_first_look_there_is_no_evidence() -> None:
    empty = eprocess.run([], [])
    assert (empty.p_value, empty.first_look()) == (1.0, None)


def test_overwhelming_evidence_is_no_overflow() -> None:
    process = eprocess.run([50_000], [0])
    assert process.e_values[0] == math.inf
    assert process.p_value == 0.0
    assert process.log_e[0] == pytest.approx(kt.log_e_value(50_000, 0))


def test_mean_of_processes_is_the_mean_of_their_values_and_sees_opposite_gaps() -> None:
    up, down = eprocess.run([1] * 12, [0] * 12), eprocess.run([0] * 12, [1] * 12)
    both = eprocess.mean_of([up, down, eprocess.run([0] * 12, [0] * 12)])
    assert both.e_values == pytest.approx((up.e_values + down.e_values + 1) / 3)
    assert both.first_look() is not None
    assert eprocess.run([1] * 12, [1] * 12).first_look() is None
    with pytest.raises(StatisticsError, match=r"found lengths \[12, 1\]"):
        eprocess.mean_of([up, eprocess.run([1], [0])])
    with pytest.raises(StatisticsError, match="at least one"):
        eprocess.mean_of([])


def test_a_fair_coin_seldom_reaches_twenty_however_long_one_looks() -> None:
    rng = np.random.default_rng(8)
    b = rng.integers(0, 2, (2000, 1000)).cumsum(axis=1)
    log_e = eprocess.log_e_values(b, np.arange(1, 1001) - b)
    reached = np.mean(log_e.max(axis=1) >= math.log(20))
    assert 0.02 < reached < 0.05


@pytest.mark.parametrize(("b", "c"), [([1], [1, 0]), ([[1]], [[0]]), (1, 0)])
def test_looks_that_do_not_match_are_refused(b: object, c: object) -> None:
    with pytest.raises(StatisticsError, match="one count of each kind per look"):
        eprocess.run(b, c)  # type: ignore[arg-type]


@pytest.mark.parametrize("b", [[-1], [0.5], [math.nan], ["1"]])
def test_what_is_no_count_is_refused(b: list[object]) -> None:
    with pytest.raises(StatisticsError, match="whole counts of at least 0"):
        eprocess.run(b, [0])  # type: ignore[arg-type]


def test_levels_that_are_none_are_refused() -> None:
    with pytest.raises(StatisticsError, match="α = 20"):
        eprocess.run([1], [0]).first_look(20)


def test_e_bh_rejects_as_its_paper_says() -> None:
    # m = 4, α = .05: thresholds m/(kα) are 80, 40, 26.67, 20 for k = 1 … 4.
    assert multiplicity.e_benjamini_hochberg([79.0, 39.0, 26.0, 19.0]) == [False] * 4
    assert multiplicity.e_benjamini_hochberg([19.0, 41.0, 40.0, 0.0]) == [False, True, True, False]
    assert multiplicity.e_benjamini_hochberg([20.0, 20.0, 20.0, 20.0]) == [True] * 4
    assert multiplicity.e_benjamini_hochberg([None, math.inf, 1.0, None]) == [None, True, False, None]
    assert multiplicity.e_benjamini_hochberg([]) == []


@given(st.lists(st.floats(0.0, 500.0), min_size=1, max_size=12), st.sampled_from([0.05, 0.2]))
def test_e_bh_is_bh_on_reciprocals(e: list[float], alpha: float) -> None:
    adjusted = multiplicity.benjamini_hochberg([min(1.0, 1 / value) if value else 1.0 for value in e])
    close = [p is not None and abs(p - alpha) < 1e-9 for p in adjusted]
    if not any(close):
        assert multiplicity.e_benjamini_hochberg(e, alpha) == [p is not None and p <= alpha for p in adjusted]


@pytest.mark.parametrize(("e", "alpha"), [([-1.0], 0.05), ([math.nan], 0.05), ([1.0], 0.0), ([1.0], 5.0)])
def test_e_bh_refuses_what_is_no_evidence(e: list[float], alpha: float) -> None:
    with pytest.raises(StatisticsError, match=r"e-value 0|e-BH"):
        multiplicity.e_benjamini_hochberg(e, alpha)
