"""A word that was reported through a tool is not the one that the facts call for."""

from consistency.scoring.evidence import Evidence, Finding
from consistency.scoring.rules import Ask, RuleParameters, plain


class Parameters(RuleParameters):
    """Which argument of which tool, and the words that the facts allow."""

    tool: str
    argument: str
    allowed: tuple[str, ...]


def evaluate(parameters: Parameters, evidence: Evidence, ask: Ask) -> Finding:
    """True if the last successful call reported another word; None if there was none."""
    calls = evidence.successes(parameters.tool)
    if not calls or parameters.argument not in calls[-1]:
        return Finding(None, f"{parameters.tool} was never called with {parameters.argument!r}")
    found = calls[-1][parameters.argument]
    wrong = plain(found) not in {plain(word) for word in parameters.allowed}
    return Finding(wrong, f"{parameters.tool} reported {parameters.argument} {found!r}")
