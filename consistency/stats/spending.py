"""Critical values of a group-sequential test by α-spending (Lan and DeMets 1983).

A spending function says how much of the one-sided error may be used by each fraction of the information. The boundary
of every look is found by recursive integration of the score process over the paths that have not yet crossed
(Armitage, McPherson and Rowe 1969).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import NormalDist

import numpy as np
from scipy.special import ndtr

from consistency.errors import StatisticsError
from consistency.stats.outcomes import FloatArray

Spending = Callable[[float], float]
"""Error spent by an information fraction in (0, 1]; it rises to the whole error at 1."""

_REACH = 9.0  # standard deviations below zero where the density is cut off
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)


def power_spending(rho: float, a: float = 0.025) -> Spending:
    """a · t^ρ (Kim and DeMets 1987), at one-sided level a."""
    _check_level(a)
    if not rho > 0:
        raise StatisticsError(f"power spending: found ρ = {rho}; a number above 0 is needed")
    return lambda t: a * t**rho


def obrien_fleming_spending(a: float = 0.025) -> Spending:
    """2 − 2Φ(z_{1−a/2} / √t), Lan and DeMets' likeness of O'Brien and Fleming's boundary, at one-sided level a."""
    _check_level(a)
    z = NormalDist().inv_cdf(1.0 - a / 2)
    return lambda t: 2.0 * float(ndtr(-z / math.sqrt(t)))


def equal_looks(looks: int) -> tuple[float, ...]:
    """Information fractions of equally spaced looks: 1/K, 2/K, …, 1."""
    if looks < 1:
        raise StatisticsError(f"looks: found {looks}; at least 1 is needed")
    return tuple(look / looks for look in range(1, looks + 1))


def boundaries(spending: Spending, times: Sequence[float]) -> tuple[float, ...]:
    """Upper critical z value of every look at information fractions `times`, rising to at most 1.

    Crossing any of them under no gap has the probability that `spending` allows by then. Infinite where a look may
    spend nothing.
    """
    if not times or any(late <= early for early, late in pairwise((0.0, *times))) or times[-1] > 1.0:
        raise StatisticsError(f"information fractions: found {list(times)}; rising numbers in (0, 1] are needed")
    critical: list[float] = []
    # Where the score stood at the last look, as points with the probability each stands for: at first, surely at zero.
    points, mass = np.zeros(1), np.ones(1)
    spent, before = 0.0, 0.0
    for time in times:
        step = math.sqrt(time - before)
        boundary = _boundary(points, mass, step, spending(time) - spent)
        critical.append(boundary / math.sqrt(time))
        points, mass = _continue(points, mass, step, boundary, math.sqrt(time))
        spent, before = spending(time), time
    return tuple(critical)


def one_sided_levels(critical: Sequence[float]) -> tuple[float, ...]:
    """The one-sided level a_k at which each look tests: 1 − Φ(z_k)."""
    return tuple(float(ndtr(-z)) for z in critical)


def _boundary(points: FloatArray, mass: FloatArray, step: float, error: float) -> float:
    """The score that paths now at `points` pass in the next step with probability `error`."""
    if error <= 0.0:
        return math.inf
    low, high = -40.0, 40.0
    while low < (middle := (low + high) / 2) < high:
        if float(mass @ ndtr((points - middle) / step)) > error:
            low = middle
        else:
            high = middle
    return high


def _continue(
    points: FloatArray, mass: FloatArray, step: float, boundary: float, deviation: float
) -> tuple[FloatArray, FloatArray]:
    """Points below the boundary at the next look, by Gauss–Legendre quadrature, and the probability at each."""
    bottom, top = -_REACH * deviation, min(boundary, _REACH * deviation)
    ahead = bottom + (top - bottom) * (_NODES + 1.0) / 2.0
    distance = (ahead[:, np.newaxis] - points) / step
    density = np.exp(-(distance**2) / 2.0) @ mass / (step * math.sqrt(2.0 * math.pi))
    return ahead, density * _WEIGHTS * (top - bottom) / 2.0


def _check_level(a: float) -> None:
    if not 0.0 < a < 1.0:
        raise StatisticsError(f"one-sided level: found {a}; a number between 0 and 1 is needed")
