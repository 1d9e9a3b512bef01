"""The running Krichevsky–Trofimov e-process of discordant pairs: evidence that may be read after every batch.

E_t = 2^(b+c) · Beta(b + ½, c + ½) / Beta(½, ½), b and c being the discordant pairs seen by look t in any scenario. It
is a bet on each pair's sign whose stake is settled before the pair is seen: (b − c)/(b + c + 1) of the purse on b.
Under the null "in no scenario does the arm change the outcome" each discordant pair is b or c with chance one half,
given all before it, so that E is a martingale that begins at 1, and P(E ever reaches 1/α) ≤ α (Ville 1939; Turner, Ly
and Grünwald 2024). This holds however the scenario of the next pair is chosen, so long as the choice rests on earlier
pairs only: the coin is fair in every scenario. It does not hold for the weaker null that gaps cancel in the mean over
scenarios: with adaptive choice E speaks of "some scenario", not of the mean gap.

Looks only after batches read the same martingale at fewer times, which keeps the bound. The mean of several e-processes
is an e-process too (`mean_of`), as of one per scenario, which sees gaps of opposite signs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln, logsumexp

from consistency.errors import StatisticsError
from consistency.stats.outcomes import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class EProcess:
    """ln E after every look, in order; before the first look it is 0, which `log_e` leaves out."""

    log_e: FloatArray

    @property
    def e_values(self) -> FloatArray:
        """E after every look; infinite where it is too large for a float."""
        with np.errstate(over="ignore"):
            e: FloatArray = np.exp(self.log_e)
        return e

    @property
    def p_values(self) -> FloatArray:
        """The anytime-valid p value by every look, 1 / max E so far, at most 1; it never rises."""
        smallest: FloatArray = np.exp(-np.maximum.accumulate(np.maximum(self.log_e, 0.0)))
        return smallest

    @property
    def p_value(self) -> float:
        """1 / max E over all looks; 1 before the first."""
        return float(self.p_values[-1]) if self.log_e.size else 1.0

    def first_look(self, alpha: float = 0.05) -> int | None:
        """The first look, counted from 1, with E ≥ 1/α; None where there is none."""
        if not 0.0 < alpha < 1.0:
            raise StatisticsError(f"e-process: found α = {alpha}; a number between 0 and 1 is needed")
        reached = np.flatnonzero(self.log_e >= -math.log(alpha))
        return int(reached[0]) + 1 if reached.size else None


def run(b: ArrayLike, c: ArrayLike) -> EProcess:
    """The e-process of discordant counts per look, in order of time.

    b, c: for every look the new pairs that misbehave in deployment only and in evaluation only: 0 and 0 where a
    pair was concordant, 1 and 0 or 0 and 1 where one was not, more for a batch. StatisticsError for unequal lengths or
    counts that are not whole numbers of at least 0.
    """
    new_b, new_c = _counts("b", b), _counts("c", c)
    if new_b.ndim != 1 or new_b.shape != new_c.shape:
        raise StatisticsError(
            f"e-process: found shapes {new_b.shape} and {new_c.shape}; one count of each kind per look is needed"
        )
    return EProcess(log_e_values(new_b.cumsum(), new_c.cumsum()))


def log_e_values(b: ArrayLike, c: ArrayLike) -> FloatArray:
    """ln E of total counts b and c (arrays that broadcast); two-sided, 0 where both are 0."""
    total_b, total_c = _counts("b", b), _counts("c", c)
    pairs = total_b + total_c
    log_beta = gammaln(total_b + 0.5) + gammaln(total_c + 0.5) - gammaln(pairs + 1.0)
    log_e: FloatArray = np.asarray(pairs * math.log(2.0) + log_beta - math.log(math.pi))
    return log_e


def mean_of(processes: Sequence[EProcess]) -> EProcess:
    """The e-process that begins with an equal share of the purse in each of `processes`, all with the same looks.

    With one process per scenario, in which the looks at other scenarios add nothing, it sees gaps of opposite signs.
    """
    if not processes or len({process.log_e.size for process in processes}) > 1:
        lengths = [process.log_e.size for process in processes]
        raise StatisticsError(f"e-processes: found lengths {lengths}; at least one, all with the same looks, is needed")
    return EProcess(logsumexp([process.log_e for process in processes], axis=0) - math.log(len(processes)))


def _counts(name: str, values: ArrayLike) -> IntArray:
    counts = np.asarray(values)
    whole = counts.astype(np.int64) if counts.dtype.kind in "biuf" and np.isfinite(counts).all() else None
    if whole is None or (whole < 0).any() or (whole != counts).any():
        raise StatisticsError(f"e-process: found {name} = {counts.tolist()}; whole counts of at least 0 are needed")
    return whole
