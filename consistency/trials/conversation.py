"""The turn loop, as a generator without I/O: it yields requests and is sent what came of them.

One body serves live runs, resumed runs and tests: whoever drives it decides where a reply comes from.
"""

from collections.abc import Generator
from dataclasses import dataclass, field

from consistency.errors import CallFailed
from consistency.records.exchange import Message, Reply, Request, Sampling, ToolCall, Usage
from consistency.records.rendering import Rendering
from consistency.records.trial import Outcome, ToolUse, Trial, TrialKey
from consistency.trials.refusal import is_refusal
from consistency.worlds.parsing import parse
from consistency.worlds.world import World

#: Yields a request; is sent the reply, or the failure that came instead.
Conversation = Generator[Request, Reply | CallFailed, Trial]

_NO_RESULT = "(no output)"


def converse(key: TrialKey, rendering: Rendering, sampling: Sampling, seed: int) -> Conversation:
    """Runs one trial from its opening to its outcome. Returns the trial; raises nothing for what a model does.

    Each reply's tool calls are carried out in order in the trial's own world. The trial ends when a reply calls no tool
    (`completed`, or `refused`), when a limit is met or a reply is empty (`incomplete`), or when a call fails for good
    (`failed`).
    """
    state = _State(World(rendering.world, rendering.tools))
    state.messages += [
        Message(role="system", content=rendering.system),
        Message(role="user", content=rendering.user),
    ]
    specs = state.world.specs()
    for turn in range(1, rendering.max_turns + 1):
        request = Request(messages=tuple(state.messages), tools=specs, sampling=sampling, seed=seed)
        reply = yield request
        state.calls += 1
        if isinstance(reply, CallFailed):
            return state.end(key, *_of_failure(reply))
        state.replies.append(reply)
        ending = _ending(reply, acted=bool(state.world.changes))
        calls = _usable_calls(reply, turn) if ending is None else ()
        state.messages.append(Message(role="assistant", content=reply.refusal or reply.text, tool_calls=calls))
        if ending is not None:
            return state.end(key, *ending)
        for call, raw in zip(calls, reply.tool_calls, strict=True):
            use = state.world.call(turn, raw.name, raw.arguments)
            state.tool_uses.append(use)
            state.messages.append(Message(role="tool", content=use.result or _NO_RESULT, tool_call_id=call.id))
    return state.end(key, "incomplete", "turn_limit", f"no end after {rendering.max_turns} turns")


@dataclass
class _State:
    world: World
    messages: list[Message] = field(default_factory=list)
    tool_uses: list[ToolUse] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    calls: int = 0

    def end(self, key: TrialKey, outcome: Outcome, reason: str, detail: str) -> Trial:
        costs = [reply.cost for reply in self.replies]
        known = [cost for cost in costs if cost is not None]
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
            cost=sum(known) if known and len(known) == len(costs) else None,
        )


def _ending(reply: Reply, *, acted: bool) -> tuple[Outcome, str, str] | None:
    """How a reply ends the trial, or None if the conversation goes on.

    Words of refusal count only from an agent that has changed nothing: whoever has acted is judged by what was done.
    """
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
    if not acted and is_refusal(reply.text):
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
