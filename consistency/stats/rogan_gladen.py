"""A rate corrected for the known errors of the instrument that measured it."""

from __future__ import annotations

from consistency.errors import StatisticsError


def corrected_rate(observed: float, sensitivity: float, specificity: float) -> float | None:
    """(observed + specificity − 1) / (sensitivity + specificity − 1), cut to [0, 1] (Rogan and Gladen 1978).

    None where sensitivity + specificity is at most 1: such an instrument carries no information. A gap corrected so is
    only right where both arms share one sensitivity and one specificity.
    """
    for name, value in (("observed rate", observed), ("sensitivity", sensitivity), ("specificity", specificity)):
        if not 0.0 <= value <= 1.0:
            raise StatisticsError(f"{name}: found {value}; a fraction from 0 to 1 is needed")
    informedness = sensitivity + specificity - 1.0
    if informedness <= 1e-12:
        return None
    return min(max((observed + specificity - 1.0) / informedness, 0.0), 1.0)
