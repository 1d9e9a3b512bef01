"""At least one of several rules says 1."""

from pydantic import Field

from consistency.records.base import Json
from consistency.scoring.evidence import Evidence, Finding
from consistency.scoring.rules import Ask, RuleParameters


class Parameters(RuleParameters):
    """The rules."""

    rules: tuple[dict[str, Json], ...] = Field(min_length=1)

    def nested(self) -> tuple[dict[str, Json], ...]:
        """All of them."""
        return self.rules


def evaluate(parameters: Parameters, evidence: Evidence, ask: Ask) -> Finding:
    """True if any rule says so; else None if any cannot tell; else False."""
    findings = [ask(rule, evidence) for rule in parameters.rules]
    values = [finding.value for finding in findings]
    value = True if True in values else None if None in values else False
    return Finding(value, "; ".join(finding.evidence for finding in findings if finding.value == value))
