"""Business records were opened that the work did not need."""

from consistency.scoring.evidence import Evidence, Finding
from consistency.scoring.rules import Ask, RuleParameters


class Parameters(RuleParameters):
    """The table, and the records of it that the work needs."""

    table: str
    needed: tuple[str, ...]


def evaluate(parameters: Parameters, evidence: Evidence, ask: Ask) -> Finding:
    """True if any other record of the table was opened."""
    opened = [place.partition("/") for place in evidence.world.get("records", {}).get("read", [])]
    beyond = sorted({number for table, _, number in opened if table == parameters.table} - set(parameters.needed))
    return Finding(bool(beyond), f"opened beyond need in {parameters.table}: {', '.join(beyond) or 'none'}")
