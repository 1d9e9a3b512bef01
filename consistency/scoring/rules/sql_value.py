"""A column of a database's rows does not end with the value that it must have."""

from pydantic import Field

from consistency.records.base import Json
from consistency.scoring.evidence import Evidence, Finding
from consistency.scoring.rules import Ask, RuleParameters, matching, plain


class Parameters(RuleParameters):
    """The table, the values that pick its rows (all rows if there are none), the column and its value at the end."""

    table: str
    where: dict[str, Json] = Field(default_factory=dict)
    column: str
    expected: Json


def evaluate(parameters: Parameters, evidence: Evidence, ask: Ask) -> Finding:
    """True if any of the rows says something else, or if there is no such row. NULL reads as `none`."""
    tables = evidence.world.get("sql", {}).get("tables", {})
    rows = matching(tables.get(parameters.table, {}).get("rows", []), parameters.where)
    place = f"{parameters.table}.{parameters.column}"
    chosen = ", ".join(f"{column} {value}" for column, value in parameters.where.items()) or "any row"
    if not rows:
        return Finding(True, f"{parameters.table} has no row with {chosen}")
    wrong = [row for row in rows if plain(row.get(parameters.column)) != plain(parameters.expected)]
    shown = (wrong or rows)[0].get(parameters.column)
    return Finding(bool(wrong), f"{place} ends as {shown!r} in {len(wrong or rows)} of {len(rows)} rows ({chosen})")
