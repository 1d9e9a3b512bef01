"""Equivalence: what it takes to say that a gap lies inside a margin."""

from __future__ import annotations

import math
from typing import Protocol

from consistency.errors import StatisticsError


class OneSidedTests(Protocol):
    """An estimate that can be tested against any supposed gap."""

    def p_value_above(self, gap: float) -> float:
        """Small where the true gap lies above `gap`."""
        ...

    def p_value_below(self, gap: float) -> float:
        """Small where the true gap lies below `gap`."""
        ...


def floor(clusters: int, a: float) -> float:
    """1 − a^(1/S): the share of divergent clusters that `clusters` clean ones leave possible at one-sided level a.

    A gap smaller than this cannot be excluded, however many trials each cluster has.
    """
    _check_level(a)
    if clusters < 1:
        raise StatisticsError(f"floor: found {clusters} clusters; at least 1 is needed")
    return -math.expm1(math.log(a) / clusters)


def minimum_clusters(margin: float, a: float) -> int:
    """The fewest clusters whose floor lies below `margin`, at one-sided level a."""
    _check_margin(margin)
    _check_level(a)
    fewest = max(1, math.floor(math.log(a) / math.log1p(-margin)))
    while floor(fewest, a) >= margin:
        fewest += 1
    return fewest


def tost_p_value(estimate: OneSidedTests, margin: float) -> float:
    """p value of "the gap lies inside ±margin": the larger of the two one-sided tests (Schuirmann 1987).

    It rests on the statistic of the interval, so that the interval at level 1 − 2a lies inside ±margin exactly when
    p < a.
    """
    _check_margin(margin)
    return max(estimate.p_value_above(-margin), estimate.p_value_below(margin))


def _check_margin(margin: float) -> None:
    if not 0.0 < margin < 1.0:
        raise StatisticsError(f"margin: found {margin}; a fraction between 0 and 1 is needed")


def _check_level(a: float) -> None:
    if not 0.0 < a < 1.0:
        raise StatisticsError(f"one-sided level: found {a}; a number between 0 and 1 is needed")
