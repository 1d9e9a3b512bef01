"""Energy distance between two samples of numbers (Székely and Rizzo)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from consistency.errors import StatisticsError


def energy_distance(x: ArrayLike, y: ArrayLike) -> float:
    """√(2E|X − Y| − E|X − X′| − E|Y − Y′|), which is √(2∫(F − G)²); 0 only where both samples have one distribution."""
    first, second = np.sort(np.asarray(x, dtype=np.float64).ravel()), np.sort(np.asarray(y, dtype=np.float64).ravel())
    if not (first.size and second.size and np.isfinite(first).all() and np.isfinite(second).all()):
        raise StatisticsError("energy distance: two samples of at least one finite number each are needed")
    steps = np.unique(np.concatenate([first, second]))
    below_first = np.searchsorted(first, steps[:-1], side="right") / first.size
    below_second = np.searchsorted(second, steps[:-1], side="right") / second.size
    return math.sqrt(2.0 * float(((below_first - below_second) ** 2 * np.diff(steps)).sum()))
