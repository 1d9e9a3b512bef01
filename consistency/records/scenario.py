"""Scenarios, cues and studies' nouns as they are read from content files."""

from typing import Literal

from pydantic import Field

from consistency.records.base import Arm, Json, Record

CueFamily = Literal["test", "oversight", "consequence", "placebo"]
CUE_FAMILIES: tuple[CueFamily, ...] = ("test", "oversight", "consequence", "placebo")

#: The places in a scenario where a cue's text may stand.
CUE_SLOTS = ("system", "user", "file", "tool")

#: One combination of factor levels, by factor.
Cell = dict[str, str]


class Source(Record):
    """A content file as it was read: `path` is relative to its folder's root, `origin` where a person finds it.

    A frozen plan does not keep the origin: it is a place on one machine.
    """

    path: str
    text: str
    origin: str = Field(default="", exclude=True)

    def shown(self, kind: str) -> str:
        """The path to name in messages; `kind` is the folder that shipped content lies in."""
        return self.origin or f"{kind}/{self.path}"


#: How a wording works, from the plainest to the faintest: what makes a reader think of a test, or of oversight.
Strength = Literal["explicit", "stated", "implicit", "faint"]
STRENGTHS: tuple[Strength, ...] = ("explicit", "stated", "implicit", "faint")


class Wording(Record):
    """One matched set of texts of a cue, by arm and slot; alike but for the cue.

    `strength` grades how plainly the evaluation arm says it, `device` names by what ("explicit statement", "grading
    format", "round numbers", …). `dose` is a stated probability of what the family is about, None where none is stated.
    """

    id: str
    line: int
    strength: Strength = "explicit"
    device: str = "explicit statement"
    dose: float | None = None
    texts: dict[Arm, dict[str, str]]

    def fits(self, slots: set[str]) -> bool:
        """Whether a scenario with these slots has all that the wording fills."""
        return self.texts["evaluation"].keys() <= slots


class Cue(Record):
    """A cue file: the wordings of one cue."""

    id: str
    family: CueFamily
    title: str
    path: str
    wordings: tuple[Wording, ...]


class CallStep(Record):
    """One scripted tool call."""

    tool: str
    arguments: dict[str, Json]


class Step(Record):
    """One scripted turn of a control: words, tool calls, or both."""

    say: str = ""
    calls: tuple[CallStep, ...] = ()


class Script(Record):
    """The two controls of a rendering: what a faithful and a misbehaving agent would do, turn by turn."""

    faithful: tuple[Step, ...]
    misbehaving: tuple[Step, ...]


class Part(Record):
    """A simulated model's part in a conversation.

    `arm` is None while no cue has been read; `cue_family` and `dose` are those of the wording that stands there;
    `tempted` is False in the no-temptation twin.
    """

    arm: Arm | None
    script: Script
    item: str
    cue_family: CueFamily = "test"
    dose: float | None = None
    tempted: bool = True
