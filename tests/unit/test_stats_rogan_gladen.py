"""Rates and gaps corrected for an instrument's known errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from consistency.errors import StatisticsError
from consistency.stats.methods import NotEstimable
from consistency.stats.outcomes import Outcomes
from consistency.stats.rogan_gladen import (
    ArmRate,
    Instrument,
    corrected_arm,
    corrected_gap,
    corrected_rate_with_error,
)
from consistency.stats.value_gap import ValueGap, value_gap

EXACT = Instrument(1.0, 1.0)


def trials(seed: int, deployment: float, evaluation: float, scenarios: int = 60) -> Outcomes:
    rng = np.random.default_rng(seed)
    cluster = np.tile(np.repeat(np.arange(scenarios), 3), 2)
    arm = np.repeat([True, False], 3 * scenarios)
    y = rng.random(6 * scenarios) < np.where(arm, deployment, evaluation)
    return Outcomes(cluster, np.arange(6 * scenarios), arm, y.astype(float))


def gap_of(judged: Outcomes, *instruments: Instrument) -> ValueGap:
    found = corrected_gap(judged, *instruments)
    assert isinstance(found, ValueGap)
    return found


def test_rate_with_its_error_by_hand() -> None:
    # p = (.3 + .95 − 1)/.8 = .3125; variance [.3·.7/200 + .3125²·.85·.15/100 + .6875²·.95·.05/150]/.64
    found = corrected_rate_with_error(0.3, math.sqrt(0.3 * 0.7 / 200), Instrument(0.85, 0.95, 100, 150))
    assert found is not None
    assert found.rate == pytest.approx(0.3125)
    assert found.standard_error == pytest.approx(math.sqrt((0.00105 + 0.000124512 + 0.000149674) / 0.64), rel=1e-5)
    assert found.interval(0.95) == pytest.approx((0.3125 - 0.08915, 0.3125 + 0.08915), abs=2e-5)


def test_rate_of_a_known_instrument_has_the_observed_error_over_informedness() -> None:
    found = corrected_rate_with_error(0.3, 0.04, Instrument(0.85, 0.95))
    assert found is not None
    assert found.standard_error == pytest.approx(0.05)
    assert corrected_rate_with_error(0.3, 0.04, Instrument(0.5, 0.5)) is None


def test_error_of_the_rate_is_that_of_simulated_studies() -> None:
    rng = np.random.default_rng(1)
    truth, instrument = 0.25, Instrument(0.85, 0.95, 120, 180)
    q = truth * 0.85 + (1 - truth) * 0.05
    observed = rng.binomial(400, q, 20_000) / 400
    sensitivity, specificity = rng.binomial(120, 0.85, 20_000) / 120, rng.binomial(180, 0.95, 20_000) / 180
    spread = float(np.std((observed + specificity - 1) / (sensitivity + specificity - 1)))
    found = corrected_rate_with_error(q, math.sqrt(q * (1 - q) / 400), instrument)
    assert found is not None
    assert found.rate == pytest.approx(truth)
    assert found.standard_error == pytest.approx(spread, rel=0.03)


def test_a_perfect_instrument_changes_nothing() -> None:
    judged = trials(2, 0.4, 0.3)
    assert gap_of(judged, EXACT) == value_gap(judged, judged.y)
    assert gap_of(judged, EXACT, EXACT) == value_gap(judged, judged.y)


def test_gap_of_a_shared_instrument_is_the_observed_one_over_informedness() -> None:
    judged = trials(3, 0.5, 0.3)
    plain, found = value_gap(judged, judged.y), gap_of(judged, Instrument(0.85, 0.95))
    assert isinstance(plain, ValueGap)
    assert found.gap == pytest.approx(plain.gap / 0.8)
    assert found.standard_error == pytest.approx(plain.standard_error / 0.8)
    measured = gap_of(judged, Instrument(0.85, 0.95, 100, 150))
    added = (found.gap / 0.8) ** 2 * (0.85 * 0.15 / 100 + 0.95 * 0.05 / 150)
    assert measured.gap == found.gap
    assert measured.standard_error**2 == pytest.approx(found.standard_error**2 + added)


def test_gap_of_two_instruments_has_the_error_of_simulated_studies() -> None:
    rng = np.random.default_rng(4)
    truth, rates = (0.3, 0.3), ((0.85, 0.85), (0.9, 0.95))  # sensitivity and specificity in deployment, in evaluation
    q = [p * s + (1 - p) * (1 - c) for p, (s, c) in zip(truth, rates, strict=True)]
    gaps, errors = [], []
    for seed in range(400):
        judged = trials(seed, q[0], q[1])
        instruments = [Instrument(rng.binomial(80, s) / 80, rng.binomial(160, c) / 160, 80, 160) for s, c in rates]
        found = gap_of(judged, *instruments)
        gaps.append(found.gap)
        errors.append(found.standard_error)
    assert np.mean(gaps) == pytest.approx(0.0, abs=0.015)
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(gaps), rel=0.12)


def arm_of(judged: Outcomes, deployment: bool, instrument: Instrument) -> ArmRate:
    found = corrected_arm(judged, deployment=deployment, instrument=instrument)
    assert isinstance(found, ArmRate)
    return found


def test_rate_of_an_arm_has_wilsons_ends_corrected() -> None:
    # One trial per cluster and arm: independent trials. A known instrument stretches Wilson's interval and no more.
    y = np.concatenate([np.arange(50) < 20, np.arange(50) < 10]).astype(float)
    judged = Outcomes(np.tile(np.arange(50), 2), np.arange(100), np.repeat([True, False], 50), y)
    for deployment, count in ((True, 20), (False, 10)):
        found = arm_of(judged, deployment, Instrument(0.85, 0.95))
        assert found.rate == pytest.approx((count / 50 - 0.05) / 0.8)
        assert found.n_effective == pytest.approx(49)  # the variance has S − 1
        ends = [(end - 0.05) / 0.8 for end in proportion_confint(count / 50 * 49, 49, method="wilson")]
        assert found.interval(0.95) == pytest.approx(ends)
        measured = arm_of(judged, deployment, Instrument(0.85, 0.95, 40, 60)).interval(0.95)
        assert measured[0] < ends[0]
        assert ends[1] < measured[1]


def test_difference_of_the_arms_is_the_gap() -> None:
    judged = trials(8, 0.5, 0.3)
    instruments = Instrument(0.85, 0.9), Instrument(0.8, 0.95)
    deployment, evaluation = (arm_of(judged, arm, i) for arm, i in zip((True, False), instruments, strict=True))
    assert deployment.rate - evaluation.rate == pytest.approx(gap_of(judged, *instruments).gap)


def test_rate_of_a_quiet_arm_keeps_a_width_and_one_beyond_the_border_is_cut() -> None:
    judged = trials(9, 0.0, 0.0)
    found = arm_of(judged, True, EXACT)
    assert (found.rate, found.n_effective) == (0.0, 60.0)
    assert found.interval(0.95) == pytest.approx(proportion_confint(0, 60, method="wilson"), abs=1e-12)
    lower, upper = arm_of(judged, True, Instrument(0.9, 0.97, 50, 100)).interval(0.95)
    assert lower == 0.0
    assert 0.0 < upper < 0.1
    assert isinstance(corrected_arm(judged, deployment=True, instrument=Instrument(0.5, 0.5)), NotEstimable)
    one = trials(9, 0.4, 0.3, scenarios=1)
    assert isinstance(corrected_arm(one, deployment=False, instrument=EXACT), NotEstimable)


def test_interval_of_an_arm_covers() -> None:
    rng = np.random.default_rng(10)
    covered = 0
    for seed in range(400):
        judged = trials(seed, 0.1 * 0.85 + 0.9 * 0.05, 0.5)
        measured = Instrument(rng.binomial(80, 0.85) / 80, rng.binomial(160, 0.95) / 160, 80, 160)
        lower, upper = arm_of(judged, True, measured).interval(0.95)
        covered += lower <= 0.1 <= upper
    assert covered / 400 == pytest.approx(0.95, abs=0.035)


def test_no_information_and_no_spread_are_not_estimable() -> None:
    judged = trials(5, 0.4, 0.3)
    for instruments in ((Instrument(0.4, 0.6),), (EXACT, Instrument(0.2, 0.3))):
        found = corrected_gap(judged, *instruments)
        assert isinstance(found, NotEstimable)
        assert "carries no information" in found.reason
    quiet = corrected_gap(trials(6, 0.0, 0.0), EXACT)
    assert isinstance(quiet, NotEstimable)
    assert "no spread to correct" in quiet.reason
    assert isinstance(corrected_gap(trials(7, 0.4, 0.3, scenarios=1), EXACT), NotEstimable)


def test_impossible_instruments_are_refused() -> None:
    with pytest.raises(StatisticsError, match=r"specificity: found 1\.2"):
        Instrument(0.9, 1.2)
    with pytest.raises(StatisticsError, match="both must be above 0"):
        Instrument(0.9, 0.9, positives=0)
    with pytest.raises(StatisticsError, match="standard error: found nan"):
        corrected_rate_with_error(0.3, math.nan, EXACT)
