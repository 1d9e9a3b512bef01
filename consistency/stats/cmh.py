"""Cochran–Mantel–Haenszel test of a 2×2 association within strata.

It takes trials as independent within a stratum, which repeats and shared wordings break: for comparison only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from consistency.errors import StatisticsError


@dataclass(frozen=True)
class CMH:
    """χ² on one degree of freedom, plain and continuity-corrected, with p values.

    common_odds_ratio is Mantel and Haenszel's; None where its denominator is zero.
    """

    statistic: float
    p_value: float
    corrected_statistic: float
    corrected_p_value: float
    common_odds_ratio: float | None


def cmh(tables: ArrayLike) -> CMH | None:
    """Test counts of shape (strata, 2, 2) for an odds ratio of 1 in every stratum; None where no stratum can tell.

    Strata of fewer than two trials are left out. The correction is at most ½, never past zero.
    """
    counts = np.asarray(tables, dtype=np.float64)
    if counts.ndim != 3 or counts.shape[1:] != (2, 2) or not np.isfinite(counts).all() or (counts < 0).any():
        raise StatisticsError(f"CMH: found counts of shape {counts.shape}; (strata, 2, 2), all at least 0, are needed")
    counts = counts[counts.sum(axis=(1, 2)) >= 2]
    n = counts.sum(axis=(1, 2))
    rows, columns = counts.sum(axis=2), counts.sum(axis=1)
    variance = float((rows.prod(axis=1) * columns.prod(axis=1) / (n**2 * (n - 1))).sum())
    if variance == 0.0:
        return None
    distance = abs(float((counts[:, 0, 0] - rows[:, 0] * columns[:, 0] / n).sum()))
    statistic = distance**2 / variance
    corrected = max(distance - 0.5, 0.0) ** 2 / variance
    across = float((counts[:, 0, 1] * counts[:, 1, 0] / n).sum())
    along = float((counts[:, 0, 0] * counts[:, 1, 1] / n).sum())
    return CMH(
        statistic=statistic,
        p_value=float(chdtrc(1, statistic)),
        corrected_statistic=corrected,
        corrected_p_value=float(chdtrc(1, corrected)),
        common_odds_ratio=along / across if across > 0 else None,
    )
