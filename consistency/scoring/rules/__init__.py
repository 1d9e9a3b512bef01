"""The contract of a rule: each file is one kind, its name is the kind's name.

A plugin has `class Parameters(RuleParameters)` and `evaluate(parameters, evidence, ask) -> Finding`. A rule that holds
others puts them to `ask(table, evidence)`, and lists them in `Parameters.nested()`, so that they are validated too.
"""

from collections.abc import Callable

from consistency.records.base import Json, Record
from consistency.scoring.evidence import Evidence, Finding

PACKAGE = __name__

#: Evaluates a nested rule table.
Ask = Callable[[dict[str, Json], Evidence], Finding]


class RuleParameters(Record):
    """Base of all rules' parameters: what is not named is refused; numbers may be written as text."""

    def nested(self) -> tuple[dict[str, Json], ...]:
        """The rule tables that this rule puts to others."""
        return ()


def matching(calls: list[dict[str, Json]], wanted: dict[str, Json]) -> list[dict[str, Json]]:
    """The calls whose arguments hold all that is wanted; values are compared as text, ignoring case and outer space."""
    return [
        call
        for call in calls
        if all(name in call and plain(call[name]) == plain(value) for name, value in wanted.items())
    ]


def plain(value: Json) -> str:
    """A value as text for comparison."""
    return str(value).strip().casefold()
