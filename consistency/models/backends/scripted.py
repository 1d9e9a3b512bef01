"""`scripted/PATH.json`: plays replies from a JSON file.

The file holds a list; the n-th entry answers a conversation with n assistant messages, so that every conversation
starts at the beginning and a repeated call gets the same reply. An entry is one of

- `"text"`: a reply of only words;
- `{"text": …, "tool_calls": […], "refusal": …, …}`: the fields of a reply, all optional; of a tool call only `name` is
  needed, and its `arguments` may be an object or, to play a model that writes broken JSON, a text;
- `{"error": {"kind": "rate_limit", "message": …, "retry_after": …}}`: a failed call.
"""

import json
from pathlib import Path

from pydantic import ValidationError

from consistency.errors import CallFailed, ConfigurationError
from consistency.models.backends import BackendSettings
from consistency.models.failures import FailureKind
from consistency.records.base import Json, Record
from consistency.records.exchange import Reply, Request


class Failure(Record):
    """A call that fails on purpose."""

    kind: FailureKind
    message: str = "scripted failure"
    retry_after: float | None = None


class ScriptedBackend:
    """A model that reads its lines from a file."""

    def __init__(self, name: str, entries: tuple[Reply | Failure, ...]) -> None:
        self._name = name
        self._entries = entries

    async def complete(self, request: Request) -> Reply:
        """The reply of this turn. Raises CallFailed where the script says so (`bad_request` at its end)."""
        turn = sum(message.role == "assistant" for message in request.messages)
        if turn >= len(self._entries):
            raise CallFailed("bad_request", f"{self._name} has {len(self._entries)} replies; asked for one more")
        entry = self._entries[turn]
        if isinstance(entry, Failure):
            raise CallFailed(entry.kind, entry.message, retry_after=entry.retry_after)
        return entry

    async def close(self) -> None:
        """Nothing is held open."""


def open_backend(name: str, _settings: BackendSettings) -> ScriptedBackend:
    """The script at the path `name`. Raises ConfigurationError for a file that is missing or says something else."""
    try:
        listed = json.loads(Path(name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"scripted/{name}: cannot be read as JSON: {error}") from error
    if not isinstance(listed, list):
        raise ConfigurationError(f"scripted/{name}: found {type(listed).__name__}; a list of replies is needed")
    return ScriptedBackend(name, tuple(_entry(name, turn, entry) for turn, entry in enumerate(listed)))


def _entry(name: str, turn: int, entry: Json) -> Reply | Failure:
    try:
        match entry:
            case str():
                return Reply(text=entry)
            case {"error": failure, **nothing} if not nothing:
                return Failure.model_validate(failure)
            case {"tool_calls": [_, *_] as calls}:
                written = [_call(turn, position, call) for position, call in enumerate(calls)]
                return Reply.model_validate({"finish_reason": "tool_calls", **entry, "tool_calls": written})
            case _:
                return Reply.model_validate(entry)
    except ValidationError as error:
        raise ConfigurationError(f"scripted/{name}: entry {turn} is no reply: {error}") from error


def _call(turn: int, position: int, call: Json) -> Json:
    if not isinstance(call, dict):
        return call
    arguments = call.get("arguments", {})
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return {"id": f"call_{turn}_{position}", **call, "arguments": text}
