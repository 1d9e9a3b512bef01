"""Energy tests against direct computation; false alarms under wording effects; what they see and what they refuse."""

from __future__ import annotations

from itertools import combinations, product
from typing import NamedTuple

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from consistency.errors import StatisticsError
from consistency.stats import energy, energy_test
from consistency.stats.energy import energy_distance, energy_permutation_test
from consistency.stats.energy_test import PlaceboAdjustedEnergy, placebo_adjusted_energy
from consistency.stats.methods import NotEstimable, Wordings
from consistency.stats.outcomes import BoolArray, FloatArray, IntArray


class Answers(NamedTuple):
    features: FloatArray
    cluster: IntArray
    wording: IntArray
    deployment: BoolArray

    def at(self, rows: IntArray) -> Answers:
        """These rows alone, in this order."""
        return Answers(self.features[rows], self.cluster[rows], self.wording[rows], self.deployment[rows])


def matched(
    rng: np.random.Generator, scenarios: int = 20, sets: int = 8, effect: float = 1.0, shift: float = 0.0
) -> Answers:
    """Every scenario with every set in both arms; a set's two texts have effects of their own beside a common one."""
    scenario, wording, arm = (
        axis.ravel() for axis in np.meshgrid(range(scenarios), range(sets), [0, 1], indexing="ij")
    )
    features = rng.normal(size=(scenario.size, 3)) + rng.normal(size=(scenarios, 3))[scenario]
    features += effect * (rng.normal(size=(sets, 3))[wording] + rng.normal(size=(sets, 2, 3))[wording, arm])
    features[:, 0] += shift * arm
    return Answers(features, scenario, wording, arm == 1)


def run(answers: Answers, wordings: Wordings = "matched", draws: int = 199, seed: int = 0) -> PlaceboAdjustedEnergy:
    result = placebo_adjusted_energy(*answers, wordings=wordings, rng=np.random.default_rng(seed), draws=draws)
    assert isinstance(result, PlaceboAdjustedEnergy)
    return result


def defined_gap(answers: Answers, wordings: Wordings) -> float:
    """G, word by word as it is defined."""
    features, cluster, wording, deployment = answers
    gaps = []
    for scenario in np.unique(cluster):
        cells = [
            (arm, w, features[rows])
            for arm, w in product((True, False), np.unique(wording))
            if (rows := (cluster == scenario) & (wording == w) & (deployment == arm)).any()
        ]
        if wordings == "matched":
            seen = [{w for arm, w, _ in cells if arm == side} for side in (True, False)]
            cells = [cell for cell in cells if cell[1] in seen[0] & seen[1]]
        rho = {}
        for pair in ((True, False), (True, True), (False, False)):
            rho[pair] = np.mean(
                [
                    cdist(one, other).mean()
                    for arm, w, one in cells
                    for other_arm, v, other in cells
                    if (arm, other_arm) == pair and (w != v or (wordings == "nested" and arm != other_arm))
                ]
            )
        gaps.append(rho[True, False] - rho[True, True] / 2 - rho[False, False] / 2)
    return float(np.mean(gaps))


def uneven(rng: np.random.Generator) -> Answers:
    """Scenarios with some trials lost at random, so that cells differ in size; one set lacks an arm in a scenario."""
    answers = matched(rng, scenarios=5, sets=4)
    doubled = answers.at(np.tile(np.arange(answers.cluster.size), 2))
    doubled.features[:] += rng.normal(size=doubled.features.shape)
    lost = (doubled.cluster == 0) & (doubled.wording == 0) & doubled.deployment
    kept = (rng.random(lost.size) < 0.9) & ~lost
    return doubled.at(np.flatnonzero(kept))


@pytest.mark.parametrize("rows", [5, 64, 2048])
@pytest.mark.parametrize("kernel", ["energy", "gaussian"])
def test_distances_in_blocks_are_the_direct_ones(
    rows: int, kernel: energy.Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(37, 4)), rng.normal(0.3, 1.2, size=(29, 4))
    monkeypatch.setattr(energy, "ROWS", rows)
    result = energy_permutation_test(x, y, rng=np.random.default_rng(2), draws=99, kernel=kernel)

    def matrix(one: FloatArray, other: FloatArray) -> FloatArray:
        distances: FloatArray = cdist(one, other)
        return distances if result.bandwidth is None else -np.exp(-(distances**2) / (2 * result.bandwidth**2))

    def squared(one: FloatArray, other: FloatArray) -> float:
        return float(2 * matrix(one, other).mean() - matrix(one, one).mean() - matrix(other, other).mean())

    assert result.squared_distance == pytest.approx(squared(x, y), rel=1e-4)
    pooled, shuffle = np.concatenate([x, y]), np.random.default_rng(2)
    labels = np.repeat([1, -1], [37, 29])
    orders = [shuffle.permutation(labels) > 0 for _ in range(99)]
    larger = sum(squared(pooled[first], pooled[~first]) >= squared(x, y) for first in orders)
    assert result.p_value == pytest.approx((1 + larger) / 100)
    assert (result.bandwidth is None) == (kernel == "energy")


