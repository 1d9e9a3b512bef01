"""Twenty random tables for each classical method, against statsmodels and scipy computed on the spot."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from scipy.optimize import minimize_scalar
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.contingency_tables import mcnemar as their_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower, tt_solve_power
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    proportion_confint,
    score_test_proportions_2indep,
)
from statsmodels.stats.weightstats import DescrStatsW

from consistency.stats import cmh, intervals, mcnemar, multiplicity, power
from consistency.stats.cluster_t import ClusterT, cluster_t
from consistency.stats.equivalence import tost_p_value
from consistency.stats.methods.effective_n_tango import GapEstimate, estimate
from consistency.stats.outcomes import Outcomes

SEEDS = range(20)


def generator(seed: int) -> np.random.Generator:
    return np.random.default_rng([1998, seed])


def binary(rng: np.random.Generator, clusters: int, repeats: int) -> Outcomes:
    """Clusters of their own rates, every trial in a wording of its own."""
    cluster = np.tile(np.repeat(np.arange(clusters), repeats), 2)
    y = rng.random(cluster.size) < rng.beta(1, 3, clusters)[cluster]
    return Outcomes(cluster, np.arange(cluster.size), np.repeat([True, False], cluster.size // 2), y.astype(float))


@pytest.mark.parametrize("seed", SEEDS)
def test_mcnemar(seed: int) -> None:
    rng = generator(seed)
    b, c = int(rng.integers(0, 30)), int(rng.integers(1, 30))
    table = [[12, b], [c, 40]]
    plain = their_mcnemar(table, exact=False, correction=False)
    assert mcnemar.asymptotic(b, c).statistic == pytest.approx(plain.statistic)
    assert mcnemar.asymptotic(b, c).p_value == pytest.approx(plain.pvalue)
    if b != c:  # at b = c statsmodels squares |b − c| − 1 = −1; Edwards's correction stops at zero
        corrected = their_mcnemar(table, exact=False, correction=True)
        assert mcnemar.continuity_corrected(b, c).statistic == pytest.approx(corrected.statistic)
        assert mcnemar.continuity_corrected(b, c).p_value == pytest.approx(corrected.pvalue)
    assert mcnemar.exact(b, c) == pytest.approx(their_mcnemar(table, exact=True).pvalue)


@pytest.mark.parametrize("seed", SEEDS)
def test_cmh(seed: int) -> None:
    tables = generator(seed).integers(0, 25, (7, 2, 2)) + 1
    ours, theirs = cmh.cmh(tables), StratifiedTable(np.moveaxis(tables, 0, 2))
    assert ours is not None
    plain, corrected = theirs.test_null_odds(correction=False), theirs.test_null_odds(correction=True)
    assert (ours.statistic, ours.p_value) == pytest.approx((plain.statistic, plain.pvalue))
    assert ours.common_odds_ratio == pytest.approx(theirs.oddsratio_pooled)
    if abs(ours.statistic) > 1e-3 and ours.corrected_statistic > 0:  # statsmodels corrects past zero
        assert ours.corrected_statistic == pytest.approx(corrected.statistic)


@pytest.mark.parametrize("seed", SEEDS)
def test_rates(seed: int) -> None:
    rng = generator(seed)
    n = int(rng.integers(1, 200))
    x, level = int(rng.integers(0, n + 1)), float(rng.choice([0.8, 0.95, 0.99]))
    for interval, name in ((intervals.wilson, "wilson"), (intervals.clopper_pearson, "beta")):
        assert interval(x, n, level) == pytest.approx(proportion_confint(x, n, 1 - level, name), abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_newcombe(seed: int) -> None:
    x_1, n_1, x_2, n_2 = two_samples(seed)
    theirs = confint_proportions_2indep(x_1, n_1, x_2, n_2, method="newcomb", compare="diff", correction=False)
    assert intervals.newcombe(x_1, n_1, x_2, n_2) == pytest.approx(theirs, abs=1e-9)


# Newcombe (1998), Statistics in Medicine 17:873, table II, method 4 (Miettinen and Nurminen).
@pytest.mark.parametrize(
    ("table", "published"),
    [
        ((56, 70, 48, 80), (0.0528, 0.3382)),
        ((9, 10, 3, 10), (0.1700, 0.8406)),
        ((6, 7, 2, 7), (0.0342, 0.8534)),
        ((5, 56, 0, 29), (-0.0326, 0.1933)),
        ((0, 10, 0, 20), (-0.1658, 0.2844)),
        ((0, 10, 0, 10), (-0.2879, 0.2879)),
        ((10, 10, 0, 20), (0.7156, 1.0)),
        ((10, 10, 0, 10), (0.6636, 1.0)),
    ],
)
def test_miettinen_nurminen_published(table: tuple[int, int, int, int], published: tuple[float, float]) -> None:
    assert intervals.miettinen_nurminen(*table) == pytest.approx(published, abs=5e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_miettinen_nurminen(seed: int) -> None:
    """statsmodels is asked at a difference of zero only.

    Elsewhere its 0.15.0 has `count0 * diff` for the paper's n_0 · difference in the cubic, and its interval of 56/70
    against 48/80 is (.0526, .3440) for the published (.0528, .3382). There the likelihood is maximised by search.
    """
    x_1, n_1, x_2, n_2 = two_samples(seed)
    theirs = score_test_proportions_2indep(x_1, n_1, x_2, n_2, value=0.0, compare="diff", correction=True)
    assert intervals.independent_statistic(0.0, x_1, n_1, x_2, n_2) == pytest.approx(theirs.statistic)
    lower, upper = intervals.miettinen_nurminen(x_1, n_1, x_2, n_2)
    for end, z in ((lower, stats.norm.ppf(0.975)), (upper, stats.norm.ppf(0.025))):
        if abs(end) < 1.0:
            assert score_by_search(end, x_1, n_1, x_2, n_2) == pytest.approx(z, abs=1e-4)


def score_by_search(difference: float, x_1: int, n_1: int, x_2: int, n_2: int) -> float:
    """The score statistic with the likeliest rates found by search."""

    def loss(rate_2: float) -> float:
        return -float(stats.binom.logpmf(x_1, n_1, rate_2 + difference) + stats.binom.logpmf(x_2, n_2, rate_2))

    bounds = (max(0.0, -difference) + 1e-12, min(1.0, 1.0 - difference) - 1e-12)
    rate_2 = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
    rate_1, n = rate_2 + difference, n_1 + n_2
    variance = (rate_1 * (1 - rate_1) / n_1 + rate_2 * (1 - rate_2) / n_2) * n / (n - 1)
    return float((x_1 / n_1 - x_2 / n_2 - difference) / math.sqrt(variance))


def two_samples(seed: int) -> tuple[int, int, int, int]:
    rng = generator(seed)
    n_1, n_2 = (int(n) for n in rng.integers(3, 80, 2))
    return int(rng.integers(0, n_1 + 1)), n_1, int(rng.integers(0, n_2 + 1)), n_2


@pytest.mark.parametrize("seed", SEEDS)
def test_adjusted_p_values(seed: int) -> None:
    p = list(generator(seed).beta(0.4, 1.5, 9))
    assert multiplicity.holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert multiplicity.benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1])


@pytest.mark.parametrize("seed", SEEDS)
def test_cluster_t_is_the_cluster_robust_regression_with_cluster_effects(seed: int) -> None:
    """y on the arm and clusters' dummies, balanced: the robust variance times the small-sample factors is ours.

    statsmodels multiplies by S/(S − 1) · (N − 1)/(N − k), k = S + 1 counting the dummies; ours is S/(S − 1) alone.
    """
    outcomes = binary(generator(seed), clusters=12, repeats=4)
    ours = cluster_t(outcomes)
    assert isinstance(ours, ClusterT)
    dummies = (outcomes.cluster[:, np.newaxis] == np.arange(12)).astype(float)
    design = np.column_stack([outcomes.deployment.astype(float), dummies])
    groups = {"groups": outcomes.cluster, "use_correction": True, "df_correction": True}
    theirs = sm.OLS(outcomes.y, design).fit(cov_type="cluster", cov_kwds=groups, use_t=True)
    n = outcomes.y.size
    factor = math.sqrt((n - 1) / (n - 13))
    assert ours.gap == pytest.approx(theirs.params[0])
    assert ours.standard_error == pytest.approx(theirs.bse[0] / factor)
    assert ours.p_value == pytest.approx(2 * stats.t.sf(abs(theirs.tvalues[0]) * factor, 11))


@pytest.mark.parametrize("seed", SEEDS)
def test_cluster_t_interval_and_the_standard_error_of_record(seed: int) -> None:
    outcomes = binary(generator(seed), clusters=15, repeats=3)
    ours, record, theirs = cluster_t(outcomes), estimate(outcomes), DescrStatsW(outcomes.differences)
    assert isinstance(ours, ClusterT)
    assert isinstance(record, GapEstimate)
    assert ours.p_value == pytest.approx(theirs.ttest_mean(0)[1])
    assert ours.interval(0.95) == pytest.approx(theirs.tconfint_mean(0.05))
    assert record.standard_error == pytest.approx(theirs.std_mean)


@pytest.mark.parametrize("seed", SEEDS)
def test_equivalence_nears_that_of_the_t_test_where_the_gap_is_near_the_middle(seed: int) -> None:
    """The score statistic and the t share their limit: with 2,000 pairs they differ by little at δ = .05."""
    outcomes = binary(generator(seed), clusters=2_000, repeats=1)
    record = estimate(outcomes)
    assert isinstance(record, GapEstimate)
    theirs = DescrStatsW(outcomes.differences).ttost_mean(-0.05, 0.05)[0]
    assert tost_p_value(record, 0.05) == pytest.approx(theirs, abs=0.01)


def test_sample_size_of_a_paired_comparison() -> None:
    """Miller's formula is the normal one; the t test needs some two more (z²/2) at the same power."""
    for gap in (0.03, 0.1, 0.2):
        ours = power.miller_questions(0.11, 0.0, math.inf, gap)
        theirs = tt_solve_power(gap / math.sqrt(0.11), power=0.8, alpha=0.05)
        assert theirs == pytest.approx(ours + stats.norm.ppf(0.975) ** 2 / 2, rel=0.02)


def test_detectable_gap_has_the_power_that_the_t_test_has_where_gaps_are_small() -> None:
    for scenarios in (400, 2_000):
        gap = power.detectable_gap(scenarios, 0.3)
        assert gap is not None
        effect = gap / math.sqrt(0.3 - gap**2)
        assert TTestPower().power(effect, scenarios, 0.05) == pytest.approx(0.8, abs=0.02)
