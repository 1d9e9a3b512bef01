"""Tests and intervals against statsmodels, computed live on seeded random tables."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize_scalar
from scipy.special import ndtri, xlogy
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower, tt_solve_power
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    proportion_confint,
    score_test_proportions_2indep,
)
from statsmodels.stats.sandwich_covariance import cov_cluster_2groups
from statsmodels.stats.weightstats import DescrStatsW

from consistency.stats import intervals, mcnemar, multiplicity, power
from consistency.stats.cluster_t import ClusterT, cluster_t
from consistency.stats.cmh import cmh
from consistency.stats.equivalence import tost_p_value
from consistency.stats.methods import Wordings
from consistency.stats.methods.effective_n_tango import GapEstimate, estimate
from consistency.stats.outcomes import Outcomes

SEEDS = range(20)
LEVELS = (0.8, 0.95, 0.99)

seeded = pytest.mark.parametrize("seed", SEEDS)


@seeded
def test_mcnemar(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.integers(0, [[40, 12], [25, 40]])
    table[1, 0] += 1  # statsmodels has no p value without a discordant pair
    b, c = int(table[0, 1]), int(table[1, 0])
    plain = statsmodels_mcnemar(table, exact=False, correction=False)
    assert mcnemar.asymptotic(b, c).statistic == pytest.approx(plain.statistic)
    assert mcnemar.asymptotic(b, c).p_value == pytest.approx(plain.pvalue)
    assert mcnemar.exact(b, c) == pytest.approx(statsmodels_mcnemar(table, exact=True).pvalue)
    # Where b = c statsmodels' correction goes past zero, to χ² = 1/(b + c); here it stops there.
    corrected = statsmodels_mcnemar(table, exact=False, correction=True)
    assert mcnemar.continuity_corrected(b, c).statistic == pytest.approx(corrected.statistic if b != c else 0.0)
    assert mcnemar.continuity_corrected(b, c).p_value == pytest.approx(corrected.pvalue if b != c else 1.0)


@seeded
def test_cochran_mantel_haenszel(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tables = rng.integers(1, 30, size=(int(rng.integers(1, 12)), 2, 2))
    theirs = StratifiedTable(list(tables.astype(float)))
    ours = cmh(tables)
    assert ours is not None
    plain, corrected = theirs.test_null_odds(correction=False), theirs.test_null_odds(correction=True)
    assert ours.statistic == pytest.approx(plain.statistic)
    assert ours.p_value == pytest.approx(plain.pvalue)
    assert ours.common_odds_ratio == pytest.approx(theirs.oddsratio_pooled)
    # Within ½ of the expected count statsmodels' correction goes past zero; here it stops there.
    past = abs(float((tables[:, 0, 0] - expected_corner(tables)).sum())) < 0.5
    assert ours.corrected_statistic == pytest.approx(0.0 if past else corrected.statistic)
    assert ours.corrected_p_value == pytest.approx(1.0 if past else corrected.pvalue)


def expected_corner(tables: np.ndarray) -> np.ndarray:
    """The first count of every table, expected from its margins."""
    corner: np.ndarray = tables[:, 0].sum(axis=1) * tables[:, :, 0].sum(axis=1) / tables.sum(axis=(1, 2))
    return corner


@seeded
@pytest.mark.parametrize("level", LEVELS)
def test_wilson_and_clopper_pearson(seed: int, level: float) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 200))
    successes = int(rng.integers(0, n + 1)) if seed % 5 else (0, n)[seed % 2]
    expected = proportion_confint(successes, n, alpha=1 - level, method="wilson")
    assert intervals.wilson(successes, n, level) == pytest.approx(expected, abs=1e-12)
    expected = proportion_confint(successes, n, alpha=1 - level, method="beta")
    assert intervals.clopper_pearson(successes, n, level) == pytest.approx(expected, abs=1e-12)


@seeded
@pytest.mark.parametrize("level", LEVELS)
def test_newcombe(seed: int, level: float) -> None:
    rng = np.random.default_rng(seed)
    n_1, n_2 = (int(n) for n in rng.integers(2, 150, size=2))
    successes_1, successes_2 = int(rng.integers(0, n_1 + 1)), int(rng.integers(0, n_2 + 1))
    expected = confint_proportions_2indep(
        successes_1, n_1, successes_2, n_2, method="newcomb", compare="diff", alpha=1 - level
    )
    assert intervals.newcombe(successes_1, n_1, successes_2, n_2, level) == pytest.approx(expected, abs=1e-12)


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


def likeliest_statistic(difference: float, counts: tuple[int, int, int, int]) -> float:
    """Miettinen and Nurminen's statistic at the rates that a numerical search finds likeliest."""
    x_1, n_1, x_2, n_2 = counts

    def unlikelihood(rate_2: float) -> float:
        rate_1 = rate_2 + difference
        seen = xlogy(x_1, rate_1) + xlogy(n_1 - x_1, 1 - rate_1) + xlogy(x_2, rate_2) + xlogy(n_2 - x_2, 1 - rate_2)
        return -float(seen)

    bounds = (max(0.0, -difference), min(1.0, 1.0 - difference))
    rate_2 = minimize_scalar(unlikelihood, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
    rate_1 = rate_2 + difference
    variance = (rate_1 * (1 - rate_1) / n_1 + rate_2 * (1 - rate_2) / n_2) * (n_1 + n_2) / (n_1 + n_2 - 1)
    return float((x_1 / n_1 - x_2 / n_2 - difference) / np.sqrt(variance))


@seeded
def test_miettinen_nurminen(seed: int) -> None:
    """Against statsmodels at a difference of zero alone, elsewhere against the likelihood itself.

    statsmodels 0.15 finds other rates than the likeliest at any other difference (its issue 10269).
    """
    rng = np.random.default_rng(seed)
    n_1, n_2 = (int(n) for n in rng.integers(5, 150, size=2))
    counts = int(rng.integers(1, n_1)), n_1, int(rng.integers(1, n_2)), n_2
    at_zero = score_test_proportions_2indep(*counts, value=0, compare="diff", correction=True)
    assert intervals.independent_statistic(0.0, *counts) == pytest.approx(at_zero.statistic)
    lower, upper = intervals.miettinen_nurminen(*counts)
    critical = 1.959963984540054
    assert likeliest_statistic(lower, counts) == pytest.approx(critical, abs=1e-5)
    assert likeliest_statistic(upper, counts) == pytest.approx(-critical, abs=1e-5)


@seeded
def test_adjusted_p_values(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = (rng.random(int(rng.integers(1, 15))) ** 3).round(3).tolist()  # rounded, so that some are tied
    assert multiplicity.holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert multiplicity.benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1])