def test_in_one_dimension_it_is_the_energy_distance_of_numbers() -> None:
    x, y = np.array([0.0, 1.0, 1.0, 0.0]), np.array([1.0, 1.0, 1.0, 0.0])
    result = energy_permutation_test(x[:, None], y[:, None], rng=np.random.default_rng(0), draws=9)
    assert result.squared_distance == pytest.approx(energy_distance(x, y) ** 2, rel=1e-5)
    assert energy_distance(x, y) == pytest.approx(0.353553, abs=1e-6)


def test_the_permutation_test_of_independent_vectors_holds_its_level_and_has_power() -> None:
    rng = np.random.default_rng(3)
    null = [
        energy_permutation_test(rng.normal(size=(20, 3)), rng.normal(size=(30, 3)), rng=rng, draws=99).p_value
        for _ in range(250)
    ]
    assert 0.02 <= np.mean(np.array(null) <= 0.05) <= 0.09
    spread = energy_permutation_test(rng.normal(size=(150, 2)), rng.normal(0, 2, size=(150, 2)), rng=rng)
    assert spread.p_value == pytest.approx(1 / 1000)


def test_equal_vectors_are_never_a_difference() -> None:
    same = np.full((6, 3), 0.1)
    result = energy_permutation_test(same, same, rng=np.random.default_rng(0), draws=19, kernel="gaussian")
    assert result.squared_distance == pytest.approx(0.0, abs=1e-6)
    assert result.p_value == 1.0


@pytest.mark.parametrize(
    ("first", "second", "draws", "found"),
    [
        (np.zeros((0, 2)), np.zeros((3, 2)), 9, r"found shapes \(0, 2\)"),
        (np.zeros((3, 1)), np.zeros((3, 2)), 9, "vectors of one length"),
        (np.zeros(3), np.zeros((3, 2)), 9, "one row of finite numbers"),
        (np.full((3, 2), np.nan), np.zeros((3, 2)), 9, "one row of finite numbers"),
        (np.zeros((3, 2)), np.zeros((3, 2)), 0, "found 0 draws"),
    ],
)
def test_the_permutation_test_refuses(first: FloatArray, second: FloatArray, draws: int, found: str) -> None:
    with pytest.raises(StatisticsError, match=found):
        energy_permutation_test(first, second, rng=np.random.default_rng(0), draws=draws)


@pytest.mark.parametrize("rows", [3, 2048])
@pytest.mark.parametrize("wordings", ["matched", "nested", "ignored"])
def test_the_gap_is_as_defined(wordings: Wordings, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energy_test, "ROWS", rows)
    answers = uneven(np.random.default_rng(4))
    result = run(answers, wordings, draws=20)
    if wordings == "ignored":
        expected = defined_gap(answers._replace(wording=np.arange(answers.wording.size)), "nested")
    else:
        expected = defined_gap(answers, wordings)
    assert result.gap == pytest.approx(expected, rel=1e-4)
    parts = result.between - result.within_deployment / 2 - result.within_evaluation / 2
    assert result.gap == pytest.approx(parts, rel=1e-9)
    assert result.scenarios == 5


def test_all_swaps_of_sets_are_tried() -> None:
    answers = matched(np.random.default_rng(5), scenarios=4, sets=5)
    result = run(answers)
    gaps = []
    for swapped in product([False, True], repeat=5):
        arm = answers.deployment ^ np.array(swapped)[answers.wording]
        gaps.append(defined_gap(answers._replace(deployment=arm), "matched"))
    assert result.exact
    assert result.p_value == pytest.approx(np.mean(np.array(gaps) >= gaps[0] - 1e-9))


def test_neither_a_place_nor_a_turn_nor_an_order_changes_the_result() -> None:
    rng = np.random.default_rng(6)
    answers = matched(rng, scenarios=6, sets=6)
    result = run(answers)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    order = rng.permutation(answers.cluster.size)
    moved = answers._replace(features=answers.features @ turn + 50).at(order)
    relabelled = moved._replace(cluster=7 - 3 * moved.cluster, wording=100 - moved.wording)
    for other in (moved, relabelled, answers._replace(deployment=~answers.deployment)):
        again = run(other)
        assert again.gap == pytest.approx(result.gap, abs=1e-4)
        assert again.p_value == result.p_value
    assert run(answers._replace(features=10 * answers.features)).gap == pytest.approx(10 * result.gap, rel=1e-3)


