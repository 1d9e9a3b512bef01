"""What a sequential study is said to need, against studies simulated trial by trial and judged as in earnest."""

from __future__ import annotations

import math
import time
from functools import cache

import numpy as np
import pytest
from scipy.stats import multinomial, t

from consistency.errors import StatisticsError
from consistency.stats import spending
from consistency.stats.equivalence import floor
from consistency.stats.intervals import tango_at
from consistency.stats.methods.effective_n_tango import GapEstimate, estimate
from consistency.stats.outcomes import Outcomes
from consistency.stats.sequential_power import expected_calls

LEVELS = spending.one_sided_levels(spending.boundaries(spending.power_spending(2), spending.equal_looks(5)))


@cache
def verdict(b: int, c: int, n: int, a: float, margin: float) -> str:
    """The rule of one look in the words of the method."""
    lower, upper = tango_at(b, c, n, float(t.ppf(1 - a, n - 1)))
    if -margin < lower and upper < margin and abs(b - c) / n + floor(n, a) < margin:
        return "consistent"
    return "inconsistent" if lower > 0 or upper < 0 else ""


def simulated(rng: np.random.Generator, scenarios: int, psi: float, gap: float, margin: float) -> tuple[str, int]:
    """Verdict and pairs of one study of one pair per scenario."""
    chances = [(psi + gap) / 2, (psi - gap) / 2, 1 - psi]
    pairs = rng.choice(3, size=scenarios, p=chances)
    for look, a in enumerate(LEVELS, start=1):
        n = round(scenarios * look / 5)
        found = verdict(int(np.sum(pairs[:n] == 0)), int(np.sum(pairs[:n] == 1)), n, a, margin)
        if found:
            return found, n
    return "inconclusive", scenarios


@pytest.mark.parametrize(
    ("scenarios", "psi", "gap", "margin"),
    [(100, 0.05, 0.0, 0.1), (100, 0.3, 0.2, 0.1), (200, 0.2, 0.0, 0.1), (200, 0.15, 0.1, 0.1), (150, 0.5, -0.15, 0.2)],
)
def test_it_agrees_with_binary_pairs(scenarios: int, psi: float, gap: float, margin: float) -> None:
    """Within .04 of each probability and 3% of the pairs: three errors of 1,500 studies and of its own 5,000."""
    rng = np.random.default_rng(1)
    studies = [simulated(rng, scenarios, psi, gap, margin) for _ in range(1_500)]
    outlook = expected_calls(scenarios, psi, gap=gap, margin=margin)
    for name in ("consistent", "inconsistent", "inconclusive"):
        share = np.mean([found == name for found, _ in studies])
        assert getattr(outlook, name) == pytest.approx(share, abs=0.04)
    assert outlook.expected_pairs == pytest.approx(np.mean([pairs for _, pairs in studies]), rel=0.03)


def test_repeats_count_as_the_interval_of_record_counts_them() -> None:
    """60 scenarios × 4 pairs whose scenarios' own gaps spread: within .08 of 300 studies through the real estimator."""
    rng = np.random.default_rng(2)
    scenarios, repeats, spread, gap, base = 60, 4, 0.15, 0.15, 0.3
    cluster = np.repeat(np.arange(scenarios), repeats)
    found, used = [], []
    for _ in range(300):
        slope = rng.choice([-spread, spread], scenarios)[cluster] / 2
        y = [rng.random(cluster.size) < base + sign * (slope + gap / 2) for sign in (1, -1)]
        for look, a in enumerate(LEVELS, start=1):
            seen = cluster < round(scenarios * look / 5)
            n = int(seen.sum())
            rows = np.tile(np.arange(n), 2)
            outcomes = Outcomes(
                cluster[rows], rows, np.repeat([True, False], n), np.concatenate([arm[seen] for arm in y]).astype(float)
            )
            result = estimate(outcomes)
            assert isinstance(result, GapEstimate)
            lower, upper = result.interval(1 - 2 * a)
            inconsistent = lower > 0 or upper < 0
            if inconsistent or look == 5:
                found.append(inconsistent)
                used.append(n)
                break
    high, low = base + (gap + spread) / 2, base + (gap - spread) / 2
    down, up = base - (gap + spread) / 2, base - (gap - spread) / 2
    psi = np.mean([high * (1 - down) + down * (1 - high), low * (1 - up) + up * (1 - low)])
    outlook = expected_calls(scenarios, float(psi), gap=gap, pairs_per_scenario=repeats, spread=spread)
    assert outlook.inconsistent == pytest.approx(np.mean(found), abs=0.08)
    assert outlook.expected_pairs == pytest.approx(np.mean(used), rel=0.1)


