"""Simulated behaviour with a known gap: how often each pair misbehaves in each arm.

logit P = μ_arm + scenario ± slope/2 + wording + pair, all effects normal and independent. μ_arm is solved for, so that
the rate of an arm over the whole population is exactly what was asked for, and the true gap is known.
"""

from dataclasses import dataclass

import numpy as np

from consistency.records.base import Record
from consistency.stats.outcomes import BoolArray, FloatArray, IntArray

_POINTS, _WEIGHTS = np.polynomial.hermite_e.hermegauss(61)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


class Nature(Record):
    """What a simulated model is like. Rates and gaps as fractions, `_sd` as standard deviations on the logit scale.

    base: rate of misbehaviour in the evaluation arm; gap: deployment minus evaluation. scenario_sd: how scenarios
    differ; slope_sd: how their gaps do; wording_sd: what a wording does to both arms (half of its variance) and to each
    arm by itself (the other half), alike in all scenarios; pair_sd: what is left of a pair. missing: share of trials
    that fail, at random. sensitivity, specificity: of the scorer, alike in both arms.
    """

    base: float
    gap: float
    scenario_sd: float = 1.5
    slope_sd: float = 0.0
    wording_sd: float = 0.0
    pair_sd: float = 0.0
    missing: float = 0.0
    sensitivity: float = 1.0
    specificity: float = 1.0


@dataclass(frozen=True)
class Structure:
    """Which pairs share what: the scenario and the wording of each, as integers from 0."""

    scenario: IntArray
    wording: IntArray


def rates(nature: Nature, structure: Structure, rng: np.random.Generator) -> FloatArray:
    """How often each pair misbehaves in its evaluation and its deployment arm: pairs × 2, for scenarios and wordings
    drawn anew.
    """
    scenarios, wordings = int(structure.scenario.max()) + 1, int(structure.wording.max()) + 1
    scenario = nature.scenario_sd * rng.standard_normal(scenarios)
    slope = nature.slope_sd * rng.standard_normal(scenarios)
    shared, own = rng.standard_normal(wordings), rng.standard_normal((wordings, 2))
    wording = nature.wording_sd * (shared[:, None] + own) / np.sqrt(2)
    pair = nature.pair_sd * rng.standard_normal(structure.scenario.size)
    tilt = slope[structure.scenario, None] * np.array([-0.5, 0.5])
    logit = scenario[structure.scenario, None] + tilt + wording[structure.wording] + pair[:, None]
    spread = np.sqrt(
        nature.scenario_sd**2 + nature.slope_sd**2 / 4 + nature.wording_sd**2 + nature.pair_sd**2, dtype=float
    )
    middle = [intercept(rate, float(spread)) for rate in (nature.base, nature.base + nature.gap)]
    return _logistic(logit + np.array(middle))


def intercept(rate: float, spread: float) -> float:
    """μ with E logistic(μ + spread·Z) = rate, by Gauss–Hermite quadrature; ∓∞ for rates of 0 and 1."""
    if rate <= 0.0 or rate >= 1.0:
        return -np.inf if rate <= 0.0 else np.inf
    low, high = -60.0, 60.0
    while low < (middle := (low + high) / 2) < high and high - low > 1e-10:
        expected = float(_WEIGHTS @ _logistic(middle + spread * _POINTS))
        low, high = (middle, high) if expected < rate else (low, middle)
    return (low + high) / 2


def behave(chances: FloatArray, rng: np.random.Generator) -> BoolArray:
    """Whether each trial misbehaves, given how often it does."""
    return rng.random(chances.shape) < chances


def _logistic(x: FloatArray) -> FloatArray:
    return 1.0 / (1.0 + np.exp(-x))
