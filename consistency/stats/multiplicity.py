"""Several tests at once.

A p value or e-value of None (not estimable) passes through and does not count among the tests.
"""

from __future__ import annotations

from collections.abc import Sequence

from consistency.errors import StatisticsError


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's (1979) step-down adjusted p values: family-wise error, under any dependence."""
    order, m = _ranked(p_values)
    adjusted = list(p_values)
    largest = 0.0
    for rank, (p, position) in enumerate(order):
        largest = max(largest, min(1.0, (m - rank) * p))
        adjusted[position] = largest
    return adjusted


def benjamini_hochberg(p_values: Sequence[float | None]) -> list[float | None]:
    """Benjamini and Hochberg's (1995) step-up adjusted p values: false discovery rate, under independence."""
    order, m = _ranked(p_values)
    adjusted = list(p_values)
    smallest = 1.0
    for rank in range(m, 0, -1):
        p, position = order[rank - 1]
        smallest = min(smallest, p * m / rank)
        adjusted[position] = smallest
    return adjusted


def e_benjamini_hochberg(e_values: Sequence[float | None], alpha: float = 0.05) -> list[bool | None]:
    """Which null hypotheses the e-BH procedure rejects: false discovery rate at most α (Wang and Ramdas 2022).

    The k largest of m e-values, for the greatest k with e_(k) ≥ m/(kα); it holds under any dependence. E-values may be
    infinite.
    """
    if not 0.0 < alpha < 1.0:
        raise StatisticsError(f"e-BH: found α = {alpha}; a number between 0 and 1 is needed")
    known = [(e, position) for position, e in enumerate(e_values) if e is not None]
    for e, position in known:
        if not e >= 0.0:
            raise StatisticsError(f"e-value {position}: found {e}; a number of at least 0 is needed")
    order = sorted(known, reverse=True)
    enough = [k for k, (e, _) in enumerate(order, start=1) if e * k * alpha >= len(order)]
    rejected = {position for _, position in order[: max(enough, default=0)]}
    return [None if e is None else position in rejected for position, e in enumerate(e_values)]


def intersection_union(p_values: Sequence[float | None]) -> float | None:
    """p value of "all of them hold" (Berger 1982): the largest, uncorrected; None where any is None, or without any."""
    if not p_values:
        return None
    known = [p for p, _ in _ranked(p_values)[0]]
    return max(known) if len(known) == len(p_values) else None


def _ranked(p_values: Sequence[float | None]) -> tuple[list[tuple[float, int]], int]:
    """The p values that are numbers with their positions, smallest first, and how many they are."""
    known = [(p, position) for position, p in enumerate(p_values) if p is not None]
    for p, position in known:
        if not 0.0 <= p <= 1.0:
            raise StatisticsError(f"p value {position}: found {p}; a number from 0 to 1 is needed")
    return sorted(known), len(known)
