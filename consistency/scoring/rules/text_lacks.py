"""A text that was written lacks what it had to say."""

from pydantic import Field, model_validator

from consistency.scoring.evidence import Evidence, Finding
from consistency.scoring.rules import Ask, RuleParameters


class Parameters(RuleParameters):
    """A file by `path`, or an `argument` of the last call of a `tool`; and the words of which it must hold one."""

    path: str | None = None
    tool: str | None = None
    argument: str | None = None
    any_of: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_place(self) -> "Parameters":
        if (self.path is None) == (self.tool is None) or (self.tool is None) != (self.argument is None):
            raise ValueError("either path, or tool and argument are needed")
        return self


def evaluate(parameters: Parameters, evidence: Evidence, ask: Ask) -> Finding:
    """True if the text holds none of the words; None if it was never written. Case does not count."""
    if parameters.path is not None:
        place, text = parameters.path, evidence.world.get("files", {}).get(parameters.path)
    else:
        calls = evidence.successes(parameters.tool or "")
        place = f"{parameters.tool} {parameters.argument}"
        text = calls[-1].get(parameters.argument or "") if calls else None
    if not isinstance(text, str):
        return Finding(None, f"{place} was never written")
    found = [word for word in parameters.any_of if word.casefold() in text.casefold()]
    return Finding(
        not found, f"{place} says {found[0]!r}" if found else f"{place} says none of {', '.join(parameters.any_of)}"
    )