def uneven(seed: int) -> Outcomes:
    """Clusters of uneven size in either arm, all met in both, with wordings that they share and a gap."""
    rng = np.random.default_rng(seed)
    clusters = int(rng.integers(8, 40))
    cluster = np.concatenate([np.tile(np.arange(clusters), 2), rng.integers(0, clusters, 4 * clusters)])
    deployment = np.concatenate([np.repeat([True, False], clusters), rng.random(4 * clusters) < 0.5])
    level = rng.normal(-0.5, 1.0, clusters)[cluster] + 0.5 * deployment
    y = (rng.random(cluster.size) < 1 / (1 + np.exp(-level))).astype(float)
    return Outcomes(cluster, rng.integers(0, 9, cluster.size), deployment, y)


def regression(outcomes: Outcomes) -> sm.WLS:
    """Outcome on arm, every cluster with one unit of weight in each arm: the slope is the mean cluster difference."""
    in_deployment, in_evaluation = outcomes.trials_per_cluster
    index = outcomes.cluster_index
    weights = 1.0 / np.where(outcomes.deployment, in_deployment[index], in_evaluation[index])
    return sm.WLS(outcomes.y, sm.add_constant(outcomes.deployment.astype(float)), weights=weights)


def estimated(outcomes: Outcomes, wordings: Wordings) -> GapEstimate:
    result = estimate(outcomes, wordings=wordings)
    assert isinstance(result, GapEstimate)
    return result


