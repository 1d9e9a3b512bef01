"""How wrong a judge without labels would have to be to change a verdict.

In an arm with true rate p a judge says yes at rate s·p + φ·(1 − p), s being its sensitivity and φ its false-positive
rate. The gap that it shows is therefore

    Δ_f = J·Δ + σ·p + κ·(1 − p),

with J = s − φ as it is in evaluation, Δ the true gap, p the true rate in deployment, and σ and κ the differences,
deployment minus evaluation, of the two sensitivities and of the two false-positive rates. The error, σ·p + κ·(1 − p),
lies between σ and κ, and is at most κ in size where the sensitivities are alike.
"""

from __future__ import annotations

from dataclasses import dataclass

from consistency.errors import StatisticsError
from consistency.stats.equivalence import OneSidedTests, tost_p_value
from consistency.stats.intervals import Interval
from consistency.stats.outcomes import RESOLUTION


@dataclass(frozen=True)
class JudgeLimits:
    """What is believed of a judge that has no labels.

    informedness: J_min in (0, 1], the least sensitivity + specificity − 1 in either arm.
    difference: κ_max in [0, 1], the most by which its false-positive rates, and its sensitivities, differ between arms.
    """

    informedness: float
    difference: float

    def __post_init__(self) -> None:
        if not (0.0 < self.informedness <= 1.0 and 0.0 <= self.difference <= 1.0):
            raise StatisticsError(
                f"judge limits: found informedness {self.informedness} and difference {self.difference}; needed are "
                "one above 0 and at most 1, and one from 0 to 1"
            )

    def margin(self, margin: float) -> float | None:
        """J_min·margin − κ_max: a judged gap inside it means a true gap inside `margin`.

        For |Δ| ≥ margin makes |Δ_f| ≥ J_min·margin − κ_max. None where that is not above 0: such a judge can show no
        gap to lie inside the margin, whatever it says.
        """
        if not 0.0 < margin < 1.0:
            raise StatisticsError(f"margin: found {margin}; a fraction between 0 and 1 is needed")
        reduced = self.informedness * margin - self.difference
        return reduced if reduced > RESOLUTION else None


def tipping_point(interval: Interval) -> float:
    """κ* = max(L, −U, 0): the smallest difference in the judge's false-positive rates that would erase a gap.

    interval: (L, U) of the judged gap. If the judge's false-positive rate were higher by κ* in the arm that looks
    worse, the interval less that error would take in 0. No smaller difference can do that, nor can a smaller one of
    sensitivities; at true rate p it takes κ*/(1 − p). 0 where the interval holds 0 already: there is nothing to erase.
    """
    lower, upper = _checked(interval)
    return max(lower, -upper, 0.0)


def room_for_error(interval: Interval, margin: float, informedness: float) -> float | None:
    """The largest κ_max under which the judged gap still lies inside the margin: J_min·margin − max(−L, U).

    The tipping point of `consistent`. None where not even a judge alike in both arms (κ_max = 0) would do.
    """
    lower, upper = _checked(interval)
    reduced = JudgeLimits(informedness, 0.0).margin(margin)
    room = None if reduced is None else reduced - max(-lower, upper)
    return room if room is not None and room > 0.0 else None


def consistent_p_value(judged: OneSidedTests, margin: float, limits: JudgeLimits) -> float | None:
    """p value of "the true gap lies inside ±margin" when the outcomes are a judge's: TOST at limits.margin(margin).

    None where that margin is not above 0. The floor, |Δ_f| + 1 − a^(1/S), must lie below limits.margin(margin) too.
    """
    reduced = limits.margin(margin)
    return None if reduced is None else tost_p_value(judged, reduced)


def _checked(interval: Interval) -> Interval:
    lower, upper = interval
    if not lower <= upper:
        raise StatisticsError(f"interval: found {interval}; a lower end and an upper end not below it are needed")
    return lower, upper
