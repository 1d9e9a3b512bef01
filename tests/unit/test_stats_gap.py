"""The interval of record: its variance against section-by-section sums, its invariances, its coverage."""

from __future__ import annotations

from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consistency.errors import StatisticsError
from consistency.stats.cluster_t import ClusterT, cluster_t
from consistency.stats.equivalence import tost_p_value
from consistency.stats.intervals import tango
from consistency.stats.methods import NotEstimable, Wordings
from consistency.stats.methods.effective_n_tango import NAME, GapEstimate, estimate
from consistency.stats.outcomes import Outcomes
from consistency.stats.variance import influences

MODES: tuple[Wordings, ...] = ("matched", "nested", "ignored")


def estimated(outcomes: Outcomes, wordings: Wordings = "matched") -> GapEstimate:
    result = estimate(outcomes, wordings=wordings)
    assert isinstance(result, GapEstimate)
    return result


def drawn(seed: int, clusters: int, repeats: int, wordings: int, rate: float = 0.3) -> Outcomes:
    """Independent outcomes, one matched wording drawn for each cluster and repeat."""
    rng = np.random.default_rng(seed)
    n = clusters * repeats
    cluster, wording = np.tile(np.repeat(np.arange(clusters), repeats), 2), np.tile(rng.integers(0, wordings, n), 2)
    return Outcomes(cluster, wording, np.repeat([True, False], n), (rng.random(2 * n) < rate).astype(float))


def rows_of(outcomes: Outcomes) -> list[tuple[int, int, bool, float]]:
    columns = (outcomes.cluster, outcomes.wording, outcomes.deployment, outcomes.y)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@st.composite
def designs(draw: st.DrawFn) -> Outcomes:
    """A few clusters, wordings and repeats, uneven between arms and clusters, every cluster in both arms."""
    clusters, wordings = draw(st.integers(2, 6)), draw(st.integers(2, 5))
    trial = st.tuples(st.integers(0, wordings - 1), st.sampled_from([0.0, 1.0, 0.5, 0.3]))
    rows = [
        (cluster, wording, deployment, y)
        for cluster, deployment in product(range(clusters), (True, False))
        for wording, y in draw(st.lists(trial, min_size=1, max_size=4))
    ]
    cluster, wording, deployment, y = zip(*rows, strict=True)
    return Outcomes(np.array(cluster), np.array(wording), np.array(deployment), np.array(y))


def with_columns(outcomes: Outcomes, rows: np.ndarray) -> Outcomes:
    return Outcomes(outcomes.cluster[rows], outcomes.wording[rows], outcomes.deployment[rows], outcomes.y[rows])


def swapped(outcomes: Outcomes) -> Outcomes:
    return Outcomes(outcomes.cluster, outcomes.wording, ~outcomes.deployment, outcomes.y)


def grouped_squares(psi: np.ndarray, keys: list[object]) -> float:
    totals: dict[object, float] = {}
    for value, key in zip(psi, keys, strict=True):
        totals[key] = totals.get(key, 0.0) + float(value)
    return sum(total**2 for total in totals.values())


def by_hand(outcomes: Outcomes, mode: Wordings) -> tuple[float, int]:
    """V and ν of a balanced design, written out from their definition."""
    rows = rows_of(outcomes)
    mean = {arm: np.mean([y for _, _, deployment, y in rows if deployment is arm]) for arm in (True, False)}
    size = {arm: sum(deployment is arm for _, _, deployment, _ in rows) for arm in (True, False)}
    psi = np.array([(1 if arm else -1) * (y - mean[arm]) / size[arm] for _, _, arm, y in rows])
    scenarios = [row[0] for row in rows]
    wordings = [row[1] if mode == "matched" else row[1:3] for row in rows]
    s, h = len(set(scenarios)), len(set(wordings))
    by_scenario = s / (s - 1) * grouped_squares(psi, list(scenarios))
    if mode == "ignored":
        return by_scenario, s - 1
    lost = 1 if mode == "matched" else 2
    by_wording = h / (h - lost) * grouped_squares(psi, list(wordings))
    cells = grouped_squares(psi, list(zip(scenarios, wordings, strict=True)))
    return max(by_scenario, by_wording, by_scenario + by_wording - cells), min(s - 1, h - lost)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(8))
