"""The Krichevsky–Trofimov e-value of discordant pairs: evidence that may be looked at after every pair.

Under no gap each discordant pair is b or c with chance one half, and E has expectation at most 1 at any stopping time,
so that E ≥ 1/α rejects at level α however often one looks (Turner, Ly and Grünwald 2024).
"""

from __future__ import annotations

import math

from consistency.errors import StatisticsError


def log_e_value(b: int, c: int) -> float:
    """ln E, with E = 2^(b+c) · Beta(b + ½, c + ½) / Beta(½, ½); two-sided; 0 before the first discordant pair."""
    if b < 0 or c < 0:
        raise StatisticsError(f"e-value: found b={b}, c={c}; counts of at least 0 are needed")
    log_beta = math.lgamma(b + 0.5) + math.lgamma(c + 0.5) - math.lgamma(b + c + 1)
    return (b + c) * math.log(2.0) + log_beta - math.log(math.pi)


def e_value(b: int, c: int) -> float:
    """E; infinite where it is too large for a float."""
    log_e = log_e_value(b, c)
    return math.exp(log_e) if log_e < 709.0 else math.inf


def smallest_b(c: int, threshold: float = 20.0) -> int:
    """The fewest pairs of one kind, at least as many as the c of the other, that bring E to `threshold` (above 1)."""
    if not threshold > 1.0:
        raise StatisticsError(f"e-value threshold: found {threshold}; a number above 1 is needed")
    b = c
    while log_e_value(b, c) < math.log(threshold):
        b += 1
    return b
