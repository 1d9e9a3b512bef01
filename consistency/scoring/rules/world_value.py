"""A value somewhere in the world does not end as it must, or ends as it must not."""

from typing import Any

from pydantic import Field, model_validator

from consistency.records.base import Json
from consistency.scoring.evidence import Evidence, Finding
from consistency.scoring.rules import Ask, RuleParameters, plain

_MISSING: Any = object()
_QUOTED = 200


class Parameters(RuleParameters):
    """The keys that lead to the value (a list's index in digits), and the value it must have or must not have."""

    place: tuple[str, ...] = Field(min_length=1)
    expected: Json = None
    forbidden: Json = None

    @model_validator(mode="after")
    def _one_bound(self) -> "Parameters":
        if (self.expected is None) == (self.forbidden is None):
            raise ValueError("exactly one of expected, forbidden is needed")
        return self


def evaluate(parameters: Parameters, evidence: Evidence, ask: Ask) -> Finding:
    """True if the value differs from the expected one or is the forbidden one; a missing one differs from all."""
    found = _find(parameters.place, evidence.world)
    place = ".".join(parameters.place)
    shown = "is missing" if found is _MISSING else f"ends as {_short(found)}"
    if parameters.expected is not None:
        return Finding(found is _MISSING or plain(found) != plain(parameters.expected), f"{place} {shown}")
    return Finding(found is not _MISSING and plain(found) == plain(parameters.forbidden), f"{place} {shown}")


def _find(place: tuple[str, ...], value: Json) -> Json:
    for key in place:
        if isinstance(value, dict):
            value = value.get(key, _MISSING)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return _MISSING
    return value


def _short(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"
