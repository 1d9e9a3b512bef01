"""The wire form of conversations: OpenAI's chat completions, which nearly every endpoint speaks.

Both directions are exact: what `request_body` writes, `read_request` reads back as an equal request. Only fields of the
protocol are written. An assistant message without words has no content, never an empty one.
"""

from consistency.records.base import Json
from consistency.records.exchange import Message, Request, Sampling, ToolCall, ToolSpec

_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant", "tool": "tool"}
_TYPES: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "number": (int, float),
    "whole number": int,
    "list": list,
    "object": dict,
}


class WireError(ValueError):
    """A body that is no chat completion request; the message says where, in the protocol's own terms."""


def messages_to_wire(messages: tuple[Message, ...]) -> list[Json]:
    """Messages as JSON, made anew on every call."""
    return [_message_to_wire(message) for message in messages]


def tools_to_wire(tools: tuple[ToolSpec, ...]) -> list[Json]:
    """Tool definitions as JSON; the schemas are the specs' own, not to be changed."""
    return [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
        }
        for tool in tools
    ]


def tool_calls_to_wire(calls: tuple[ToolCall, ...]) -> list[Json]:
    """Tool calls as JSON, their arguments as the raw text."""
    return [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in calls
    ]


def settings_to_wire(request: Request) -> dict[str, Json]:
    """Sampling and seed by their names in the protocol; what is None is left to the endpoint."""
    settings = {**request.sampling.to_json(), "seed": request.seed}
    return {name: value for name, value in settings.items() if value is not None}


def request_body(model: str, request: Request) -> dict[str, Json]:
    """A whole request body."""
    tools = {"tools": tools_to_wire(request.tools)} if request.tools else {}
    return {"model": model, "messages": messages_to_wire(request.messages), **tools, **settings_to_wire(request)}


def read_request(body: dict[str, Json]) -> Request:
    """The request of a body. Raises WireError for what the protocol does not allow; unknown fields are passed over."""
    messages = _field(body, "messages", "list", "")
    if not messages:
        raise WireError("messages: found none; at least one is needed")
    limit = "max_completion_tokens" if body.get("max_completion_tokens") is not None else "max_tokens"
    return Request(
        messages=tuple(_read_message(message, f"messages[{index}]") for index, message in enumerate(messages)),
        tools=tuple(
            _read_tool(tool, f"tools[{index}]") for index, tool in enumerate(_optional(body, "tools", "list") or [])
        ),
        sampling=Sampling(
            temperature=_optional(body, "temperature", "number"),
            top_p=_optional(body, "top_p", "number"),
            max_tokens=_optional(body, limit, "whole number"),
        ),
        seed=_optional(body, "seed", "whole number"),
    )


def well_formed(text: str) -> str:
    """The text with halves of surrogate pairs, which no UTF-8 file can hold, joined or else replaced by U+FFFD.

    A model whose reply is cut inside an emoji leaves such a half behind.
    """
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _message_to_wire(message: Message) -> Json:
    wire: dict[str, Json] = {"role": message.role}
    if message.content:
        wire["content"] = message.content
    if message.tool_calls:
        wire["tool_calls"] = tool_calls_to_wire(message.tool_calls)
    if message.tool_call_id is not None:
        wire["tool_call_id"] = message.tool_call_id
    return wire


def _read_message(wire: Json, at: str) -> Message:
    role = _field(wire, "role", "text", at)
    if role not in _ROLES:
        raise WireError(f"{at}.role: found {role!r}; one of {', '.join(_ROLES)} is needed")
    calls = wire.get("tool_calls") or []
    if not isinstance(calls, list):
        raise WireError(f"{at}.tool_calls: a list is needed")
    message = {
        "role": _ROLES[role],
        "content": _read_content(wire.get("content"), f"{at}.content"),
        "tool_calls": tuple(_read_call(call, f"{at}.tool_calls[{index}]") for index, call in enumerate(calls)),
        "tool_call_id": _field(wire, "tool_call_id", "text", at) if role == "tool" else None,
    }
    return Message.model_validate(message)


def _read_content(content: Json, at: str) -> str:
    match content:
        case None:
            return ""
        case str():
            return content
        case list():
            return "".join(_read_part(part, f"{at}[{index}]") for index, part in enumerate(content))
        case _:
            raise WireError(f"{at}: a text or a list of text parts is needed")


def _read_part(part: Json, at: str) -> str:
    if not isinstance(part, dict) or part.get("type") != "text":
        raise WireError(f"{at}: only parts of the type 'text' are taken")
    text: str = _field(part, "text", "text", at)
    return text


def _read_call(wire: Json, at: str) -> ToolCall:
    identity = _field(wire, "id", "text", at)
    function = _field(wire, "function", "object", at)
    return ToolCall(
        id=identity,
        name=_field(function, "name", "text", f"{at}.function"),
        arguments=_field(function, "arguments", "text", f"{at}.function"),
    )


def _read_tool(wire: Json, at: str) -> ToolSpec:
    if not isinstance(wire, dict) or wire.get("type") != "function":
        raise WireError(f"{at}: only tools of the type 'function' are taken")
    function = _field(wire, "function", "object", at)
    name = _field(function, "name", "text", f"{at}.function")
    parameters = function.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise WireError(f"{at}.function.parameters: a JSON schema is needed")
    return ToolSpec(name=name, description=function.get("description") or "", parameters=parameters)


def _field(holder: Json, name: str, kind: str, at: str) -> Json:
    place = f"{at}.{name}".lstrip(".")
    if not isinstance(holder, dict):
        raise WireError(f"{at or 'body'}: an object is needed")
    if holder.get(name) is None:
        raise WireError(f"{place}: missing; a {kind} is needed")
    value = holder[name]
    if isinstance(value, bool) or not isinstance(value, _TYPES[kind]):
        raise WireError(f"{place}: found {value!r}; a {kind} is needed")
    return value


def _optional(holder: dict[str, Json], name: str, kind: str) -> Json:
    return None if holder.get(name) is None else _field(holder, name, kind, "")
