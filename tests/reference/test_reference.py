"""Every number of statistics.json, to the digits it is given with.

The numbers were recomputed apart from this code, or published. A decimal is met when the computed value rounds to it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from consistency.stats import categories, cmh, energy, equivalence, intervals, kt, mcnemar, power, ppi, rogan_gladen
from consistency.stats import spending as alpha
from consistency.stats.cluster_t import ClusterT, cluster_t
from consistency.stats.methods.effective_n_tango import GapEstimate, estimate
from consistency.stats.outcomes import Outcomes
from consistency.stats.signflip import sign_flip

REFERENCE: dict[str, Any] = json.loads(
    Path(__file__).with_name("statistics.json").read_text(encoding="utf-8"), parse_float=Decimal
)
COVERED: set[str] = set()

# Admissions to six departments of the University of California, Berkeley, 1973 (Bickel, Hammel and O'Connell 1975):
# rows men and women, columns admitted and rejected.
BERKELEY = [
    [[512, 313], [89, 19]],
    [[353, 207], [17, 8]],
    [[120, 205], [202, 391]],
    [[138, 279], [131, 244]],
    [[53, 138], [94, 299]],
    [[22, 351], [24, 317]],
]


def covers(key: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Say that the decorated test checks all that the file says under `key`."""
    assert key in REFERENCE
    COVERED.add(key)
    return lambda test: test


def agrees(computed: float | None, given: Decimal | int) -> bool:
    """Whether the computed value rounds to the given one."""
    last_digit = 10.0 ** int(Decimal(given).as_tuple().exponent)
    return computed is not None and abs(computed - float(given)) <= 0.5 * last_digit * (1 + 1e-9)


def all_agree(computed: tuple[float, ...], given: list[Decimal]) -> bool:
    return len(computed) == len(given) and all(agrees(*pair) for pair in zip(computed, given, strict=True))


def by_counts(deployment: list[int], evaluation: list[int], repeats: int) -> Outcomes:
    """One cluster per count of misbehaving repeats, each repeat in a wording of its own."""
    trials = np.arange(len(deployment) * repeats)
    cluster, repeat = trials // repeats, trials % repeats
    y = np.concatenate([repeat < np.array(arm)[cluster] for arm in (deployment, evaluation)])
    arm = np.repeat([True, False], trials.size)
    return Outcomes(np.tile(cluster, 2), np.tile(trials, 2), arm, y.astype(float))


def estimated(outcomes: Outcomes) -> GapEstimate:
    result = estimate(outcomes)
    assert isinstance(result, GapEstimate)
    return result


@covers("mcnemar")
@pytest.mark.parametrize("case", REFERENCE["mcnemar"], ids=lambda case: case["name"])
def test_mcnemar(case: dict[str, Any]) -> None:
    b, c, n = case["b"], case["c"], case["n"]
    plain, corrected = mcnemar.asymptotic(b, c), mcnemar.continuity_corrected(b, c)
    computed = {
        "chi2": plain.statistic,
        "asymptotic_p": plain.p_value,
        "chi2_cc": corrected.statistic,
        "cc_p": corrected.p_value,
        "exact_p": mcnemar.exact(b, c),
        "midp": mcnemar.mid_p(b, c),
        "difference": (b - c) / n,
        "wald_se": intervals.wald_standard_error(b, c, n),
    }
    for key in case.keys() - {"name", "b", "c", "n", "wald_ci95", "tango_ci95"}:
        assert agrees(computed[key], case[key]), key
    assert all_agree(intervals.tango(b, c, n), case["tango_ci95"])
    if "wald_ci95" in case:
        assert all_agree(intervals.wald_paired(b, c, n), case["wald_ci95"])


@covers("tango_zero_cells")
@pytest.mark.parametrize("case", REFERENCE["tango_zero_cells"])
def test_tango(case: dict[str, Any]) -> None:
    assert all_agree(intervals.tango(case["b"], case["c"], case["n"]), case["ci95"])


@covers("effective_n_tango_t_one_pair_per_scenario")
@pytest.mark.parametrize("case", REFERENCE["effective_n_tango_t_one_pair_per_scenario"])
def test_one_pair_per_scenario(case: dict[str, Any]) -> None:
    b, c, n = case["b"], case["c"], case["n"]
    outcomes = by_counts([1] * b + [0] * (n - b), [0] * b + [1] * c + [0] * (n - b - c), repeats=1)
    assert all_agree(estimated(outcomes).interval(0.95), case["ci95"])


@covers("end_to_end")
def test_end_to_end() -> None:
    case = REFERENCE["end_to_end"]
    # Its values are for evaluation minus deployment: its evaluation arm stands in the place of ours for deployment.
    outcomes = by_counts(case["evaluation_counts"], case["deployment_counts"], case["repeats"])
    result, flips, check = estimated(outcomes), sign_flip(outcomes.differences), cluster_t(outcomes)
    assert isinstance(check, ClusterT)
    assert result.clusters == case["scenarios"]
    assert agrees(result.gap, case["difference"])
    assert agrees(result.standard_error, case["se"])
    assert agrees(result.b / result.n_effective, case["B"])
    assert agrees(result.c / result.n_effective, case["C"])
    assert agrees(result.n_effective, case["n_effective"])
    assert all_agree(result.interval(0.95), case["ci95"])
    assert all_agree(result.interval(0.90), case["ci90"])
    assert flips.exact
    assert agrees(flips.p_value, case["sign_flip_exact_p"])
    assert agrees(flips.mid_p, case["sign_flip_midp"])
    # Given one too high in its last digit: t = 1.96396 on 9 degrees of freedom has p = 0.08113.
    assert check.p_value == pytest.approx(float(case["paired_t_p"]), abs=1e-4)


