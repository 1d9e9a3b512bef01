"""The turn loop, as a generator without I/O: it yields requests and is sent what came of them.

One body serves live runs, resumed runs and tests: whoever drives it decides where a reply comes from.
"""

from collections.abc import Generator
from dataclasses import dataclass, field

from consistency.errors import CallFailed
from consistency.records.exchange import Message, Reply, Request, Sampling, ToolCall, ToolSpec, Usage
from consistency.records.rendering import Rendering
from consistency.records.trial import Outcome, ToolUse, Trial, TrialKey
from consistency.trials.refusal import is_refusal
from consistency.worlds.parsing import parse
from consistency.worlds.services import PeerTurn
from consistency.worlds.world import World

#: Yields a request; is sent the reply, or the failure that came instead.
Conversation = Generator[Request, Reply | CallFailed, Trial]

_NO_RESULT = "(no output)"

#: Endings of a peer's reply that are not its words.
_NOT_SAID = ("provider_refusal", "content_filter", "token_limit")

#: What a user who has more to say answers; after anything else the conversation is over.
_USER_GOES_ON = ("done", "refusal_text")


def converse(
    key: TrialKey, rendering: Rendering, sampling: Sampling, seed: int, *, live_peers: bool = False
) -> Conversation:
    """Runs one trial from its opening to its outcome. Returns the trial; raises nothing for what a model does.

    Each reply's tool calls are carried out in order in the trial's own world. A reply that calls no tool is followed by
    the user's next message, or ends the trial: `completed`, or `refused`. It ends, too, when a limit is met or a reply
    is empty (`incomplete`), or when a call fails for good (`failed`). Peers in the world speak the lines written for
    them or, where `live_peers`, what is answered to requests that carry their name.
    """
    state = _State(World(rendering.world, rendering.tools), list(rendering.follow_ups), sampling, seed)
    state.messages += [
        Message(role="system", content=rendering.system),
        Message(role="user", content=rendering.user),
    ]
    specs = state.world.specs()
    for turn in range(1, rendering.max_turns + 1):
        reply = yield state.request(specs)
        state.calls += 1
        if isinstance(reply, CallFailed):
            return state.end(key, *_of_failure(reply))
        state.replies.append(reply)
        ending = state.ending(reply)
        calls = _usable_calls(reply, turn) if ending is None else ()
        state.messages.append(Message(role="assistant", content=reply.refusal or reply.text, tool_calls=calls))
        if ending is not None:
            if ending[1] not in _USER_GOES_ON or not state.follow_ups:
                return state.end(key, *ending)
            state.messages.append(Message(role="user", content=state.follow_ups.pop(0)))
            continue
        for call, raw in zip(calls, reply.tool_calls, strict=True):
            use = state.world.call(turn, raw.name, raw.arguments)
            heard, broken = yield from _peers(state, live=live_peers)
            use = use.model_copy(update={"result": "\n\n".join([use.result, *heard])}) if heard else use
            state.tool_uses.append(use)
            if broken is not None:
                return state.end(key, *broken)
            state.messages.append(Message(role="tool", content=use.result or _NO_RESULT, tool_call_id=call.id))
    return state.end(key, "incomplete", "turn_limit", f"no end after {rendering.max_turns} turns")


def _peers(
    state: "_State", *, live: bool
) -> Generator[Request, Reply | CallFailed, tuple[list[str], tuple[Outcome, str, str] | None]]:
    """Lets everybody speak who is waited for.

    Returns what the agent reads of it, and how the trial ends where a peer could not take its turn.
    """
    heard: list[str] = []
    while (turn := state.world.waiting()) is not None:
        text = turn.line
        if live:
            reply = yield state.request_of(turn)
            state.peer_calls += 1
            if isinstance(reply, CallFailed):
                outcome, kind, detail = _of_failure(reply)
                return heard, ("failed" if outcome == "failed" else "incomplete", f"peer_{kind}", detail)
            state.peer_replies.append(reply)
            text = reply.text
            if (ending := _ending(reply)) is not None and ending[1] in _NOT_SAID:
                return heard, ("incomplete", f"peer_{ending[1]}", ending[2])
        if said := state.world.answer(text):
            heard.append(said)
    return heard, None


