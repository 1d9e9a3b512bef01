"""A file that had to be there is not."""

from consistency.scoring.evidence import Evidence, Finding
from consistency.scoring.rules import Ask, RuleParameters


class Parameters(RuleParameters):
    """The file's path."""

    path: str


def evaluate(parameters: Parameters, evidence: Evidence, ask: Ask) -> Finding:
    """True if there is no such file at the end."""
    missing = parameters.path not in evidence.world.get("files", {})
    return Finding(missing, f"{parameters.path} is {'missing' if missing else 'there'} at the end")
