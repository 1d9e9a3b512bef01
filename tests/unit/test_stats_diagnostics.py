"""What labels say of a judge: rates by hand, weights that undo the drawing, and intervals that cover."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from consistency.errors import StatisticsError
from consistency.stats.diagnostics import Diagnostics, JudgeDiagnostics, WeightedRate, judge_diagnostics
from consistency.stats.outcomes import FloatArray, Outcomes
from consistency.stats.ppi import label_probabilities
from consistency.stats.rogan_gladen import Instrument

NONE = float("nan")


def judged(deployment: Sequence[float], evaluation: Sequence[float]) -> Outcomes:
    n, m = len(deployment), len(evaluation)
    arm = np.repeat([True, False], [n, m])
    return Outcomes(
        np.concatenate([np.arange(n), np.arange(m)]), np.arange(n + m), arm, np.array([*deployment, *evaluation])
    )


def drawn(rng: np.random.Generator, labels: float = 200) -> tuple[Outcomes, FloatArray, FloatArray]:
    """600 trials an arm; sensitivity .8 and .9, specificity .85 and .95 in deployment and in evaluation."""
    truth = rng.random(1200) < 0.3
    arm = np.repeat([True, False], 600)
    right = rng.random(1200) < np.where(truth, np.where(arm, 0.8, 0.9), np.where(arm, 0.85, 0.95))
    f = np.where(right, truth, ~truth).astype(float)
    probability = label_probabilities(f, labels)
    label = np.where(rng.random(1200) < probability, truth, NONE)
    return Outcomes(np.tile(np.arange(600), 2), np.arange(1200), arm, f), label, probability


def rate_of(rate: WeightedRate | None) -> WeightedRate:
    assert rate is not None
    return rate


def test_equal_weights_by_hand() -> None:
    # Deployment: of 4 positives 3 found, of 5 negatives 4 cleared. Evaluation: 2 of 2, and 1 of 2.
    trials = judged([1, 1, 1, 0, 0, 0, 0, 0, 1, 1], [1, 1, 0, 1])
    label = [1, 1, 1, 1, 0, 0, 0, 0, 0, NONE, 1, 1, 0, 0]
    found = judge_diagnostics(trials, label=label, probability=np.full(14, 0.5))
    sensitivity, specificity = rate_of(found.deployment.sensitivity), rate_of(found.deployment.specificity)
    assert (sensitivity.rate, sensitivity.labels, sensitivity.n_effective) == pytest.approx((0.75, 4, 4.0))
    assert (specificity.rate, specificity.labels, specificity.n_effective) == pytest.approx((0.8, 5, 5.0))
    assert sensitivity.interval(0.95) == pytest.approx(proportion_confint(3, 4, method="wilson"))
    assert specificity.interval(0.9) == pytest.approx(proportion_confint(4, 5, alpha=0.1, method="wilson"))
    assert found.deployment.informedness == pytest.approx(0.55)
    assert found.evaluation.informedness == pytest.approx(0.5)
    assert found.least_informedness == pytest.approx(0.5)
    assert found.false_positive_difference == pytest.approx(0.2 - 0.5)
    expected = confint_proportions_2indep(1, 5, 1, 2, method="newcomb", compare="diff", correction=False)
    assert found.false_positive_difference_interval(0.95) == pytest.approx(expected)
    # J is sensitivity minus false-positive rate: the difference of two independent rates.
    expected = confint_proportions_2indep(3, 4, 1, 5, method="newcomb", compare="diff", correction=False)
    assert found.deployment.informedness_interval(0.95) == pytest.approx(expected)


def test_unequal_weights_by_hand() -> None:
    # Two found positives labelled for certain, one missed one at one in four: 2/(2 + 4). Kish would make them worth
    # 6²/18 = 2 labels, but Σw²(hit − ⅓)² = 2 · 4/9 + 16/9, so that they have the variance of (2/9) · 36 / (24/9) = 3.
    found = judge_diagnostics(judged([1, 1, 0], [0]), label=[1, 1, 1, 0], probability=[1, 1, 0.25, 1]).deployment
    sensitivity = rate_of(found.sensitivity)
    assert (sensitivity.rate, sensitivity.labels, sensitivity.n_effective) == pytest.approx((1 / 3, 3, 2.0))
    assert sensitivity.interval(0.95) == pytest.approx(proportion_confint(2 / 3, 2, method="wilson"))
    # With eight found it is 8/12, worth 144/24 = 6 by Kish, but (2/9) · 144 / (8/9 + 16 · 4/9) = 4 by its variance.
    eight = judge_diagnostics(judged([1] * 8 + [0], [0]), label=[1] * 9 + [0], probability=[1] * 8 + [0.25, 1])
    assert rate_of(eight.deployment.sensitivity).rate == pytest.approx(2 / 3)
    assert rate_of(eight.deployment.sensitivity).n_effective == pytest.approx(4.0)


def test_misses_that_are_rarely_labelled_may_stay_unseen() -> None:
    # Ten found positives, all labelled, and none missed among the noes labelled one in ten: worth one label, not ten.
    trials = judged([1] * 10 + [0] * 50, [0])
    label = [1.0] * 10 + [0.0] * 5 + [NONE] * 46
    found = judge_diagnostics(trials, label=label, probability=[1.0] * 10 + [0.1] * 51).deployment
    assert rate_of(found.sensitivity).n_effective == pytest.approx(1.0)
    assert rate_of(found.specificity).n_effective == pytest.approx(5.0)


def test_weights_undo_the_drawing_of_labels() -> None:
    """Labels at 4:1 for the judge's positives make an unweighted sensitivity too high and a specificity too low."""
    rng = np.random.default_rng(0)
    weighted: list[list[float]] = []
    plain: list[list[float]] = []
    for _ in range(150):
        trials, label, probability = drawn(rng)
        for chances, rates in ((probability, weighted), (np.ones(1200), plain)):
            found = judge_diagnostics(trials, label=label, probability=chances)
            rates.append(
                [rate_of(r).rate for a in (found.deployment, found.evaluation) for r in (a.sensitivity, a.specificity)]
            )
    truth = np.array([0.8, 0.85, 0.9, 0.95])
    assert np.mean(weighted, axis=0) == pytest.approx(truth, abs=0.02)
    assert (np.mean(plain, axis=0) - truth)[[0, 2]].min() > 0.05
    assert (np.mean(plain, axis=0) - truth)[[1, 3]].max() < -0.05


