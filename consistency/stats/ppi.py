"""A mean from many machine labels and a few human ones (Angelopoulos et al. 2023)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from consistency.errors import StatisticsError
from consistency.stats.intervals import Interval, tail
from consistency.stats.outcomes import FloatArray


@dataclass(frozen=True)
class LabelledMean:
    """A mean with its standard error."""

    mean: float
    standard_error: float

    def interval(self, level: float) -> Interval:
        """Two-sided normal interval at `level`."""
        half = float(ndtri(1.0 - tail(level))) * self.standard_error
        return self.mean - half, self.mean + half


def prediction_powered_mean(labelled_y: ArrayLike, labelled_f: ArrayLike, unlabelled_f: ArrayLike) -> LabelledMean:
    """Mean of y from human labels y with machine labels f on the same units, and machine labels f on others.

    mean(f, unlabelled) + mean(y − f, labelled): unbiased whatever the machine's errors. Units are independent.
    """
    y, f, others = (np.asarray(values, dtype=np.float64).ravel() for values in (labelled_y, labelled_f, unlabelled_f))
    if y.size != f.size or y.size == 0 or others.size == 0:
        raise StatisticsError(
            f"found {y.size} human labels, {f.size} machine labels beside them and {others.size} others; "
            "needed are equally many of the first two, and at least one of each"
        )
    mean = float(others.mean() + (y - f).mean())
    return LabelledMean(mean, math.sqrt(_variance_of_mean(others) + _variance_of_mean(y - f)))


def _variance_of_mean(values: FloatArray) -> float:
    return float(values.var() / values.size)
