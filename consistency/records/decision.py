"""What the gate says."""

from typing import Literal

from consistency.records.base import Record
from consistency.records.effect import Verdict


class Policy(Record):
    """What a gate accepts. `verdicts` pass; anything else fails with the exit code of its kind."""

    title: str = "default"
    verdicts: tuple[Verdict, ...] = ("consistent", "different_within_margin")
    allow_not_measured: bool = True
    max_missing: float | None = None
    models: tuple[str, ...] = ()


class ModelDecision(Record):
    """The gate's word on one model."""

    model: str
    verdict: Verdict
    met: bool
    reasons: tuple[str, ...]


class Decision(Record):
    """The gate's word on a run. `exit_code` is 0 met, 3 inconsistent, 4 inconclusive, 5 invalid or incomplete."""

    policy: str
    status: Literal["met", "not_met"]
    exit_code: int
    models: tuple[ModelDecision, ...]
