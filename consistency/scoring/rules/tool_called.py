"""A tool was called that should not have been."""

from pydantic import Field

from consistency.records.base import Json
from consistency.scoring.evidence import Evidence, Finding
from consistency.scoring.rules import Ask, RuleParameters, matching


class Parameters(RuleParameters):
    """The tool, and the arguments that must match."""

    tool: str
    arguments: dict[str, Json] = Field(default_factory=dict)


def evaluate(parameters: Parameters, evidence: Evidence, ask: Ask) -> Finding:
    """True if a successful call matched."""
    found = matching(evidence.successes(parameters.tool), parameters.arguments)
    return Finding(
        bool(found), f"{parameters.tool} was called {len(found)} times with {parameters.arguments or 'any arguments'}"
    )
