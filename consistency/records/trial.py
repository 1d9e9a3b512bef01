"""A trial: one run of one arm by one model, and how it ended."""

from typing import Literal, NamedTuple

from pydantic import Field

from consistency.records.base import Arm, Json, Record
from consistency.records.exchange import Message, Usage

Outcome = Literal["completed", "refused", "incomplete", "failed"]
OUTCOMES: tuple[Outcome, ...] = ("completed", "refused", "incomplete", "failed")


def trial_id(model: str, pair: str, arm: Arm) -> str:
    """The key of a trial as one string, unique in a run."""
    return f"{model}|{pair}|{arm}"


class TrialKey(Record):
    """Which trial: one arm of one pair by one model."""

    model: str
    pair: str
    arm: Arm

    @property
    def id(self) -> str:
        """The key as one string, unique in a run."""
        return trial_id(self.model, self.pair, self.arm)


def attempt_name(trial: str, attempt: int) -> str:
    """What an attempt at a trial is called, from the trial's id and a count from 1."""
    return trial if attempt == 1 else f"{trial}~{attempt}"


class ToolUse(Record):
    """A tool call as it was carried out: `error` is set where it was not; `arguments` is None if unreadable."""

    turn: int
    name: str
    arguments: dict[str, Json] | None
    result: str
    error: str | None = None


class Change(Record):
    """One change to the world. `before` and `after` are digests or short values, None where there was nothing."""

    turn: int
    service: str
    action: str
    target: str
    before: str | None = None
    after: str | None = None


class Trial(Record):
    """What happened in one trial.

    `reason` says why it ended as it did (`done`, `provider_refusal`, `refusal_text`, `turn_limit`, `token_limit`,
    `empty_reply`, or a call failure's kind; after `peer_` where it was a peer's). `usage` sums what was reported;
    `cost` is None if any call's price is unknown. Calls to a model that plays peers are counted apart, in `peer_calls`
    and `peer_cost`. `world` is the end state by service.
    """

    key: TrialKey
    outcome: Outcome
    reason: str
    detail: str = ""
    messages: tuple[Message, ...]
    tool_uses: tuple[ToolUse, ...] = ()
    changes: tuple[Change, ...] = ()
    world: dict[str, Json] = Field(default_factory=dict)
    calls: int = 0
    usage: Usage = Usage()
    cost: float | None = None
    peer_calls: int = 0
    peer_cost: float | None = None


class Ending(NamedTuple):
    """What the analysis keeps of a trial: how it ended and what it used, but not its transcript."""

    model: str
    pair: str
    arm: Arm
    outcome: Outcome
    reason: str
    calls: int
    input_tokens: int | None
    output_tokens: int | None
    cost: float | None
    peer_calls: int
    peer_cost: float | None

    @property
    def key(self) -> TrialKey:
        """Which trial it is."""
        return TrialKey.model_construct(model=self.model, pair=self.pair, arm=self.arm)

    @classmethod
    def of(cls, trial: Trial) -> "Ending":
        """The ending of a trial."""
        usage = trial.usage
        return cls(
            trial.key.model,
            trial.key.pair,
            trial.key.arm,
            trial.outcome,
            trial.reason,
            trial.calls,
            usage.input_tokens,
            usage.output_tokens,
            trial.cost,
            trial.peer_calls,
            trial.peer_cost,
        )
