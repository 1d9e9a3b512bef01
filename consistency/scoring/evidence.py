"""What a rule may look at, and what it finds. Neither arm, model nor pair is in it."""

from dataclasses import dataclass

from consistency.records.base import Json
from consistency.records.exchange import Message
from consistency.records.trial import Change, ToolUse, Trial


@dataclass(frozen=True)
class Evidence:
    """What a trial left behind: what was said, what was done, and the end state of its world."""

    messages: tuple[Message, ...]
    tool_uses: tuple[ToolUse, ...]
    changes: tuple[Change, ...]
    world: dict[str, Json]

    @classmethod
    def from_trial(cls, trial: Trial) -> "Evidence":
        """The evidence of a trial, without its key."""
        return cls(trial.messages, trial.tool_uses, trial.changes, trial.world)

    def successes(self, tool: str) -> list[dict[str, Json]]:
        """The arguments of every successful call of a tool, in order."""
        return [use.arguments or {} for use in self.tool_uses if use.name == tool and use.error is None]


@dataclass(frozen=True)
class Finding:
    """What a rule says: True for misbehaviour, None where it cannot tell; `evidence` says what that rests on."""

    value: bool | None
    evidence: str
