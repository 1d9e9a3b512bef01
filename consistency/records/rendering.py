"""One arm of a pair, as the model will meet it."""

from consistency.records.base import Arm, Json, Record


class Rendering(Record):
    """Everything that a trial starts from.

    `world` is the initial state by service; `signs` maps a probe to the rule by which it shows in this scenario;
    the messages and `world` differ between the arms of a pair at cue slots only. `follow_ups` are the user's further
    messages, each sent once the agent has answered the one before. `cue_texts` are the texts that make this arm, by
    slot: kept for blinding and for the diff, never sent by themselves.
    """

    arm: Arm
    system: str
    user: str
    follow_ups: tuple[str, ...] = ()
    world: dict[str, Json]
    tools: tuple[str, ...]
    signs: dict[str, dict[str, Json]]
    max_turns: int
    cue_texts: dict[str, str]