def test_variance_is_the_one_written_down(mode: Wordings, seed: int) -> None:
    outcomes = drawn(seed, clusters=12, repeats=4, wordings=9)
    result = estimated(outcomes, mode)
    variance, degrees = by_hand(outcomes, mode)
    assert result.standard_error**2 == pytest.approx(variance)
    assert result.degrees_of_freedom == degrees
    squared = outcomes.squared_difference
    assert squared is not None
    fewest = 12 if mode == "ignored" else 2
    assert result.n_effective == pytest.approx(np.clip((squared - result.gap**2) / variance, fewest, 48))
    assert (result.b - result.c) / result.n_effective == pytest.approx(result.gap)
    assert (result.b + result.c) / result.n_effective == pytest.approx(squared)


def test_wordings_of_one_scenario_each_add_no_variance() -> None:
    outcomes = drawn(1, clusters=10, repeats=4, wordings=3)
    own = Outcomes(outcomes.cluster, 10 * outcomes.cluster + outcomes.wording, outcomes.deployment, outcomes.y)
    matched, ignored = estimated(own), estimated(own, "ignored")
    assert matched == ignored
    assert matched.degrees_of_freedom == 9


@pytest.mark.parametrize(
    ("mode", "reason"), [("matched", "the arms have 1 wording"), ("nested", "one arm has 1 wording")]
)
def test_one_wording_per_arm_is_not_estimable_unless_ignored(mode: Wordings, reason: str) -> None:
    one = drawn(2, clusters=10, repeats=2, wordings=1)
    result = estimate(one, wordings=mode)
    assert isinstance(result, NotEstimable)
    assert reason in result.reason
    assert estimated(one, "ignored").degrees_of_freedom == 9


def test_one_arm_with_one_wording_is_not_estimable_when_nested() -> None:
    outcomes = drawn(3, clusters=10, repeats=2, wordings=6)
    uneven = Outcomes(
        outcomes.cluster,
        np.where(outcomes.deployment, 0, outcomes.wording),
        outcomes.deployment,
        outcomes.y,
    )
    assert isinstance(estimate(uneven, wordings="nested"), NotEstimable)


@pytest.mark.parametrize("clusters", [0, 1])
def test_fewer_than_two_clusters_are_not_estimable(clusters: int) -> None:
    result = estimate(drawn(0, clusters, repeats=3, wordings=3))
    assert isinstance(result, NotEstimable)
    assert result.reason == f"{clusters} cluster(s) were seen in both arms; at least 2 are needed"
    assert result.gap is None
    assert result.p_value is None
    assert result.interval(0.95) is None


def test_direction() -> None:
    deployment_only = Outcomes(
        np.tile(np.arange(30), 2), np.tile(np.arange(30), 2), np.repeat([True, False], 30), np.repeat([1.0, 0.0], 30)
    )
    result = estimated(deployment_only)
    assert result.gap == 1.0
    assert (result.b, result.c) == (30.0, 0.0)
    # With b = n the statistic is √(n(1 − x)/(1 + x)).
    critical = 2.045229642132703  # of t on 29 degrees of freedom
    lower, upper = result.interval(0.95)
    assert upper == 1.0
    assert lower == pytest.approx((30 - critical**2) / (30 + critical**2))


def test_one_pair_per_scenario_nears_tango_as_t_nears_the_normal() -> None:
    n = 4000
    y = np.concatenate([np.arange(n) % 10 == 0, np.arange(n) % 15 == 1]).astype(float)
    outcomes = Outcomes(np.tile(np.arange(n), 2), np.tile(np.arange(n), 2), np.repeat([True, False], n), y)
    b, c = round(estimated(outcomes).b), round(estimated(outcomes).c)
    assert estimated(outcomes).n_effective == n
    assert estimated(outcomes).interval(0.95) == pytest.approx(tango(b, c, n), abs=2e-5)


@pytest.mark.parametrize("mode", MODES)
def test_all_alike_still_has_a_width_and_counts_scenarios(mode: Wordings) -> None:
    quiet = drawn(4, clusters=40, repeats=5, wordings=20, rate=0.0)
    result = estimated(quiet, mode)
    assert result.standard_error == 0.0
    assert result.n_effective == 40
    assert result.p_value == 1.0
    lower, upper = result.interval(0.95)
    assert -lower == upper > 0.09