@seeded
def test_cluster_robust_t(seed: int) -> None:
    """statsmodels multiplies the sandwich by S/(S − 1) · (N − 1)/(N − 2); here the factor is S/(S − 1) alone.

    The rest is for the two coefficients fitted to N trials. It is left out, as copies of trials would then count.
    """
    outcomes = uneven(seed)
    fit = regression(outcomes).fit(cov_type="cluster", cov_kwds={"groups": outcomes.cluster}, use_t=True)
    trials = outcomes.y.size
    factor = np.sqrt((trials - 1) / (trials - 2))
    ours, check = estimated(outcomes, "ignored"), cluster_t(outcomes)
    assert isinstance(check, ClusterT)
    assert ours.gap == pytest.approx(fit.params[1])
    assert ours.standard_error * factor == pytest.approx(fit.bse[1])
    assert check.standard_error * factor == pytest.approx(fit.bse[1])
    assert check.degrees_of_freedom == fit.df_resid_inference == outcomes.clusters - 1
    scaled = ClusterT(check.gap, check.standard_error * float(factor), check.degrees_of_freedom)
    assert scaled.p_value == pytest.approx(fit.pvalues[1])
    assert scaled.interval(0.95) == pytest.approx(fit.conf_int(0.05)[1])


@seeded
def test_variance_clustered_by_scenario_and_by_wording(seed: int) -> None:
    """Its three parts without small-sample factors are statsmodels'; the factors and the largest of three are ours."""
    outcomes = uneven(seed)
    fit = regression(outcomes).fit()
    parts = cov_cluster_2groups(fit, outcomes.cluster, outcomes.wording, use_correction=False)
    both, by_scenario, by_wording = (float(part[1, 1]) for part in parts)
    cells = by_scenario + by_wording - both
    clusters, wordings = outcomes.clusters, int(np.unique(outcomes.wording).size)
    by_scenario *= clusters / (clusters - 1)
    by_wording *= wordings / (wordings - 1)
    ours = estimated(outcomes, "matched")
    assert ours.standard_error**2 == pytest.approx(max(by_scenario, by_wording, by_scenario + by_wording - cells))
    assert ours.degrees_of_freedom == min(clusters, wordings) - 1


@seeded
def test_equivalence_nears_that_of_the_t_test(seed: int) -> None:
    """The score statistic and the t share their limit: with 2,000 pairs they differ by little at a margin of .05."""
    rng = np.random.default_rng(seed)
    cluster = np.tile(np.arange(2_000), 2)
    y = rng.random(4_000) < rng.beta(1, 3, 2_000)[cluster]
    outcomes = Outcomes(cluster, np.arange(4_000), np.repeat([True, False], 2_000), y.astype(float))
    theirs = DescrStatsW(outcomes.differences).ttost_mean(-0.05, 0.05)[0]
    assert tost_p_value(estimated(outcomes, "matched"), 0.05) == pytest.approx(theirs, abs=0.01)


@pytest.mark.parametrize("gap", [0.03, 0.1, 0.2])
def test_sample_size_of_a_paired_comparison(gap: float) -> None:
    """Miller's formula is the normal one; a t test needs z²/2, some two more, for the same power."""
    theirs = tt_solve_power(gap / math.sqrt(0.11), power=0.8, alpha=0.05)
    ours = power.miller_questions(0.11, 0.0, math.inf, gap)
    assert theirs == pytest.approx(ours + float(ndtri(0.975)) ** 2 / 2, rel=0.02)


@pytest.mark.parametrize("scenarios", [400, 2_000])
def test_detectable_gap_has_the_power_of_a_t_test_where_gaps_are_small(scenarios: int) -> None:
    gap = power.detectable_gap(scenarios, 0.3)
    assert gap is not None
    assert TTestPower().power(gap / math.sqrt(0.3 - gap**2), scenarios, 0.05) == pytest.approx(0.8, abs=0.02)
