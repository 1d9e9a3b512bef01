"""Drawn sign flips and the exact McNemar test of many pairs, against enumeration, scipy and statsmodels."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from consistency.errors import StatisticsError
from consistency.stats import mcnemar, signflip
from consistency.stats.intervals import conditional_paired, tango
from consistency.stats.outcomes import FloatArray
from consistency.stats.signflip import sign_choices, sign_flip

counts = st.integers(0, 40)


def test_flips_of_pairs_of_outcomes_are_the_exact_mcnemar_test() -> None:
    b, c = 5_100, 4_900
    d = np.repeat([1.0, -1.0, 0.0], [b, c, 90_000])
    drawn = sign_flip(d, rng=np.random.default_rng(0), draws=40_000)
    assert not drawn.exact
    assert drawn.p_value == pytest.approx(mcnemar.exact(b, c), abs=0.003)
    assert drawn.mid_p == pytest.approx(mcnemar.mid_p(b, c), abs=0.003)


@pytest.mark.parametrize("sizes", [[0.2], [0.2, 0.4, 1.0], None])
def test_drawn_flips_agree_with_scipy(sizes: list[float] | None) -> None:
    rng = np.random.default_rng(1)
    d = rng.normal(size=40) if sizes is None else rng.choice(sizes, size=40) * rng.choice([1, -1], size=40)
    d = d + 0.25 * np.abs(d) * (sizes is None)
    theirs = stats.permutation_test(
        (d,),
        lambda values, axis: values.mean(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=9_999,
        rng=np.random.default_rng(2),
    )
    ours = sign_flip(d, rng=np.random.default_rng(3), draws=40_000)
    assert ours.p_value == pytest.approx(theirs.pvalue, abs=0.02)


@given(st.lists(st.sampled_from([-1.0, -0.6, 0.0, 0.2, 0.5]), max_size=10))
def test_few_flips_are_enumerated(d: list[float]) -> None:
    sums = np.array([abs(np.dot(signs, d)) for signs in product([1, -1], repeat=len(d))])
    expected = np.mean(sums >= abs(sum(d)) - 1e-9)
    assert sign_flip(d).p_value == pytest.approx(expected)
    assert sign_flip(d).exact


def signed_sizes(seed: int) -> FloatArray:
    """Sizes shared by many differences, by a few, and by none."""
    rng = np.random.default_rng(seed)
    few = [rng.choice([0.25, 0.5], size=101), rng.normal(size=53)]
    return np.concatenate([np.full(600, 0.1), np.full(300, -0.3), *few])


def test_drawn_sums_have_the_moments_of_sums_of_random_signs() -> None:
    d = signed_sizes(4)
    sums = signflip._drawn_sums(d, 40_000, np.random.default_rng(5))
    variance = float((d**2).sum())
    assert sums.mean() == pytest.approx(0.0, abs=5 * np.sqrt(variance / sums.size))
    assert sums.var() == pytest.approx(variance, rel=0.04)
    assert stats.kstest(sums / np.sqrt(variance), "norm").statistic < 0.02


def test_tables_hold_all_sums_of_eight() -> None:
    d = np.random.default_rng(6).random(11)
    tables = signflip._tables_of_sums(d)
    assert tables.shape == (2, 256)
    every = sorted(np.dot(signs, d[:8]) for signs in product([1, -1], repeat=8))
    assert sorted(tables[0]) == pytest.approx(every)
    assert len(set(np.round(tables[1], 9))) == 8


def test_drawn_flips_hold_their_level() -> None:
    rng = np.random.default_rng(7)
    p_values = [sign_flip(signed_sizes(8) * rng.choice([1, -1], 1054), rng=rng, draws=199).p_value for _ in range(400)]
    assert 0.025 <= np.mean(np.array(p_values) <= 0.05) <= 0.085
    assert min(p_values) >= 1 / 200


def test_a_seed_decides_the_draws_and_too_few_are_refused() -> None:
    d = signed_sizes(9)
    twice = [sign_flip(d, rng=np.random.default_rng(1), draws=500) for _ in range(2)]
    assert twice[0] == twice[1]
    with pytest.raises(StatisticsError, match="found 0 draws"):
        sign_flip(d, rng=np.random.default_rng(0), draws=0)
    with pytest.raises(StatisticsError, match="pass rng"):
        sign_flip(d)


@pytest.mark.parametrize("units", [0, 1, 2, 9, 15])
def test_choices_of_signs_up_to_the_opposite(units: int) -> None:
    exact, blocks = sign_choices(units, None, 0)
    signs = np.concatenate(list(blocks))
    assert exact
    assert signs.shape == (2 ** max(units - 1, 0), units)
    assert (signs[0] == 1).all()
    assert len({tuple(row) for row in signs.tolist()} | {tuple(row) for row in (-signs).tolist()}) == 2**units


def test_drawn_choices_of_signs_follow_the_observed_one() -> None:
    exact, blocks = sign_choices(4_000, np.random.default_rng(0), 600)
    signs = np.concatenate(list(blocks))
    assert not exact
    assert signs.shape == (601, 4_000)
    assert (signs[0] == 1).all()
    assert np.array_equal(np.unique(signs), [-1.0, 1.0])
    assert abs(signs[1:].mean()) < 5 / np.sqrt(600 * 4_000)


@given(counts, counts, counts, counts)
def test_pairs_are_counted_and_tested_as_elsewhere(both: int, b: int, c: int, neither: int) -> None:
    n = both + b + c + neither
    deployment = np.repeat([1, 1, 0, 0], [both, b, c, neither])
    evaluation = np.repeat([True, False, True, False], [both, b, c, neither])
    if n == 0:
        with pytest.raises(StatisticsError, match="at least one"):
            mcnemar.exact_from_pairs(deployment, evaluation)
        return
    result = mcnemar.exact_from_pairs(deployment, evaluation)
    assert (result.b, result.c, result.n, result.difference) == (b, c, n, (b - c) / n)
    assert result.p_value == pytest.approx(statsmodels_mcnemar([[both, b], [c, neither]], exact=True).pvalue)
    if b + c == 0:
        assert result.interval is None
        return
    assert result.interval is not None
    lower, upper = result.interval
    share = stats.binomtest(b, b + c).proportion_ci(method="exact")
    assert lower == pytest.approx((2 * share.low - 1) * (b + c) / n, abs=1e-9)
    assert upper == pytest.approx((2 * share.high - 1) * (b + c) / n, abs=1e-9)
    assert lower <= result.difference <= upper
    assert (lower > 0 or upper < 0) == (result.p_value < 0.05)


def test_arms_exchanged_mirror_the_result() -> None:
    rng = np.random.default_rng(10)
    first, second = rng.random(100_000) < 0.3, rng.random(100_000) < 0.29
    one, other = mcnemar.exact_from_pairs(first, second), mcnemar.exact_from_pairs(second, first)
    assert (one.b, one.c, one.difference, one.p_value) == (other.c, other.b, -other.difference, other.p_value)
    assert one.interval is not None
    assert other.interval is not None
    assert one.interval == pytest.approx((-other.interval[1], -other.interval[0]))
    assert one.interval == pytest.approx(tango(one.b, one.c, one.n), abs=1e-4)


def test_what_is_no_outcome_is_refused() -> None:
    with pytest.raises(StatisticsError, match="0 or 1"):
        mcnemar.exact_from_pairs([0.5, 1.0], [0, 1])
    with pytest.raises(StatisticsError, match="found 2 and 3 outcomes"):
        mcnemar.exact_from_pairs([0, 1], [0, 1, 1])
    with pytest.raises(StatisticsError, match="0 or 1"):
        mcnemar.exact_from_pairs([0, np.nan], [0, 1])
    with pytest.raises(StatisticsError, match="confidence level"):
        conditional_paired(0, 0, 5, level=1.0)