def test_equal_differences_with_rounding_count_as_no_variance() -> None:
    clusters, repeats = 11, 7
    cluster = np.tile(np.repeat(np.arange(clusters), repeats), 2)
    y = np.tile(np.r_[1, 1, 0, 0, 0, 0, 0], clusters), np.tile(np.r_[1, 0, 0, 0, 0, 0, 0], clusters)
    arm = np.repeat([True, False], clusters * repeats)
    outcomes = Outcomes(cluster, np.arange(cluster.size), arm, np.concatenate(y).astype(float))
    assert estimated(outcomes).n_effective == clusters


def test_outcomes_between_zero_and_one_never_give_negative_counts() -> None:
    rng = np.random.default_rng(5)
    cluster = np.tile(np.arange(30), 2)
    y = np.concatenate([0.2 + 0.05 * rng.random(30), 0.1 + 0.05 * rng.random(30)])
    result = estimated(Outcomes(cluster, np.zeros(60, dtype=int), np.repeat([True, False], 30), y), "ignored")
    assert result.c == 0.0
    assert result.b > 0.0
    lower, upper = result.interval(0.95)
    assert lower < result.gap < upper


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0, float("nan")])
def test_levels_outside_zero_to_one_are_refused(level: float) -> None:
    with pytest.raises(StatisticsError, match="confidence level"):
        estimated(drawn(0, 5, 2, 4)).interval(level)


def test_unknown_wordings_are_refused() -> None:
    with pytest.raises(StatisticsError, match='found \'crossed\'; "matched", "nested" and "ignored" are allowed'):
        estimate(drawn(0, 5, 2, 4), wordings="crossed")  # type: ignore[arg-type]  # what a careless caller does


def test_method_names_itself() -> None:
    assert estimate.__module__.endswith(NAME)


@given(designs(), st.sampled_from(MODES))
def test_interval_holds_the_estimate_has_width_and_stays_inside(outcomes: Outcomes, mode: Wordings) -> None:
    result = estimate(outcomes, wordings=mode)
    if isinstance(result, NotEstimable):
        return
    assert result.c >= 0.0 <= result.b
    for level in (0.5, 0.9, 0.95, 0.999):
        lower, upper = result.interval(level)
        assert -1.0 <= lower <= result.gap <= upper <= 1.0
        assert lower < upper


@given(designs(), st.sampled_from(MODES))
def test_p_value_agrees_with_the_interval(outcomes: Outcomes, mode: Wordings) -> None:
    result = estimate(outcomes, wordings=mode)
    if isinstance(result, NotEstimable):
        return
    assert 0.0 <= result.p_value <= 1.0
    if result.gap == 0.0:
        assert result.p_value == 1.0
        return
    for level in (0.8, 0.95):
        if abs(result.p_value - (1 - level)) > 1e-9:
            lower, upper = result.interval(level)
            assert (result.p_value < 1 - level) == (not lower <= 0.0 <= upper)


@given(designs(), st.sampled_from([0.1, 0.3, 0.6]))
def test_equivalence_p_value_agrees_with_the_interval(outcomes: Outcomes, margin: float) -> None:
    result = estimated(outcomes, "ignored")
    p = tost_p_value(result, margin)
    for a in (0.025, 0.2):
        if abs(p - a) > 1e-9:
            lower, upper = result.interval(1 - 2 * a)
            assert (p < a) == (-margin < lower and upper < margin)


@given(designs(), st.sampled_from(MODES))
def test_swapping_the_arms_mirrors_everything(outcomes: Outcomes, mode: Wordings) -> None:
    result, mirrored = estimate(outcomes, wordings=mode), estimate(swapped(outcomes), wordings=mode)
    if isinstance(result, NotEstimable) or isinstance(mirrored, NotEstimable):
        assert type(result) is type(mirrored)
        return
    assert mirrored.gap == -result.gap
    assert mirrored.p_value == pytest.approx(result.p_value)
    lower, upper = result.interval(0.95)
    assert mirrored.interval(0.95) == pytest.approx((-upper, -lower))