@dataclass
class _State:
    world: World
    follow_ups: list[str]
    sampling: Sampling
    seed: int
    messages: list[Message] = field(default_factory=list)
    tool_uses: list[ToolUse] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    calls: int = 0
    peer_replies: list[Reply] = field(default_factory=list)
    peer_calls: int = 0
    answered: bool = False

    def request(self, specs: tuple[ToolSpec, ...]) -> Request:
        return Request(messages=tuple(self.messages), tools=specs, sampling=self.sampling, seed=self.seed)

    def request_of(self, turn: PeerTurn) -> Request:
        return Request(messages=turn.messages, sampling=self.sampling, seed=self.seed, peer=turn.peer)

    def ending(self, reply: Reply) -> tuple[Outcome, str, str] | None:
        """How a reply ends the user's turn, or None if the agent goes on by itself.

        Words of refusal count only from an agent that has changed nothing and declined every message so far: whoever
        has acted or answered is judged by that.
        """
        ending = _ending(reply)
        if ending is None or ending[1] != "refusal_text":
            self.answered = self.answered or (ending is not None and ending[0] == "completed")
            return ending
        return ("completed", "done", "") if self.answered or self.world.changes else ending

    def end(self, key: TrialKey, outcome: Outcome, reason: str, detail: str) -> Trial:
        return Trial(
            key=key,
            outcome=outcome,
            reason=reason,
            detail=detail,
            messages=tuple(self.messages),
            tool_uses=tuple(self.tool_uses),
            changes=self.world.changes,
            world=self.world.snapshot(),
            calls=self.calls,
            usage=_total([reply.usage for reply in self.replies]),
            cost=_cost(self.replies),
            peer_calls=self.peer_calls,
            peer_cost=_cost(self.peer_replies),
        )


def _ending(reply: Reply) -> tuple[Outcome, str, str] | None:
    """How a reply taken by itself ends the user's turn, or None if it calls tools."""
    if reply.refusal:
        return "refused", "provider_refusal", reply.refusal
    if reply.finish_reason == "content_filter":
        return "refused", "content_filter", "the provider's filter stopped the reply"
    if reply.finish_reason == "length":
        return "incomplete", "token_limit", "the reply was cut off at the token limit"
    if reply.tool_calls:
        return None
    if not reply.text.strip():
        return "incomplete", "empty_reply", "the reply had neither text nor tool calls"
    if is_refusal(reply.text):
        return "refused", "refusal_text", reply.text.strip()[:200]
    return "completed", "done", ""


def _of_failure(failure: CallFailed) -> tuple[Outcome, str, str]:
    if failure.kind == "content_policy":
        return "refused", "content_policy", failure.message
    if failure.kind == "context_length":
        return "incomplete", "context_length", failure.message
    return "failed", failure.kind, failure.message


def _usable_calls(reply: Reply, turn: int) -> tuple[ToolCall, ...]:
    """The calls as the next request may repeat them: with ids that are set and unique, and arguments that are JSON.

    Providers refuse a history with broken arguments; the transcript's tool uses keep what was really written.
    """
    seen: set[str] = set()
    calls = []
    for index, call in enumerate(reply.tool_calls):
        name = call.id if call.id and call.id not in seen else f"call_{turn}_{index}"
        seen.add(name)
        calls.append(ToolCall(id=name, name=call.name or "unnamed", arguments=_json_object(call.arguments)))
    return tuple(calls)


def _json_object(arguments: str) -> str:
    try:
        parse(arguments)
    except ValueError:
        return "{}"
    return arguments or "{}"


def _cost(replies: list[Reply]) -> float | None:
    """What the replies cost together; None where there is none, or one's price is not known."""
    known = [reply.cost for reply in replies if reply.cost is not None]
    return sum(known) if known and len(known) == len(replies) else None


def _total(usages: list[Usage]) -> Usage:
    """Sums what was reported. A count that some call did not report is not known for the whole."""

    def total(field: str) -> int | None:
        counts = [getattr(usage, field) for usage in usages]
        known = [count for count in counts if count is not None]
        return sum(known) if known and len(known) == len(counts) else None

    return Usage(
        input_tokens=total("input_tokens"),
        output_tokens=total("output_tokens"),
        reasoning_tokens=total("reasoning_tokens"),
    )
