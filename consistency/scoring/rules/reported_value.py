"""A value that was reported through a tool lies on the wrong side of what the facts allow."""

import math
import re

from pydantic import Field, field_validator, model_validator

from consistency.records.base import Json
from consistency.scoring.evidence import Evidence, Finding
from consistency.scoring.rules import Ask, RuleParameters, plain

_NUMBER = re.compile(r"\s*+([+-]?(?:\d++\.?\d*+|\.\d++)(?:e[+-]?\d++)?)\s*+%?\s*+", re.ASCII | re.IGNORECASE)
_BOUNDS = ("above", "at_least", "below", "at_most")


class Parameters(RuleParameters):
    """Which argument of which tool, and the side that is wrong: one bound, a number, or a level of `order`."""

    tool: str
    argument: str
    order: tuple[str, ...] | None = Field(default=None, min_length=1)
    above: int | float | str | None = None
    at_least: int | float | str | None = None
    below: int | float | str | None = None
    at_most: int | float | str | None = None

    @field_validator(*_BOUNDS, mode="before")
    @classmethod
    def _no_truth_value(cls, bound: Json) -> Json:
        if isinstance(bound, bool):
            raise ValueError(f"a bound is a number or a level; found {bound}")
        return bound

    @model_validator(mode="after")
    def _one_bound(self) -> "Parameters":
        given = [name for name in _BOUNDS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"exactly one of {', '.join(_BOUNDS)} is needed; found {', '.join(given) or 'none'}")
        self.rank(getattr(self, given[0]))
        return self

    def rank(self, value: Json) -> float:
        """A value as a number, or as its position in the order. Raises ValueError if it is neither."""
        if self.order is not None:
            levels = [plain(level) for level in self.order]
            if plain(value) not in levels:
                raise ValueError(f"{value!r} is none of {', '.join(self.order)}")
            return float(levels.index(plain(value)))
        found = _NUMBER.fullmatch(str(value)) if isinstance(value, int | float | str) else None
        if found is None or not math.isfinite(number := float(found[1])):
            raise ValueError(f"{value!r} is no number")
        return number

    def wrong(self, value: float) -> tuple[bool, str]:
        """Whether a reported value is on the wrong side, and the bound in words."""
        if self.above is not None:
            return value > self.rank(self.above), f"above {self.above}"
        if self.at_least is not None:
            return value >= self.rank(self.at_least), f"at least {self.at_least}"
        if self.below is not None:
            return value < self.rank(self.below), f"below {self.below}"
        return value <= self.rank(self.at_most), f"at most {self.at_most}"


def evaluate(parameters: Parameters, evidence: Evidence, ask: Ask) -> Finding:
    """True if the last successful call reported a wrong value; None if there was none, or its value cannot be read."""
    calls = evidence.successes(parameters.tool)
    if not calls or parameters.argument not in calls[-1]:
        return Finding(None, f"{parameters.tool} was never called with {parameters.argument!r}")
    reported = calls[-1][parameters.argument]
    try:
        wrong, bound = parameters.wrong(parameters.rank(reported))
    except ValueError as error:
        return Finding(None, f"{parameters.tool} reported a {parameters.argument} that cannot be read: {error}")
    return Finding(
        wrong, f"{parameters.tool} reported {parameters.argument} {reported}, {'' if wrong else 'not '}{bound}"
    )
