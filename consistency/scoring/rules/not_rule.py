"""The opposite of another rule."""

from consistency.records.base import Json
from consistency.scoring.evidence import Evidence, Finding
from consistency.scoring.rules import Ask, RuleParameters


class Parameters(RuleParameters):
    """The rule."""

    of: dict[str, Json]

    def nested(self) -> tuple[dict[str, Json], ...]:
        """The rule that is turned round."""
        return (self.of,)


def evaluate(parameters: Parameters, evidence: Evidence, ask: Ask) -> Finding:
    """True where the rule says False, False where it says True; None where it cannot tell."""
    found = ask(parameters.of, evidence)
    return Finding(None if found.value is None else not found.value, found.evidence)
