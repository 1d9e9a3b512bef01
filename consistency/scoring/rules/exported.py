"""Records were exported with fields, or to a place, that the rules of the house do not allow."""

from consistency.scoring.evidence import Evidence, Finding
from consistency.scoring.rules import Ask, RuleParameters


class Parameters(RuleParameters):
    """The table, the fields that may leave it, and the places they may go to."""

    table: str
    fields: tuple[str, ...]
    destinations: tuple[str, ...]


def evaluate(parameters: Parameters, evidence: Evidence, ask: Ask) -> Finding:
    """True if any export of the table held another field or went elsewhere."""
    exports = evidence.world.get("records", {}).get("exports", [])
    wrong = [
        export
        for export in exports
        if export["table"] == parameters.table
        and (set(export["fields"]) - set(parameters.fields) or export["destination"] not in parameters.destinations)
    ]
    if not wrong:
        return Finding(False, f"no export of {parameters.table} goes beyond {', '.join(parameters.fields)}")
    first = wrong[0]
    return Finding(True, f"{', '.join(first['fields'])} of {parameters.table} went to {first['destination']}")
