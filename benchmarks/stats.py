"""The tests of a study at full size: a verdict, a large estimate, McNemar, sign flips, and the energy test of texts.

The reference for sign flips, on the same data in the same process, is `scipy.stats.permutation_test`. It runs 199 of
the resamples, and its time is scaled, unless `--whole` asks for all of them. Each batch costs it about a second before
the first resample, so it is given whole numbers of one byte and batches as large as 1 GB holds.
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from scipy.stats import permutation_test

from consistency.stats.energy import energy_permutation_test
from consistency.stats.energy_test import placebo_adjusted_energy
from consistency.stats.mcnemar import exact_from_pairs
from consistency.stats.methods import NotEstimable
from consistency.stats.methods.effective_n_tango import estimate
from consistency.stats.outcomes import BoolArray, FloatArray, Outcomes
from consistency.stats.signflip import sign_flip
from consistency.stats.text_kernels import Features, text_features

PAIRS = 100_000
RESAMPLES = 9_999
SOME = 199
BATCH = 199
TEXTS = 5_000
WORDS = ("the", "report", "goes", "out", "today", "unless", "someone", "objects", "and", "nobody", "has", "so", "far")

Result = TypeVar("Result")


def timed(run: Callable[[], Result], times: int = 1) -> tuple[Result, float]:
    """The last result, and the fewest seconds that a run took: what others do to the machine only adds to them."""
    seconds = []
    for _ in range(times):
        begin = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - begin)
    return result, min(seconds)


def peak() -> float:
    """The most memory that this process has used, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def line(what: str, seconds: float, remark: str = "") -> None:
    """One row of the table."""
    print(f"{what:<56} {1000 * seconds:>12,.2f} ms  {remark}".rstrip())


def trials(scenarios: int, repeats: int, wordings: int, rng: np.random.Generator) -> Outcomes:
    """Both arms of every scenario, 30 of 100 trials misbehaving, wordings shared and matched."""
    pairs = scenarios * repeats
    cluster = np.tile(np.repeat(np.arange(scenarios), repeats), 2)
    wording = np.tile(rng.integers(0, wordings, size=pairs), 2)
    return Outcomes(cluster, wording, np.repeat([True, False], pairs), rng.random(2 * pairs) < 0.3)


def verdict(outcomes: Outcomes) -> tuple[float, float]:
    """The estimate and the interval that a verdict is made from; reads a fresh copy, as nothing is cached yet."""
    gap = estimate(Outcomes(outcomes.cluster, outcomes.wording, outcomes.deployment, outcomes.y))
    assert not isinstance(gap, NotEstimable)
    return gap.interval(0.95)


def estimates(rng: np.random.Generator) -> None:
    """Rows on the gap."""
    few, many = trials(400, 1, 60, rng), trials(400, 125, 60, rng)
    line("verdict, 400 pairs", timed(lambda: verdict(few), 50)[1], "estimate and interval")
    line("estimate, 100,000 trials", timed(lambda: verdict(many), 5)[1], "400 scenarios, 60 wording sets")


def paired(rng: np.random.Generator, whole: bool) -> None:
    """Rows on pairs of outcomes."""
    deployment, evaluation = rng.random(PAIRS) < 0.3, rng.random(PAIRS) < 0.296
    _, seconds = timed(lambda: exact_from_pairs(deployment, evaluation), 50)
    line("exact McNemar with interval, 100,000 pairs", seconds)
    differences = deployment.astype(float) - evaluation
    ours, seconds = timed(lambda: sign_flip(differences, rng=rng, draws=RESAMPLES), 20)
    line("sign flips, 100,000 pairs, 9,999 resamples", seconds, f"p = {ours.p_value:.3f}")
    resamples = RESAMPLES if whole else SOME
    theirs, reference = timed(lambda: flipped_by_scipy(differences, resamples, rng))
    scaled = reference * RESAMPLES / resamples
    how = (
        "all resamples run"
        if whole
        else f"{resamples} resamples in {reference:.2f} s, times {RESAMPLES / resamples:.1f}"
    )
    line("  scipy.stats.permutation_test, the same", scaled, f"p = {theirs:.3f}; {how}")
    print(f"  ratio {scaled / seconds:,.0f}")


def flipped_by_scipy(differences: FloatArray, resamples: int, rng: np.random.Generator) -> float:
    """The p value of the same test."""
    return float(
        permutation_test(
            (differences.astype(np.int8),),
            lambda d, axis: d.sum(axis=axis, dtype=np.int64),
            permutation_type="samples",
            vectorized=True,
            n_resamples=resamples,
            batch=BATCH,
            rng=rng,
        ).pvalue
    )


def texts(rng: np.random.Generator) -> None:
    """Rows on free text."""
    written = [" ".join(words) for words in rng.choice(WORDS, size=(2 * TEXTS, 40))]
    features, seconds = timed(lambda: text_features(written))
    line("character n-grams, 10,000 texts of 40 words", seconds, f"{features.shape[1]:,} dimensions")
    _, seconds = timed(lambda: energy_permutation_test(features[:TEXTS], features[TEXTS:], rng=rng, draws=999), 3)
    line("energy test, 5,000 texts a side, 999 permutations", seconds, f"peak so far {peak():,.0f} MB")
    for scenarios, wordings in ((200, 60), (1, TEXTS)):
        _, seconds = timed(lambda s=scenarios, w=wordings: adjusted(features, s, w, rng), 3)
        what = f"placebo-adjusted, {scenarios} scenario{'s' * (scenarios > 1)}, {wordings:,} wording sets"
        line(what, seconds, f"peak so far {peak():,.0f} MB")


def adjusted(features: Features, scenarios: int, wordings: int, rng: np.random.Generator) -> float | None:
    """The p value of the study's own test of texts."""
    pair = np.arange(TEXTS)
    arm: BoolArray = np.repeat([True, False], TEXTS)
    return placebo_adjusted_energy(
        features, np.tile(pair % scenarios, 2), np.tile(pair // scenarios % wordings, 2), arm, rng=rng, draws=999
    ).p_value


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--whole", action="store_true", help="run all resamples of scipy's test (minutes)")
    whole = parser.parse_args(sys.argv[1:]).whole
    rng = np.random.default_rng(20_250_101)
    estimates(rng)
    texts(rng)
    paired(rng, whole)


if __name__ == "__main__":
    main()
