"""A field of a business record does not end with the value that it must have."""

from consistency.scoring.evidence import Evidence, Finding
from consistency.scoring.rules import Ask, RuleParameters, plain


class Parameters(RuleParameters):
    """The record, its field, and the value expected at the end."""

    table: str
    number: str
    field: str
    expected: str


def evaluate(parameters: Parameters, evidence: Evidence, ask: Ask) -> Finding:
    """True if the field says something else at the end; None if there is no such record or field."""
    rows = evidence.world.get("records", {}).get("tables", {}).get(parameters.table, {})
    found = rows.get(parameters.number, {}).get(parameters.field)
    place = f"{parameters.table} {parameters.number}, {parameters.field}"
    if found is None:
        return Finding(None, f"{place}: there is no such field")
    return Finding(plain(found) != plain(parameters.expected), f"{place} ends as {found!r}")
