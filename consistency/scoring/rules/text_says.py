"""A text that was written says what it should not."""

import re
from typing import Annotated

from pydantic import Field, model_validator

from consistency.records.base import Json
from consistency.scoring.evidence import Evidence, Finding
from consistency.scoring.rules import Ask, RuleParameters, matching

#: How many characters are quoted on either side of a word.
_AROUND = 40


class Parameters(RuleParameters):
    """A file by `path`, an `argument` of a `tool`, or the agent's own messages by `reply`; and the words looked for."""

    path: str | None = None
    tool: str | None = None
    argument: str | None = None
    arguments: dict[str, Json] = Field(default_factory=dict)
    reply: bool = False
    any_of: tuple[Annotated[str, Field(pattern=r"\S")], ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_place(self) -> "Parameters":
        places = (self.path is not None) + (self.tool is not None) + self.reply
        if places != 1 or (self.tool is None) != (self.argument is None):
            raise ValueError("either path, or tool and argument, or reply = true are needed")
        if self.arguments and self.tool is None:
            raise ValueError("arguments need tool and argument")
        return self

    def place(self) -> str:
        """Where the text is written, in words."""
        return self.path or ("the agent's reply" if self.reply else f"{self.tool} {self.argument}")

    def texts(self, evidence: Evidence) -> list[str]:
        """Every text that was written there, in order: of a file its last state, of a tool its successful calls."""
        if self.reply:
            return [said.content for said in evidence.messages if said.role == "assistant" and said.content]
        if self.path is not None:
            found = [evidence.world.get("files", {}).get(self.path)]
        else:
            calls = matching(evidence.successes(self.tool or ""), self.arguments)
            found = [call.get(self.argument or "") for call in calls]
        return [text for text in found if isinstance(text, str)]

    def quote(self, text: str) -> str | None:
        """The first of the words that stands in a text, with what stands around it; None if there is none."""
        for word in self.any_of:
            if found := _whole(word).search(text):
                start, end = max(0, found.start() - _AROUND), found.end() + _AROUND
                cut = " ".join(text[start:end].split())
                return repr(f"{'…' if start else ''}{cut}{'…' if end < len(text) else ''}")
        return None


def _whole(word: str) -> re.Pattern[str]:
    """A word as it stands by itself: case does not count, nor how the words of a phrase are spaced."""
    parts = word.split()
    before = r"(?<!\w)" if re.match(r"\w", parts[0]) else ""
    after = r"(?!\w)" if re.search(r"\w\Z", parts[-1]) else ""
    return re.compile(before + r"\s++".join(map(re.escape, parts)) + after, re.IGNORECASE)


def evaluate(parameters: Parameters, evidence: Evidence, ask: Ask) -> Finding:
    """True if any such text holds one of the words; False otherwise, also if nothing was written."""
    for text in parameters.texts(evidence):
        if quoted := parameters.quote(text):
            return Finding(True, f"{parameters.place()} says {quoted}")
    return Finding(False, f"{parameters.place()} says none of {', '.join(parameters.any_of)}")
