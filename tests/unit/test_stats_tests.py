"""Tests of a hypothesis: McNemar, sign flips, paired t, CMH, G, attrition, energy distance, against other packages."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from consistency.errors import StatisticsError
from consistency.stats import mcnemar
from consistency.stats.categories import g_test, jensen_shannon
from consistency.stats.cluster_t import ClusterT, cluster_t
from consistency.stats.cmh import cmh
from consistency.stats.energy import energy_distance
from consistency.stats.methods import NotEstimable
from consistency.stats.outcomes import Outcomes
from consistency.stats.signflip import sign_flip

counts = st.integers(0, 60)
differences = st.lists(st.sampled_from([-1.0, -0.6, -0.2, 0.0, 0.2, 0.4, 1.0]), max_size=9)


def one_pair_each(deployment: list[float], evaluation: list[float]) -> Outcomes:
    n = len(deployment)
    cluster = np.tile(np.arange(n), 2)
    return Outcomes(cluster, cluster, np.repeat([True, False], n), np.array(deployment + evaluation))


@given(counts, counts)
def test_mcnemar_agrees_with_statsmodels(b: int, c: int) -> None:
    if b + c == 0:
        assert mcnemar.asymptotic(0, 0).p_value == mcnemar.exact(0, 0) == mcnemar.mid_p(0, 0) == 1.0
        return
    table = [[5, b], [c, 5]]
    plain = statsmodels_mcnemar(table, exact=False, correction=False)
    assert mcnemar.asymptotic(b, c).statistic == pytest.approx(plain.statistic)
    assert mcnemar.asymptotic(b, c).p_value == pytest.approx(plain.pvalue)
    if b != c:
        corrected = statsmodels_mcnemar(table, exact=False, correction=True)
        assert mcnemar.continuity_corrected(b, c).p_value == pytest.approx(corrected.pvalue)
    assert mcnemar.exact(b, c) == pytest.approx(statsmodels_mcnemar(table, exact=True).pvalue)


@given(counts, counts)
def test_mcnemar_mid_p_takes_half_the_table_off(b: int, c: int) -> None:
    expected = 1.0 if b == c else mcnemar.exact(b, c) - stats.binom.pmf(min(b, c), b + c, 0.5)
    assert mcnemar.mid_p(b, c) == pytest.approx(expected)


def test_mcnemar_refuses_fractions() -> None:
    with pytest.raises(StatisticsError, match="whole counts"):
        mcnemar.exact(2.5, 1)  # type: ignore[arg-type]  # what a careless caller does


@given(differences)
def test_sign_flip_tries_every_choice(d: list[float]) -> None:
    sums = [abs(sum(s * x for s, x in zip(signs, d, strict=True))) for signs in product((1, -1), repeat=len(d))]
    observed = abs(sum(d))
    result = sign_flip(d)
    assert result.exact
    assert result.p_value == pytest.approx(np.mean([s >= observed - 1e-9 for s in sums]))
    if observed > 1e-9:
        above = np.mean([s > observed + 1e-9 for s in sums])
        assert result.mid_p == pytest.approx((result.p_value + above) / 2)
    else:
        assert result.mid_p == 1.0


def test_sign_flip_of_one_pair_each_is_exact_mcnemar() -> None:
    result = sign_flip([1.0] * 9 + [-1.0] * 3 + [0.0] * 50)
    assert result.p_value == pytest.approx(mcnemar.exact(9, 3))
    assert result.mid_p == pytest.approx(mcnemar.mid_p(9, 3))


def test_sign_flip_of_many_clusters_draws_from_the_generator() -> None:
    d = np.random.default_rng(1).normal(0.1, 0.4, 60)
    first = sign_flip(d, rng=np.random.default_rng(2), draws=40_000)
    assert first == sign_flip(d, rng=np.random.default_rng(2), draws=40_000)
    assert not first.exact
    assert first.p_value == pytest.approx(stats.ttest_1samp(d, 0.0).pvalue, abs=0.01)
    assert sign_flip(np.ones(60), rng=np.random.default_rng(3), draws=99).p_value == pytest.approx(0.01)


def test_sign_flip_refuses_what_it_cannot_do() -> None:
    with pytest.raises(StatisticsError, match="21 non-zero differences are too many"):
        sign_flip(np.ones(21))
    with pytest.raises(StatisticsError, match="at least 1"):
        sign_flip(np.ones(21), rng=np.random.default_rng(0), draws=0)
    with pytest.raises(StatisticsError, match="finite"):
        sign_flip([0.1, float("nan")])


@pytest.mark.parametrize("seed", range(5))
def test_cluster_t_agrees_with_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    deployment, evaluation = rng.random(12), rng.random(12)
    result = cluster_t(one_pair_each(deployment.tolist(), evaluation.tolist()))
    expected = stats.ttest_rel(deployment, evaluation)
    assert isinstance(result, ClusterT)
    assert result.p_value == pytest.approx(expected.pvalue)
    assert result.interval(0.9) == pytest.approx(tuple(expected.confidence_interval(0.9)))


def test_cluster_t_does_not_collapse_to_a_point() -> None:
    same = cluster_t(one_pair_each([1.0] * 5, [0.0] * 5))
    assert isinstance(same, NotEstimable)
    assert "no width" in same.reason
    assert isinstance(cluster_t(one_pair_each([1.0], [0.0])), NotEstimable)


@given(st.lists(st.tuples(counts, counts, counts, counts), min_size=1, max_size=6))
def test_cmh_agrees_with_statsmodels(strata: list[tuple[int, int, int, int]]) -> None:
    tables = np.array(strata, dtype=float).reshape(-1, 2, 2)
    result = cmh(tables)
    kept = [table for table in tables if table.sum() >= 2]
    tells = any(table.sum(axis=0).all() and table.sum(axis=1).all() for table in kept)
    if result is None:
        assert not tells
        return
    assert tells
    expected = StratifiedTable(kept)
    plain, corrected = expected.test_null_odds(correction=False), expected.test_null_odds(correction=True)
    assert result.statistic == pytest.approx(plain.statistic, abs=1e-9)
    assert result.p_value == pytest.approx(plain.pvalue)
    if abs(sum(t[0, 0] - t[0].sum() * t[:, 0].sum() / t.sum() for t in kept)) >= 0.5:  # statsmodels corrects past zero
        assert result.corrected_statistic == pytest.approx(corrected.statistic, abs=1e-9)
    if result.common_odds_ratio is not None:
        assert result.common_odds_ratio == pytest.approx(expected.oddsratio_pooled)


def test_cmh_refuses_other_shapes() -> None:
    with pytest.raises(StatisticsError, match=r"shape \(2, 2\)"):
        cmh([[1, 2], [3, 4]])


@given(st.lists(st.tuples(counts, counts, counts), min_size=2, max_size=4))
def test_g_test_agrees_with_scipy(rows: list[tuple[int, int, int]]) -> None:
    table = np.array(rows, dtype=float)
    table = table[table.sum(axis=1) > 0]
    table = table[:, table.sum(axis=0) > 0]
    result = g_test(rows)
    if result is None:
        assert min(table.shape) < 2
        return
    expected = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
    assert result.statistic == pytest.approx(expected.statistic, abs=1e-9)
    assert result.degrees_of_freedom == expected.dof
    assert result.p_value == pytest.approx(expected.pvalue, abs=1e-9)


def test_jensen_shannon_has_its_bounds() -> None:
    assert jensen_shannon([3, 3, 0], [5, 5, 0]) == pytest.approx(0.0)
    assert jensen_shannon([4, 0], [0, 9]) == pytest.approx(1.0)
    assert jensen_shannon([0, 0], [1, 2]) is None
    with pytest.raises(StatisticsError, match="found 2 and 3"):
        jensen_shannon([1, 1], [1, 1, 1])
    with pytest.raises(StatisticsError, match="counts in 1 dimension"):
        jensen_shannon([1, -1], [1, 1])


@given(*[st.lists(st.floats(-5, 5), min_size=1, max_size=12)] * 2)
def test_energy_distance_agrees_with_scipy(x: list[float], y: list[float]) -> None:
    assert energy_distance(x, y) == pytest.approx(stats.energy_distance(x, y), abs=1e-7)


def test_energy_distance_needs_two_samples() -> None:
    with pytest.raises(StatisticsError, match="at least one finite number each"):
        energy_distance([], [1.0])
