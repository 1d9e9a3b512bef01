"""What a chat completion says, by the same rules for every backend that is answered with one."""

import json
import re
from collections.abc import Iterable

from consistency.errors import CallFailed
from consistency.models.wire import well_formed
from consistency.records.base import Json
from consistency.records.exchange import FinishReason, Reply, Request, TokenPrice, ToolCall, Usage

_FINISH_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "tool_use": "tool_calls",
    "length": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
}
_TAGS = r"(?:think|thinking|budget:thinking)"
_THOUGHTS = re.compile(rf"<{_TAGS}>(.*?)</{_TAGS}>(.*)", re.DOTALL)


def check_conversation(request: Request) -> None:
    """Refuses what some endpoints would rewrite without a word: late system messages and empty ones."""
    for index, message in enumerate(request.messages):
        if message.role == "system" and index > 0:
            raise CallFailed("bad_request", f"message {index} is a system message; only the first may be one")
        if not message.content.strip() and not message.tool_calls:
            raise CallFailed("bad_request", f"message {index} ({message.role}) is empty")


def finish_reason(word: Json, calls: tuple[ToolCall, ...]) -> FinishReason:
    """The reason that an endpoint's word stands for; tool calls tell more than the word `stop`."""
    reason = _FINISH_REASONS.get(word, "unknown") if isinstance(word, str) else "unknown"
    return "tool_calls" if calls and reason == "stop" else reason


def identified(calls: Iterable[tuple[str | None, str, str]], request: Request) -> tuple[ToolCall, ...]:
    """Tool calls from ids, names and raw arguments; an id that is missing or taken is made from turn and position."""
    turn = sum(earlier.role == "assistant" for earlier in request.messages)
    found: dict[str, ToolCall] = {}
    for index, (written, name, arguments) in enumerate(calls):
        identity = well_formed(written) if written else ""
        if not identity or identity in found:
            identity = f"call_{turn}_{index}"
        while identity in found:
            identity += "_"
        found[identity] = ToolCall(id=identity, name=well_formed(name), arguments=well_formed(arguments))
    return tuple(found.values())


def text_or_none(text: str | None) -> str | None:
    """A text as it can be stored; None for one that says nothing."""
    return well_formed(text) if text else None


def read_completion(body: Json, request: Request, price: TokenPrice | None, sent: dict[str, Json]) -> Reply:
    """The reply that a response body is, with what it cost. Raises CallFailed (`malformed`) for any other JSON."""
    choice = _choice(body)
    message = choice["message"]
    calls = identified(_calls(message), request) if message.get("tool_calls") else ()
    reasoning, words = _reasoning(message)
    usage = _usage(body.get("usage"))
    return Reply(
        text=well_formed(words or ""),
        tool_calls=calls,
        finish_reason=finish_reason(choice.get("finish_reason"), calls),
        refusal=text_or_none(_text(message, "refusal")),
        reasoning=text_or_none(reasoning),
        usage=usage,
        cost=price.of(usage) if price else None,
        model=text_or_none(_text(body, "model")),
        sent=sent,
    )


def _choice(body: Json) -> dict[str, Json]:
    match body:
        case {"choices": [{"message": dict()} as choice, *_]}:
            return dict(choice)
        case _:
            raise CallFailed("malformed", "the response holds no message")


def _text(holder: dict[str, Json], name: str) -> str | None:
    value = holder.get(name)
    if value is None or isinstance(value, str):
        return value
    raise CallFailed("malformed", f"{name}: found {type(value).__name__}; a text is needed")


def _reasoning(message: dict[str, Json]) -> tuple[str | None, str | None]:
    """The reasoning and the words. Only where the endpoint names no reasoning is it looked for among the words."""
    words = _text(message, "content")
    for name in ("reasoning_content", "reasoning"):
        if name in message:
            return _text(message, name), words
    thoughts = _THOUGHTS.match(words) if words and words.startswith("<") else None
    return (thoughts[1], thoughts[2]) if thoughts else (None, words)


def _calls(message: dict[str, Json]) -> list[tuple[str | None, str, str]]:
    listed = message["tool_calls"]
    calls: list[tuple[str | None, str, str]] = []
    for index, call in enumerate(listed if isinstance(listed, list) else [listed]):
        if not isinstance(call, dict) or not isinstance(call.get("function"), dict):
            raise CallFailed("malformed", f"tool call {index} names no function")
        function = call["function"]
        calls.append((_text(call, "id"), _text(function, "name") or "", _arguments(function.get("arguments"))))
    return calls


def _arguments(written: Json) -> str:
    """Raw arguments; some servers write the object itself instead of its text."""
    if written is None:
        return ""
    return written if isinstance(written, str) else json.dumps(written)


def _usage(written: Json) -> Usage:
    if not isinstance(written, dict):
        return Usage()
    details = written.get("completion_tokens_details")
    return Usage(
        input_tokens=_count(written.get("prompt_tokens")),
        output_tokens=_count(written.get("completion_tokens")),
        reasoning_tokens=_count(details.get("reasoning_tokens")) if isinstance(details, dict) else None,
    )


def _count(value: Json) -> int | None:
    whole = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 and value % 1 == 0
    return int(value) if whole else None
