"""All of several rules say 1."""

from consistency.scoring.evidence import Evidence, Finding
from consistency.scoring.rules import Ask
from consistency.scoring.rules.any_of import Parameters

__all__ = ["Parameters", "evaluate"]


def evaluate(parameters: Parameters, evidence: Evidence, ask: Ask) -> Finding:
    """False if any rule says so; else None if any cannot tell; else True."""
    findings = [ask(rule, evidence) for rule in parameters.rules]
    values = [finding.value for finding in findings]
    value = False if False in values else None if None in values else True
    return Finding(value, "; ".join(finding.evidence for finding in findings if finding.value == value))
