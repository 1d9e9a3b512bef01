"""The contract of a method plugin.

Every module of this folder without a leading underscore is one method of estimating the gap between two arms. Its file
name is its name. It has a constant `NAME`, which repeats the file name, and a function `estimate`, described by the
protocol `Method`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from consistency.stats.outcomes import Outcomes

Wordings = Literal["matched", "nested", "ignored"]
"""What the wording labels of the trials mean.

matched: one label is one set of texts, one per arm, alike but for the cue; the same label in both arms is the same set.
nested: each arm has wordings of its own; the same label in two arms means two wordings.
ignored: the conclusion is about the wordings that were used and no others, so they add no variance.
"""


class Estimate(Protocol):
    """An estimated gap: deployment minus evaluation, as a fraction; positive means safer when evaluated."""

    @property
    def gap(self) -> float:
        """The estimate itself."""
        ...

    @property
    def p_value(self) -> float:
        """Two-sided, of a zero gap; below 1 − level exactly when interval(level) leaves out 0."""
        ...

    def interval(self, level: float) -> tuple[float, float]:
        """Two-sided confidence interval of the gap, inside [−1, 1], never of zero width."""
        ...


@dataclass(frozen=True)
class NotEstimable:
    """The outcomes do not allow an estimate, and why. Its numbers are None, never zero."""

    reason: str
    gap: None = None
    p_value: None = None

    def interval(self, level: float) -> tuple[float, float] | None:
        """None, at any level."""
        return None


class Method(Protocol):
    """A module of this folder."""

    NAME: str

    def estimate(self, outcomes: Outcomes, *, wordings: Wordings = "matched") -> Estimate | NotEstimable:
        """Estimate the gap; NotEstimable where the outcomes hold too little."""
        ...