def test_wordings_that_differ_are_a_difference_of_arms_to_a_naive_test_and_not_to_the_adjusted_one() -> None:
    rng = np.random.default_rng(7)
    naive, adjusted, gaps = [], [], []
    for _ in range(100):
        answers = matched(rng, scenarios=8, effect=1.5)
        arm = answers.deployment
        naive.append(energy_permutation_test(answers.features[arm], answers.features[~arm], rng=rng, draws=39).p_value)
        result = run(answers)
        adjusted.append(result.p_value)
        gaps.append(result.gap)
    assert np.mean(np.array(naive) <= 0.05) > 0.3
    assert np.mean(np.array(adjusted) <= 0.05) < 0.11
    assert abs(np.mean(gaps)) < 3 * np.std(gaps) / np.sqrt(len(gaps))


def test_a_relabelling_is_measured_on_all_scenarios_that_it_lets_tell() -> None:
    rng = np.random.default_rng(14)
    wording = np.array([0, 1, 2, 3, 4, 0, 1, 2, 4])
    scenario = np.repeat([0, 1], [5, 4])
    answers = Answers(rng.normal(size=(9, 2)), scenario, wording, wording <= 2)
    alone = answers.at(np.arange(5))
    result = run(answers, "nested", draws=4_000)
    assert result.gap == pytest.approx(defined_gap(alone, "nested"), rel=1e-4)
    assert (result.scenarios, result.wordings) == (1, 5)
    gaps = []
    for pair in combinations(range(5), 2):
        relabelled = answers._replace(deployment=~np.isin(wording, pair))
        told = [s for s in (0, 1) if 2 <= np.count_nonzero(relabelled.deployment[scenario == s]) <= [3, 2][s]]
        gaps.append(defined_gap(relabelled.at(np.flatnonzero(np.isin(scenario, told))), "nested"))
    expected = np.mean(np.array(gaps) >= result.gap - 1e-6)
    first_alone = [
        defined_gap(alone._replace(deployment=~np.isin(wording[:5], pair)), "nested")
        for pair in combinations(range(5), 2)
    ]
    assert expected != np.mean(np.array(first_alone) >= result.gap - 1e-6)
    assert result.p_value == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("shared", [True, False])
def test_wordings_of_one_arm_each_cause_no_false_alarms_either(shared: bool) -> None:
    rng = np.random.default_rng(8)
    alarms, ignored = [], []
    for _ in range(60):
        scenario, wording, arm, _ = (axis.ravel() for axis in np.meshgrid(*map(range, (6, 5, 2, 3)), indexing="ij"))
        effects = rng.normal(size=(6, 5, 2, 3))
        effect = effects[0, wording, arm] if shared else effects[scenario, wording, arm]
        answers = Answers(rng.normal(size=(wording.size, 3)) + 1.5 * effect, scenario, wording, arm == 1)
        alarms.append(run(answers, "nested", draws=99).p_value <= 0.05)
        ignored.append(run(answers, "ignored", draws=39).p_value <= 0.05)
    assert np.mean(alarms) < 0.125
    assert np.mean(ignored) > 0.6


@pytest.mark.parametrize("wordings", ["matched", "nested"])
def test_a_real_difference_is_found(wordings: Wordings) -> None:
    answers = matched(np.random.default_rng(9), sets=12, effect=0.3, shift=1.0)
    result = run(answers, wordings)
    assert result.p_value <= 0.01
    assert result.gap > 0


def test_a_difference_that_leaves_every_mean_alone_is_found() -> None:
    answers = matched(np.random.default_rng(10), effect=0.0)
    spread = np.where(answers.deployment[:, None], 4.0, 1.0)
    noise = np.random.default_rng(11).normal(size=answers.features.shape)
    assert run(answers._replace(features=spread * noise)).p_value <= 0.02


def test_too_little_is_not_estimable() -> None:
    answers = matched(np.random.default_rng(12), scenarios=3, sets=1)
    for few in (answers, answers.at(np.arange(0))):
        for wordings in ("matched", "nested", "ignored"):
            result = placebo_adjusted_energy(*few, wordings=wordings, rng=np.random.default_rng(0))
            assert isinstance(result, NotEstimable)
            assert "no scenario has 2" in result.reason


def test_what_is_needed_is_asked_for() -> None:
    answers = matched(np.random.default_rng(13), scenarios=2, sets=16)
    for wordings in ("matched", "nested"):
        with pytest.raises(StatisticsError, match="pass rng"):
            placebo_adjusted_energy(*answers, wordings=wordings)
    with pytest.raises(StatisticsError, match=r"float64.*integers are needed, one for each of 64 rows"):
        placebo_adjusted_energy(answers.features, answers.features[:, 0], answers.wording, answers.deployment)
    with pytest.raises(StatisticsError, match="booleans are needed"):
        placebo_adjusted_energy(answers.features, answers.cluster, answers.wording, answers.wording)
    with pytest.raises(StatisticsError, match="one row of finite numbers"):
        placebo_adjusted_energy(answers.features * np.inf, answers.cluster, answers.wording, answers.deployment)
