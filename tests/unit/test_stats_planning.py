"""Power, equivalence, α-spending, multiplicity, e-values, and rates corrected by labels or known errors."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri, stdtrit
from statsmodels.stats.multitest import multipletests

from consistency.errors import StatisticsError
from consistency.stats import kt, multiplicity, power, ppi, spending
from consistency.stats.equivalence import floor, minimum_clusters
from consistency.stats.rogan_gladen import corrected_rate

p_values = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12)
with_gaps = st.lists(st.none() | st.floats(0.0, 1.0), max_size=12)


@settings(max_examples=15)  # statsmodels' holm takes 50 ms a call
@given(p_values)
def test_adjusted_p_values_agree_with_statsmodels(p: list[float]) -> None:
    assert multiplicity.holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert multiplicity.benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1])


@given(with_gaps)
def test_what_is_not_estimable_passes_through_uncounted(p: list[float | None]) -> None:
    known = [value for value in p if value is not None]
    for adjust in (multiplicity.holm, multiplicity.benjamini_hochberg):
        adjusted = adjust(p)
        assert [value is None for value in adjusted] == [value is None for value in p]
        assert [value for value in adjusted if value is not None] == adjust(known)


def test_intersection_union_needs_all() -> None:
    assert multiplicity.intersection_union([0.01, 0.04, 0.02]) == 0.04
    assert multiplicity.intersection_union([0.01, None]) is None
    assert multiplicity.intersection_union([]) is None
    with pytest.raises(StatisticsError, match=r"p value 1: found 1\.2"):
        multiplicity.intersection_union([0.5, 1.2])


@given(st.floats(0.01, 0.5), st.floats(0.001, 0.2))
def test_minimum_clusters_is_the_first_below_the_margin(margin: float, a: float) -> None:
    fewest = minimum_clusters(margin, a)
    assert floor(fewest, a) < margin
    assert fewest == 1 or floor(fewest - 1, a) >= margin


@pytest.mark.parametrize("margin", [0.0, 1.0, 10.0, float("nan")])
def test_margins_that_are_no_fractions_are_refused(margin: float) -> None:
    with pytest.raises(StatisticsError, match="margin"):
        minimum_clusters(margin, 0.025)
    with pytest.raises(StatisticsError, match="margin"):
        power.scenarios_for_consistent(0.1, margin)


# Scenarios with which simulation found 90% `consistent`, by margin and discordance.
SIMULATED = {
    0.05: {0.0: 76, 0.05: 318, 0.1: 553, 0.3: 1575},
    0.10: {0.0: 38, 0.05: 102, 0.1: 154, 0.3: 393},
    0.20: {0.0: 18, 0.05: 34, 0.1: 48, 0.3: 101},
}


@pytest.mark.parametrize("margin", SIMULATED)
def test_planned_scenarios_are_those_of_simulation_or_a_few_more(margin: float) -> None:
    for discordance, simulated in SIMULATED[margin].items():
        planned = power.scenarios_for_consistent(discordance, margin)
        assert 0.99 * simulated <= planned <= 1.12 * simulated


def test_detectable_gap_is_the_textbook_one_where_scenarios_are_many() -> None:
    gap = power.detectable_gap(100_000, 0.1)
    assert gap == pytest.approx((ndtri(0.975) + ndtri(0.8)) * math.sqrt(0.1 / 100_000), rel=1e-3)


def test_detectable_gap_shrinks_with_scenarios_and_is_none_with_too_few() -> None:
    gaps = [power.detectable_gap(n, 0.05) or math.inf for n in (10, 20, 40, 100, 400)]
    assert gaps[0] < 1.0
    assert gaps == sorted(gaps, reverse=True)
    assert [power.detectable_gap(n, 0.05) for n in (0, 1, 5)] == [None, None, None]


@pytest.mark.parametrize(("scenarios", "discordance"), [(20, 0.5), (40, 0.3), (100, 0.1), (200, 0.05), (400, 0.05)])
def test_detectable_gap_is_found_four_times_in_five(scenarios: int, discordance: float) -> None:
    gap = power.detectable_gap(scenarios, discordance)
    assert gap is not None
    rng = np.random.default_rng(1)
    chances = [(discordance + gap) / 2, (discordance - gap) / 2, 1 - discordance]
    b, c, _ = rng.multinomial(scenarios, chances, size=20_000).T
    found = np.abs(b - c) > stdtrit(scenarios - 1, 0.975) * np.sqrt(b + c)
    assert np.mean(found) == pytest.approx(0.8, abs=0.04)


def test_power_refuses_what_is_no_probability() -> None:
    with pytest.raises(StatisticsError, match=r"discordance: found 1\.1"):
        power.detectable_gap(40, 1.1)
    with pytest.raises(StatisticsError, match="power: found 80"):
        power.detectable_gap(40, 0.1, power=80)
    with pytest.raises(StatisticsError, match="gap other than 0"):
        power.miller_questions(0.1, 0.1, 1, 0.0)


def test_planning_loads_neither_numpy_nor_scipy() -> None:
    program = (
        "import sys, consistency.stats.power, consistency.stats.equivalence; "
        "sys.exit(bool({'numpy', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_main_path_does_not_load_scipy_stats() -> None:
    program = (
        "import sys, consistency.stats.methods.effective_n_tango, consistency.stats.attrition; "
        "sys.exit('scipy.stats' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_published_boundaries_of_fewer_looks() -> None:
    # Jennison and Turnbull (2000), Lan–DeMets likeness of O'Brien and Fleming's boundary, one-sided .025, equal looks.
    for looks, published in ((2, (2.963, 1.969)), (3, (3.710, 2.511, 1.993))):
        found = spending.boundaries(spending.obrien_fleming_spending(), spending.equal_looks(looks))
        assert found == pytest.approx(published, abs=6e-4)


def test_one_look_is_no_sequential_test() -> None:
    critical = spending.boundaries(spending.power_spending(2), [1.0])
    assert critical == pytest.approx((ndtri(0.975),))
    assert spending.one_sided_levels(critical) == pytest.approx((0.025,))


def test_boundaries_spend_what_they_may() -> None:
    times = (0.1, 0.45, 0.5, 1.0)
    critical = np.array(spending.boundaries(spending.power_spending(1.5, a=0.05), times))
    rng = np.random.default_rng(4)
    steps = rng.normal(size=(400_000, 4)) * np.sqrt(np.diff([0.0, *times]))
    crossed = np.logical_or.accumulate(steps.cumsum(axis=1) / np.sqrt(times) > critical, axis=1)
    assert crossed.mean(axis=0) == pytest.approx([0.05 * t**1.5 for t in times], abs=0.0012)


def test_a_look_that_may_spend_nothing_cannot_be_crossed() -> None:
    critical = spending.boundaries(lambda t: 0.025 * (t > 0.6), (0.5, 1.0))
    assert critical[0] == math.inf
    assert critical[1] == pytest.approx(ndtri(0.975))


@pytest.mark.parametrize("times", [(), (0.0, 1.0), (0.5, 0.5), (0.5, 0.4), (0.5, 1.2)])
def test_times_that_do_not_rise_are_refused(times: tuple[float, ...]) -> None:
    with pytest.raises(StatisticsError, match="rising numbers"):
        spending.boundaries(spending.power_spending(2), times)


@given(st.integers(0, 40), st.integers(0, 40))
def test_e_value_is_a_fair_bet(b: int, c: int) -> None:
    now = kt.e_value(b, c)
    assert (kt.e_value(b + 1, c) + kt.e_value(b, c + 1)) / 2 == pytest.approx(now)
    assert kt.e_value(c, b) == pytest.approx(now)


def test_e_value_begins_at_one_and_never_overflows() -> None:
    assert kt.e_value(0, 0) == pytest.approx(1.0)
    assert kt.e_value(5000, 0) == math.inf
    with pytest.raises(StatisticsError, match="counts of at least 0"):
        kt.e_value(-1, 0)
    with pytest.raises(StatisticsError, match="above 1"):
        kt.smallest_b(0, threshold=1.0)


def test_correction_of_an_instrument_without_information_is_none() -> None:
    assert corrected_rate(0.3, 0.5, 0.5) is None
    assert corrected_rate(0.3, 0.2, 0.6) is None
    assert corrected_rate(0.02, 0.9, 0.95) == 0.0
    with pytest.raises(StatisticsError, match="sensitivity: found 85"):
        corrected_rate(0.3, 85, 0.95)


def test_prediction_powered_mean_is_right_though_the_machine_is_not() -> None:
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(400):
        y = (rng.random(1200) < 0.3).astype(float)
        f = np.where(rng.random(1200) < 0.2, 1.0, y)  # says yes to a fifth of the noes
        lower, upper = ppi.prediction_powered_mean(y[:200], f[:200], f[200:]).interval(0.95)
        covered += lower <= 0.3 <= upper
    assert covered / 400 > 0.95 - 3 * math.sqrt(0.95 * 0.05 / 400)
    with pytest.raises(StatisticsError, match="found 2 human labels, 1 machine labels"):
        ppi.prediction_powered_mean([0, 1], [1], [1])
