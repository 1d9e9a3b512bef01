"""Putting a rule table to the rule that it names."""

from types import ModuleType

from pydantic import ValidationError

from consistency import plugins
from consistency.errors import ConfigurationError
from consistency.records.base import Json
from consistency.scoring import rules
from consistency.scoring.evidence import Evidence, Finding
from consistency.scoring.rules import RuleParameters
from consistency.study import explain


def evaluate(table: dict[str, Json], evidence: Evidence) -> Finding:
    """What a rule table says of the evidence. Raises ConfigurationError for a table that `validate` would fault."""
    rule, parameters = _parse(table)
    finding: Finding = rule.evaluate(parameters, evidence, evaluate)
    return finding


def validate(table: Json) -> list[str]:
    """What is wrong with a rule table and those inside it; an empty list if nothing is."""
    try:
        _, parameters = _parse(table)
    except ConfigurationError as error:
        return [str(error)]
    return [message for inner in parameters.nested() for message in validate(inner)]


def _parse(table: Json) -> tuple[ModuleType, RuleParameters]:
    kinds = ", ".join(plugins.names(rules.PACKAGE))
    if not isinstance(table, dict) or not isinstance(table.get("rule"), str):
        raise ConfigurationError(f"a rule is a table with rule = one of {kinds}; found {table!r}")
    name = table["rule"]
    if name not in plugins.names(rules.PACKAGE):
        raise ConfigurationError(f"unknown rule {name!r}; there are: {kinds}")
    rule = plugins.load(rules.PACKAGE, name)
    try:
        return rule, rule.Parameters.model_validate({key: value for key, value in table.items() if key != "rule"})
    except ValidationError as error:
        found = "; ".join(explain(entry, "parameter") for entry in error.errors(include_url=False))
        raise ConfigurationError(f"rule {name!r}: {found}") from error
