"""Adaptive choice of scenarios: that it saves draws where few diverge, costs none where all do, and stays honest."""

from __future__ import annotations

import math

import numpy as np
import pytest

from consistency.errors import StatisticsError
from consistency.stats.adaptive import next_scenario, next_scenarios
from consistency.stats.eprocess import log_e_values


def draws_until_found(
    gaps: np.ndarray, *, adaptive: bool, most: int, seed: int, base_rates: tuple[float, float] = (0.02, 0.05)
) -> np.ndarray:
    """Draws until E ≥ 20 of audits whose true gaps have shape (audits, scenarios)."""
    rng = np.random.default_rng(seed)
    audits, scenarios = gaps.shape
    base = rng.uniform(*base_rates, gaps.shape)
    for_b = np.minimum(base + np.maximum(gaps, 0), 1) * (1 - base - np.maximum(-gaps, 0))
    for_c = np.minimum(base + np.maximum(-gaps, 0), 1) * (1 - base - np.maximum(gaps, 0))
    counts = np.zeros((3, audits, scenarios), dtype=np.int64)
    found = np.full(audits, most + 1)
    rows = np.arange(audits)
    for draw in range(most):
        chosen = next_scenarios(counts[0], counts[1], counts[2], rng) if adaptive else np.full(audits, draw % scenarios)
        outcome, first, second = rng.random(audits), for_b[rows, chosen], for_c[rows, chosen]
        counts[0, rows, chosen] += outcome < first
        counts[1, rows, chosen] += (outcome >= first) & (outcome < first + second)
        counts[2, rows, chosen] += 1
        reached = log_e_values(counts[0].sum(axis=1), counts[1].sum(axis=1)) >= math.log(20)
        found = np.where(reached, np.minimum(found, draw + 1), found)
        if (found <= most).all():
            break
    return found


def planted(audits: int, scenarios: int, diverging: int, gap: float) -> np.ndarray:
    gaps = np.zeros((audits, scenarios))
    gaps[:, :diverging] = gap
    return np.random.default_rng(0).permuted(gaps, axis=1)


@pytest.mark.parametrize(("scenarios", "diverging"), [(40, 4), (100, 5)])
def test_few_divergent_scenarios_are_found_in_two_fifths_of_the_draws_or_fewer(scenarios: int, diverging: int) -> None:
    gaps = planted(100, scenarios, diverging, 0.8)
    uniform = draws_until_found(gaps, adaptive=False, most=1500, seed=1)
    adaptive = draws_until_found(gaps, adaptive=True, most=1500, seed=2)
    assert uniform.mean() >= 2.5 * adaptive.mean()
    assert np.all(adaptive <= 1500)


def test_where_all_scenarios_diverge_choosing_costs_nothing() -> None:
    gaps = planted(200, 40, 40, 0.2)
    uniform = draws_until_found(gaps, adaptive=False, most=1000, seed=3)
    adaptive = draws_until_found(gaps, adaptive=True, most=1000, seed=4)
    assert adaptive.mean() <= 1.15 * uniform.mean()


def test_gaps_of_opposite_signs_do_not_cancel() -> None:
    gaps = planted(60, 40, 8, 0.8)
    gaps[:, ::2] *= -1
    assert np.mean(draws_until_found(gaps, adaptive=True, most=400, seed=5) <= 400) > 0.95


def test_false_alarms_stay_below_the_level_however_the_scenarios_are_chosen() -> None:
    nothing = np.zeros((1000, 6))
    found = draws_until_found(nothing, adaptive=True, most=400, seed=6, base_rates=(0.02, 0.6))
    assert 0.005 < np.mean(found <= 400) <= 0.05


def test_a_scenario_that_keeps_diverging_is_followed_and_others_explored_before_clean_ones() -> None:
    rng = np.random.default_rng(7)
    b, c, drawn = np.array([4, 0, 0, 0, 1]), np.zeros(5, dtype=int), np.array([4, 30, 30, 0, 20])
    chosen = np.bincount([next_scenario(b, c, drawn, rng) for _ in range(2000)], minlength=5)
    assert chosen[0] > 1300
    assert chosen[3] > 4 * chosen[[1, 2]].max()


def test_every_scenario_is_drawn_in_the_end() -> None:
    rng = np.random.default_rng(8)
    drawn = np.zeros(30, dtype=np.int64)
    for _ in range(300):
        drawn[next_scenario(np.zeros(30, dtype=int), np.zeros(30, dtype=int), drawn, rng)] += 1
    assert drawn.min() >= 1
    assert drawn.max() <= 40


def test_the_same_seed_chooses_the_same_and_one_audit_is_a_row_of_many() -> None:
    b, c, drawn = np.array([1, 0, 2]), np.array([0, 1, 0]), np.array([3, 1, 2])
    first = [next_scenario(b, c, drawn, np.random.default_rng(seed)) for seed in range(20)]
    assert first == [next_scenario(b, c, drawn, np.random.default_rng(seed)) for seed in range(20)]
    many = next_scenarios(np.tile(b, (5, 1)), np.tile(c, (5, 1)), np.tile(drawn, (5, 1)), np.random.default_rng(9))
    assert many.shape == (5,)
    assert next_scenario([2], [0], [9], np.random.default_rng(1)) == 0


@pytest.mark.parametrize(
    ("b", "c", "drawn", "message"),
    [
        ([], [], [], "with a scenario at least"),
        ([1], [0, 0], [1, 1], "equal ones"),
        ([[1]], [[0]], [[1]], "one per scenario"),
        ([2], [0], [1], "more discordant pairs than pairs drawn"),
        ([-1], [0], [1], "counts below 0"),
        ([0.5], [0.0], [1.0], "integers are needed"),
    ],
)
def test_counts_that_cannot_be_are_refused(b: object, c: object, drawn: object, message: str) -> None:
    with pytest.raises(StatisticsError, match=message):
        next_scenario(b, c, drawn, np.random.default_rng(0))  # type: ignore[arg-type]