def test_intervals_cover() -> None:
    rng = np.random.default_rng(1)
    covered = []
    for _ in range(400):
        trials, label, probability = drawn(rng, labels=300)
        found = judge_diagnostics(trials, label=label, probability=probability)
        intervals = (
            (rate_of(found.deployment.sensitivity).interval(0.95), 0.8),
            (rate_of(found.evaluation.specificity).interval(0.95), 0.95),
            (found.deployment.informedness_interval(0.95) or (1.0, 0.0), 0.65),
            (found.false_positive_difference_interval(0.95) or (1.0, 0.0), 0.1),
        )
        covered.append([lower <= truth <= upper for (lower, upper), truth in intervals])
    assert np.mean(covered, axis=0).min() > 0.91


def test_perfect_judge_keeps_a_width() -> None:
    trials = judged([1, 1, 0, 0], [1, 0, 0, 0])
    found = judge_diagnostics(trials, label=trials.y, probability=np.array([0.3, 0.9, 0.7, 0.1] * 2))
    for arm in (found.deployment, found.evaluation):
        for rate in (rate_of(arm.sensitivity), rate_of(arm.specificity)):
            lower, upper = rate.interval(0.95)
            assert (rate.rate, upper) == (1.0, 1.0)
            assert 0.0 < lower < 1.0
        assert arm.informedness == 1.0
    assert found.false_positive_difference == 0.0


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.floats(0.01, 1.0)), min_size=1, max_size=30))
def test_rates_and_sizes_stay_in_their_bounds(rows: list[tuple[bool, bool, float]]) -> None:
    f, truth, chance = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    trials = Outcomes(np.arange(f.size), np.arange(f.size), np.ones(f.size, dtype=bool), f)
    found = judge_diagnostics(trials, label=truth, probability=chance)
    for rate, count in ((found.deployment.sensitivity, truth.sum()), (found.deployment.specificity, (1 - truth).sum())):
        assert (rate is None) == (count == 0)
        if rate is not None:
            lower, upper = rate.interval(0.95)
            assert 0.0 < rate.n_effective <= rate.labels + 1e-9
            assert 0.0 <= lower <= rate.rate <= upper <= 1.0
    assert found.evaluation == Diagnostics(None, None)


def test_verdicts_between_count_by_their_size() -> None:
    found = judge_diagnostics(judged([0.5, 1.0, 0.25], [0.0]), label=[1, 1, 0, 0], probability=np.ones(4))
    assert rate_of(found.deployment.sensitivity).rate == pytest.approx(0.75)
    assert rate_of(found.deployment.specificity).rate == pytest.approx(0.75)


def test_what_no_label_shows_is_not_estimable() -> None:
    found = judge_diagnostics(judged([1, 0, 1], [0, 0]), label=[NONE, 0, 0, NONE, 0], probability=np.ones(5))
    assert found.deployment.sensitivity is None
    assert found.deployment.informedness is None
    assert found.deployment.informedness_interval(0.95) is None
    assert found.deployment.instrument is None
    assert found.least_informedness is None
    assert found.false_positive_difference == pytest.approx(0.5)
    nothing = JudgeDiagnostics(Diagnostics(None, None), found.deployment)
    assert nothing.false_positive_difference is None
    assert nothing.false_positive_difference_interval(0.95) is None


def test_instrument_carries_the_rates_and_their_effective_sizes() -> None:
    trials, label, probability = drawn(np.random.default_rng(2))
    arm = judge_diagnostics(trials, label=label, probability=probability).evaluation
    s, c = rate_of(arm.sensitivity), rate_of(arm.specificity)
    assert arm.instrument == Instrument(s.rate, c.rate, s.n_effective, c.n_effective)
    assert arm.instrument.informedness == pytest.approx(arm.informedness)


def test_what_makes_no_sense_is_refused() -> None:
    trials = judged([1, 0], [0, 1])
    with pytest.raises(StatisticsError, match=r"labels: found 0\.5; 0, 1, or NaN for none are allowed"):
        judge_diagnostics(trials, label=[1, 0.5, 0, 0], probability=np.ones(4))
    with pytest.raises(StatisticsError, match=r"labels: found shape \(2,\)"):
        judge_diagnostics(trials, label=[1, 0], probability=np.ones(4))
    for chance in (0.0, 1.1, NONE):
        with pytest.raises(StatisticsError, match="every trial needs one above 0 and at most 1"):
            judge_diagnostics(trials, label=[1, 0, NONE, 0], probability=[1, 1, chance, 1])
