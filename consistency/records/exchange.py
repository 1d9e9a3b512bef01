"""One call to a model: what is asked and what comes back.

A `Request` has no arm field: no backend can see its arm.
"""

from typing import Literal

from consistency.records.base import Json, Record

FinishReason = Literal["stop", "tool_calls", "length", "content_filter", "unknown"]


class ToolCall(Record):
    """A tool call as the model wrote it; `arguments` is its raw text, which need not be valid JSON."""

    id: str
    name: str
    arguments: str


class Message(Record):
    """One message of a conversation. `content` is never empty on the wire, except beside tool calls."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


class ToolSpec(Record):
    """A tool as it is offered to the model; `parameters` is a JSON schema."""

    name: str
    description: str
    parameters: dict[str, Json]


class Sampling(Record):
    """How replies are sampled; None leaves a setting to the endpoint."""

    temperature: float | None = 1.0
    top_p: float | None = None
    max_tokens: int | None = 2048


class Request(Record):
    """What a backend is asked: exactly one leading system message, then the conversation so far.

    `peer` names the member of a channel who is asked to speak; None is the model under test.
    """

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    sampling: Sampling = Sampling()
    seed: int | None = None
    peer: str | None = None


class Usage(Record):
    """Tokens as the endpoint reported them; None where it said nothing."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None


class TokenPrice(Record):
    """US dollars for one token read and one token written."""

    read: float
    written: float

    def of(self, usage: Usage) -> float | None:
        """What a call costs; None where the endpoint did not say what it took."""
        if usage.input_tokens is None or usage.output_tokens is None:
            return None
        return self.read * usage.input_tokens + self.written * usage.output_tokens


class Reply(Record):
    """What a model answered.

    `refusal` is the provider's own refusal text; `model` what the endpoint says answered; `cost` in US dollars, None
    where the price is unknown; `sent` the body as it left for the endpoint (no headers, no keys), None for models that
    live in this process; `dropped` names settings that the provider does not take; `attempts` lists the failures
    before this reply.
    """

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: FinishReason = "stop"
    refusal: str | None = None
    reasoning: str | None = None
    usage: Usage = Usage()
    cost: float | None = None
    model: str | None = None
    sent: dict[str, Json] | None = None
    dropped: tuple[str, ...] = ()
    attempts: tuple[str, ...] = ()