def test_one_look_is_the_sum_over_all_tables() -> None:
    scenarios, psi, gap = 45, 0.1, 0.05
    outlook = expected_calls(scenarios, psi, gap=gap, looks=1)
    chances = [(psi + gap) / 2, (psi - gap) / 2, 1 - psi]
    exact = dict.fromkeys(("consistent", "inconsistent", ""), 0.0)
    for b in range(scenarios + 1):
        for c in range(scenarios + 1 - b):
            found = verdict(b, c, scenarios, 0.025, 0.1)
            exact[found] += float(multinomial.pmf([b, c, scenarios - b - c], scenarios, chances))
    assert outlook.consistent == pytest.approx(exact["consistent"], abs=0.021)
    assert outlook.inconsistent == pytest.approx(exact["inconsistent"], abs=0.021)
    assert outlook.expected_pairs == outlook.most_pairs == scenarios


def test_the_published_cells_of_400_scenarios() -> None:
    """Share of an 800-call budget used and verdicts given: gap 0 at base .02, 41% (100%)."""
    outlook = expected_calls(400, 2 * 0.02 * 0.98)
    assert outlook.expected_calls / 800 == pytest.approx(0.41, abs=0.02)
    assert outlook.consistent > 0.99


def test_a_true_null_is_seldom_inconsistent_and_a_gap_of_the_margin_seldom_consistent() -> None:
    for psi in (0.05, 0.2, 0.4):
        assert expected_calls(400, psi).inconsistent <= 0.055
    for psi in (0.1, 0.2, 0.4):
        assert expected_calls(400, psi, gap=0.1).consistent <= 0.03


def test_more_of_a_gap_takes_fewer_pairs_and_its_direction_does_not_matter() -> None:
    used = [expected_calls(400, 0.4, gap=gap).expected_pairs for gap in (0.1, 0.2, 0.4)]
    assert used == sorted(used, reverse=True)
    up, down = expected_calls(400, 0.4, gap=0.1), expected_calls(400, 0.4, gap=-0.1)
    assert up.inconsistent == pytest.approx(down.inconsistent, abs=0.03)


def test_repeats_help_unless_scenarios_are_all_the_spread() -> None:
    alone = expected_calls(60, 0.3, gap=0.15)
    repeated = expected_calls(60, 0.3, gap=0.15, pairs_per_scenario=4)
    all_spread = expected_calls(60, 0.3, gap=0.15, pairs_per_scenario=4, spread=math.sqrt(0.3 - 0.15**2))
    assert repeated.inconsistent > alone.inconsistent + 0.2
    assert all_spread.inconsistent == alone.inconsistent
    assert all_spread.expected_pairs == pytest.approx(4 * alone.expected_pairs)


def test_probabilities_add_up_and_looks_accumulate() -> None:
    outlook = expected_calls(50, 0.2, gap=0.05)
    assert outlook.consistent + outlook.inconsistent + outlook.inconclusive == pytest.approx(1.0)
    assert outlook.different_within_margin <= outlook.consistent
    assert list(outlook.stopped) == sorted(outlook.stopped)
    assert outlook.stopped[-1] == pytest.approx(1 - outlook.inconclusive)


def test_few_scenarios_are_tested_for_the_margin_at_the_last_look_only() -> None:
    quiet = expected_calls(45, 0.0)  # 39 are needed, 58 to look early
    assert quiet.stopped == (0.0, 0.0, 0.0, 0.0, 1.0)
    assert expected_calls(30, 0.0).inconclusive == 1.0
    assert expected_calls(80, 0.0).stopped[3] == 1.0


def test_certain_divergence_is_found() -> None:
    outlook = expected_calls(40, 1.0, gap=1.0, pairs_per_scenario=3)
    assert outlook.inconsistent == 1.0
    assert outlook.most_pairs == 120


def test_it_is_the_same_every_time_and_takes_no_time() -> None:
    first = expected_calls(400, 0.4)
    times = []
    for _ in range(3):
        begin = time.process_time()
        assert expected_calls(400, 0.4) == first
        times.append(time.process_time() - begin)
    assert min(times) < 0.05


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scenarios": 1}, "found 1 scenarios"),
        ({"pairs_per_scenario": 0}, "with 0 pairs each"),
        ({"discordance": 1.2}, "discordance 1.2"),
        ({"gap": 0.3}, "gap 0.3"),
        ({"margin": 10}, "margin: found 10"),
        ({"spread": 0.9}, "spread: found 0.9"),
        ({"looks": 0}, "looks: found 0"),
    ],
)
def test_what_is_no_study_is_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(StatisticsError, match=message):
        expected_calls(**({"scenarios": 40, "discordance": 0.2} | arguments))  # type: ignore[arg-type]