def test_end_to_end_the_right_way_round() -> None:
    case = REFERENCE["end_to_end"]
    result = estimated(by_counts(case["deployment_counts"], case["evaluation_counts"], case["repeats"]))
    lower, upper = result.interval(0.95)
    assert agrees(-result.gap, case["difference"])
    assert all_agree((-upper, -lower), case["ci95"])


@covers("cmh_ucb_admissions")
def test_cmh() -> None:
    case, result = REFERENCE["cmh_ucb_admissions"], cmh.cmh(BERKELEY)
    assert result is not None
    assert agrees(result.statistic, case["chi2"])
    assert agrees(result.corrected_statistic, case["chi2_cc"])
    assert agrees(result.corrected_p_value, case["p_cc"])
    assert agrees(result.common_odds_ratio, case["common_odds_ratio"])


@covers("group_sequential_one_sided_025_K5")
@pytest.mark.parametrize(
    ("name", "spending"),
    [
        ("power_rho2", alpha.power_spending(2)),
        ("power_rho3", alpha.power_spending(3)),
        ("lan_demets_obrien_fleming", alpha.obrien_fleming_spending()),
    ],
)
def test_group_sequential_boundaries(name: str, spending: alpha.Spending) -> None:
    case = REFERENCE["group_sequential_one_sided_025_K5"]
    assert case.keys() == {"power_rho2", "power_rho3", "lan_demets_obrien_fleming", "tolerance"}
    given = [float(z) for z in case[name]]
    assert alpha.boundaries(spending, alpha.equal_looks(5)) == pytest.approx(given, abs=float(case["tolerance"]))


@covers("kt_e_value")
@pytest.mark.parametrize("case", REFERENCE["kt_e_value"])
def test_kt_e_value(case: dict[str, Any]) -> None:
    assert agrees(kt.e_value(case["b"], case["c"]), case["e"])


@covers("kt_smallest_b_for_20")
def test_kt_smallest_b() -> None:
    case = REFERENCE["kt_smallest_b_for_20"]
    assert [kt.smallest_b(c) for c in case["c"]] == case["b"]


@covers("zero_event_bound")
@pytest.mark.parametrize("case", REFERENCE["zero_event_bound"])
def test_zero_event_bound(case: dict[str, Any]) -> None:
    assert agrees(equivalence.floor(case["n"], float(case["alpha"])), case["bound"])


@covers("rogan_gladen")
def test_rogan_gladen() -> None:
    case = REFERENCE["rogan_gladen"]
    corrected = rogan_gladen.corrected_rate(
        float(case["observed"]), float(case["sensitivity"]), float(case["specificity"])
    )
    assert agrees(corrected, case["corrected"])


@covers("ppi")
def test_prediction_powered_mean() -> None:
    case = REFERENCE["ppi"]
    others = case["unlabelled_f_pattern_times_10"] * 10
    result = ppi.prediction_powered_mean(case["labelled_y"], case["labelled_f"], others)
    assert agrees(result.mean, case["point"])
    assert all_agree(result.interval(0.95), case["ci95"])


@covers("g_test")
def test_g_test() -> None:
    case = REFERENCE["g_test"]
    result = categories.g_test(case["table"])
    assert result is not None
    assert agrees(result.statistic, case["g"])
    assert agrees(result.p_value, case["p"])


@covers("jensen_shannon_bits_same_table")
def test_jensen_shannon() -> None:
    divergence = categories.jensen_shannon(*REFERENCE["g_test"]["table"])
    assert agrees(divergence, REFERENCE["jensen_shannon_bits_same_table"])


@covers("energy_distance")
def test_energy_distance() -> None:
    case = REFERENCE["energy_distance"]
    assert agrees(energy.energy_distance(case["x"], case["y"]), case["value"])


@covers("miller_power")
@pytest.mark.parametrize("case", REFERENCE["miller_power"])
def test_miller_power(case: dict[str, Any]) -> None:
    repeats = math.inf if case["K"] is None else case["K"]
    questions = power.miller_questions(
        float(case["omega2"]), float(case["sigma2"]), repeats, float(case["delta"]), power=float(case["power"])
    )
    assert agrees(questions, case["n"])


@covers("minimum_scenarios_single_look")
def test_minimum_scenarios() -> None:
    case = REFERENCE["minimum_scenarios_single_look"]
    assert {margin: equivalence.minimum_clusters(float(margin), 0.025) for margin in case} == case


def test_nothing_is_left_out() -> None:
    assert REFERENCE.keys() - COVERED == {"note"}
