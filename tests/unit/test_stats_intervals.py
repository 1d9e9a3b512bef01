from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import ndtri
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from consistency.errors import StatisticsError
from consistency.stats import intervals


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, int, int]:
    b, c = draw(st.integers(0, 40)), draw(st.integers(0, 40))
    return b, c, max(1, b + c + draw(st.integers(0, 60)))


@given(st.integers(1, 300), st.data(), st.sampled_from([0.8, 0.95, 0.99]))
def test_rates_agree_with_statsmodels(n: int, data: st.DataObject, level: float) -> None:
    successes = data.draw(st.integers(0, n))
    for interval, name in ((intervals.wilson, "wilson"), (intervals.clopper_pearson, "beta")):
        expected = proportion_confint(successes, n, alpha=1 - level, method=name)
        assert interval(successes, n, level) == pytest.approx(expected, abs=1e-9)


@given(st.integers(1, 100), st.integers(1, 100), st.data())
def test_newcombe_agrees_with_statsmodels(n_1: int, n_2: int, data: st.DataObject) -> None:
    x_1, x_2 = data.draw(st.integers(0, n_1)), data.draw(st.integers(0, n_2))
    expected = confint_proportions_2indep(x_1, n_1, x_2, n_2, method="newcomb", compare="diff", correction=False)
    assert intervals.newcombe(x_1, n_1, x_2, n_2) == pytest.approx(expected, abs=1e-9)


def test_newcombe_published() -> None:
    # Newcombe (1998), Statistics in Medicine 17:873, table II, method 10: 56/70 against 48/80, and 9/10 against 3/10.
    assert intervals.newcombe(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert intervals.newcombe(9, 10, 3, 10) == pytest.approx((0.1705, 0.8090), abs=5e-5)


@given(tables(), st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_tango_ends_are_where_the_statistic_is_critical(table: tuple[int, int, int], level: float) -> None:
    b, c, n = table
    lower, upper = intervals.tango(b, c, n, level)
    critical = float(ndtri((1 + level) / 2))
    assert -1.0 <= lower <= (b - c) / n <= upper <= 1.0
    assert lower < upper
    assert intervals.tango(c, b, n, level) == (-upper, -lower)
    if lower > -1.0:
        assert intervals.tango_statistic(lower, b, c, n) == pytest.approx(critical, rel=1e-6)
    if upper < 1.0:
        assert intervals.tango_statistic(upper, b, c, n) == pytest.approx(-critical, rel=1e-6)


@given(tables(), st.floats(-0.99, 0.99), st.floats(-0.99, 0.99))
@example((0, 0, 1), -0.5, -3.02e-285)
@example((3, 0, 9), 1e-300, 0.5)
def test_tango_statistic_falls(table: tuple[int, int, int], first: float, second: float) -> None:
    low, high = sorted((first, second))
    assert intervals.tango_statistic(low, *table) >= intervals.tango_statistic(high, *table) - 1e-9


@pytest.mark.parametrize(("b", "c", "n"), [(3, 1, 40), (6, 0, 30), (1, 7, 21), (12, 9, 25)])
@pytest.mark.parametrize("difference", [-0.4, -0.1, 0.05, 0.3])
def test_tango_statistic_rests_on_the_likeliest_nuisance(b: int, c: int, n: int, difference: float) -> None:
    """Its variance is that of the likeliest multinomial among those with the supposed difference."""

    def loss(q: float) -> float:
        chances = (q + difference, q, 1 - 2 * q - difference)
        return -sum(k * math.log(p) for k, p in zip((b, c, n - b - c), chances, strict=True) if k)

    bottom, top = max(0.0, -difference) + 1e-12, (1 - difference) / 2 - 1e-12
    q = minimize_scalar(loss, bounds=(bottom, top), method="bounded", options={"xatol": 1e-12}).x
    expected = (b - c - n * difference) / math.sqrt(n * (2 * q + difference * (1 - difference)))
    assert intervals.tango_statistic(difference, b, c, n) == pytest.approx(expected, rel=1e-5)


@given(tables())
def test_tango_statistic_at_zero_is_mcnemars(table: tuple[int, int, int]) -> None:
    b, c, n = table
    expected = (b - c) / math.sqrt(b + c) if b + c else 0.0
    assert intervals.tango_statistic(0.0, b, c, n) == pytest.approx(expected)


def test_tango_of_large_counts_is_near_wald() -> None:
    assert intervals.tango(30_000, 20_000, 10**6) == pytest.approx(
        intervals.wald_paired(30_000, 20_000, 10**6), abs=1e-6
    )


def test_wald_paired_has_no_width_where_nothing_happens() -> None:
    assert intervals.wald_paired(0, 0, 40) == (0.0, 0.0)


@pytest.mark.parametrize(("successes", "n"), [(1, 0), (-1, 5), (6, 5), (np.nan, 5)])
def test_impossible_rates_are_refused(successes: float, n: float) -> None:
    for interval in (intervals.wilson, intervals.clopper_pearson):
        with pytest.raises(StatisticsError, match="a count from 0 to n"):
            interval(successes, n)


@pytest.mark.parametrize(("b", "c", "n"), [(1, 1, 1), (-1, 0, 5), (0, 0, 0), (0, np.nan, 5)])
def test_impossible_pairs_are_refused(b: float, c: float, n: float) -> None:
    with pytest.raises(StatisticsError, match="pairs: found"):
        intervals.tango(b, c, n)