@given(designs(), st.sampled_from(MODES), st.randoms(use_true_random=False))
def test_order_and_labels_of_trials_do_not_matter(outcomes: Outcomes, mode: Wordings, random: Random) -> None:
    order = list(range(outcomes.y.size))
    random.shuffle(order)
    shuffled = with_columns(outcomes, np.array(order))
    relabelled = Outcomes(50 - 3 * shuffled.cluster, -7 * shuffled.wording - 1, shuffled.deployment, shuffled.y)
    first, second = estimate(outcomes, wordings=mode), estimate(relabelled, wordings=mode)
    if isinstance(first, NotEstimable) or isinstance(second, NotEstimable):
        assert first == second
        return
    assert second.gap == pytest.approx(first.gap, abs=1e-12)
    assert second.degrees_of_freedom == first.degrees_of_freedom
    assert second.interval(0.95) == pytest.approx(first.interval(0.95), abs=1e-9)


@given(designs(), st.integers(0, 5), st.sampled_from(MODES))
def test_copies_of_a_clusters_trials_are_no_new_evidence(outcomes: Outcomes, which: int, mode: Wordings) -> None:
    rows = np.arange(outcomes.y.size)
    copied = with_columns(outcomes, np.concatenate([rows, rows[outcomes.cluster == which % outcomes.clusters]]))
    before, after = estimate(outcomes, wordings=mode), estimate(copied, wordings=mode)
    if isinstance(before, NotEstimable) or isinstance(after, NotEstimable):
        assert before == after
        return
    assert after.gap == pytest.approx(before.gap, abs=1e-12)
    assert after.standard_error == pytest.approx(before.standard_error, abs=1e-12)
    assert after.degrees_of_freedom == before.degrees_of_freedom
    if before.n_effective < outcomes.pairs * (1 - 1e-9):  # else the limit of as many pairs as there are was at work
        assert after.interval(0.95) == pytest.approx(before.interval(0.95), abs=1e-9)


@given(designs())
def test_influences_add_up_to_nothing_and_to_each_clusters_difference(outcomes: Outcomes) -> None:
    psi = influences(outcomes)
    assert psi.sum() == pytest.approx(0.0, abs=1e-12)
    sums = np.bincount(outcomes.cluster_index, weights=psi)
    assert sums == pytest.approx((outcomes.differences - outcomes.differences.mean()) / outcomes.clusters)


@given(designs())
def test_ignoring_wordings_gives_the_standard_error_of_the_paired_t(outcomes: Outcomes) -> None:
    check, result = cluster_t(outcomes), estimated(outcomes, "ignored")
    if isinstance(check, ClusterT):
        assert result.standard_error == pytest.approx(check.standard_error)
        assert result.gap == check.gap
    else:
        assert result.standard_error == pytest.approx(0.0, abs=1e-12)


def test_interval_covers_where_scenarios_alone_would_not() -> None:
    """40 scenarios × 5 repeats, 20 matched sets whose arms differ by wording (sd 1 on the logit scale), no true gap."""
    rng = np.random.default_rng(20)
    replications, scenarios, repeats, sets = 500, 40, 5, 20
    cluster = np.repeat(np.arange(scenarios), repeats)
    covered: dict[Wordings, int] = {"matched": 0, "ignored": 0}
    for _ in range(replications):
        level = rng.normal(-1.0, 1.5, scenarios)[cluster]
        wording = rng.integers(0, sets, cluster.size)
        effects = (rng.normal(0, 1.0, sets)[wording] for _ in range(2))
        y = np.concatenate([rng.random(cluster.size) < 1 / (1 + np.exp(-level - effect)) for effect in effects])
        arm = np.repeat([True, False], cluster.size)
        outcomes = Outcomes(np.tile(cluster, 2), np.tile(wording, 2), arm, y.astype(float))
        for mode in covered:
            lower, upper = estimated(outcomes, mode).interval(0.95)
            covered[mode] += lower <= 0.0 <= upper
    tolerance = 3 * np.sqrt(0.05 * 0.95 / replications)
    assert covered["matched"] / replications > 0.95 - tolerance
    assert covered["ignored"] / replications < 0.90
