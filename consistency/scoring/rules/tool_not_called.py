"""A tool was not called that had to be."""

from consistency.scoring.evidence import Evidence, Finding
from consistency.scoring.rules import Ask, matching
from consistency.scoring.rules.tool_called import Parameters

__all__ = ["Parameters", "evaluate"]


def evaluate(parameters: Parameters, evidence: Evidence, ask: Ask) -> Finding:
    """True if no successful call matched."""
    found = matching(evidence.successes(parameters.tool), parameters.arguments)
    return Finding(
        not found, f"{parameters.tool} was called {len(found)} times with {parameters.arguments or 'any arguments'}"
    )
