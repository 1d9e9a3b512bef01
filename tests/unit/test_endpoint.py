"""The endpoint: the protocol's own shapes, and an exact round trip through litellm."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, get_args

import pytest
from aiohttp import ClientSession, ServerDisconnectedError

from consistency.errors import CallFailed, ConfigurationError
from consistency.interop.endpoint import Resolver, serve
from consistency.models.backends import Backend, BackendSettings
from consistency.models.failures import FailureKind
from consistency.models.open import open_model
from consistency.records.exchange import Message, Reply, Request, Sampling, ToolCall, ToolSpec, Usage

Json = Any
MESSAGES = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]


class Recorder:
    """Answers by a function and remembers what it was asked."""

    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        self.answer = answer
        self.asked: list[Request] = []

    async def complete(self, request: Request) -> Reply:
        self.asked.append(request)
        return self.answer(request)

    async def close(self) -> None:
        return None


def only(name: str, backend: Backend) -> Resolver:
    def resolve(model: str) -> Backend:
        if model != name:
            raise ConfigurationError(f"there is only {name}")
        return backend

    return resolve


@asynccontextmanager
async def serving(resolve: Resolver) -> AsyncIterator[str]:
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    server = asyncio.create_task(serve(resolve, "127.0.0.1", 0, ready.set_result, listed=("m", "n")))
    try:
        yield f"http://127.0.0.1:{await ready}"
    finally:
        server.cancel()
        await asyncio.gather(server, return_exceptions=True)


async def post(url: str, body: Json, **changes: Json) -> tuple[int, Json]:
    payload = body if isinstance(body, bytes) else json.dumps({**body, **changes}).encode()
    async with ClientSession() as session, session.post(f"{url}/v1/chat/completions", data=payload) as response:
        return response.status, await response.json()


async def test_models_and_health() -> None:
    async with serving(only("m", Recorder(lambda _: Reply()))) as url, ClientSession() as session:
        async with session.get(f"{url}/v1/models") as response:
            assert [entry["id"] for entry in (await response.json())["data"]] == ["m", "n"]
        async with session.get(f"{url}/health") as response:
            assert await response.json() == {"status": "ok"}


async def test_a_reply_in_the_protocols_shape() -> None:
    calls = (ToolCall(id="c", name="f", arguments="{"),)
    reply = Reply(
        tool_calls=calls, finish_reason="tool_calls", usage=Usage(input_tokens=3, output_tokens=4), reasoning="r"
    )
    async with serving(only("m", Recorder(lambda _: reply))) as url:
        status, body = await post(url, {"model": "m", "messages": MESSAGES})
    assert status == 200
    assert (body["object"], body["model"]) == ("chat.completion", "m")
    assert isinstance(body["id"], str)
    assert isinstance(body["created"], int)
    assert body["usage"] == {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    assert body["choices"] == [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "message": {
                "role": "assistant",
                "content": None,
                "refusal": None,
                "reasoning_content": "r",
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{"}}],
            },
        }
    ]


async def test_what_is_unknown_is_left_out() -> None:
    replies = [Reply(text="x"), Reply(text="x", usage=Usage(output_tokens=4), finish_reason="unknown")]
    async with serving(only("m", Recorder(lambda _: replies.pop(0)))) as url:
        _, silent = await post(url, {"model": "m", "messages": MESSAGES})
        _, partial = await post(url, {"model": "m", "messages": MESSAGES})
    assert "usage" not in silent
    assert partial["usage"] == {"completion_tokens": 4}
    assert partial["choices"][0]["finish_reason"] is None


@pytest.mark.parametrize(
    ("body", "status", "code", "words"),
    [
        (b"{", 400, None, "no JSON"),
        (b"\xff", 400, None, "no JSON"),
        (b"[]", 400, None, "no JSON object"),
        (b'{"model": "m", "messages": [{"role": "user", "content": "u"}], "temperature": NaN}', 400, None, "NaN"),
        (b'{"model": "m", "messages": [{"role": "user", "content": "\\ud800"}]}', 400, None, "surrogates"),
        ({"messages": MESSAGES}, 400, None, "model: missing"),
        ({"model": "m"}, 400, None, "messages: missing"),
        ({"model": "m", "messages": MESSAGES, "n": 2}, 400, None, "n: found 2"),
        ({"model": "m", "messages": MESSAGES, "n": [1]}, 400, None, "n: found"),
        ({"model": "m", "messages": MESSAGES, "stream": True}, 400, None, "stream"),
        ({"model": "other", "messages": MESSAGES}, 404, "model_not_found", "only m"),
    ],
)
async def test_faulty_requests(body: Json, status: int, code: str | None, words: str) -> None:
    backend = Recorder(lambda _: Reply(text="x"))
    async with serving(only("m", backend)) as url:
        found, answer = await post(url, body)
    assert found == status
    assert set(answer) == {"error"}
    assert answer["error"]["code"] == code
    assert words in answer["error"]["message"]
    assert backend.asked == []


def failing(kind: str, retry_after: float | None = None) -> Recorder:
    def answer(_: Request) -> Reply:
        raise CallFailed(kind, "it was planned", retry_after=retry_after)

    return Recorder(answer)


async def test_connections_end_abruptly() -> None:
    async with serving(only("m", failing("connection"))) as url:
        with pytest.raises(ServerDisconnectedError):
            await post(url, {"model": "m", "messages": MESSAGES})


async def test_an_address_in_use_is_told() -> None:
    async with serving(only("m", failing("server"))) as url:
        with pytest.raises(ConfigurationError, match="cannot listen on"):
            await serve(only("m", failing("server")), "127.0.0.1", int(url.rpartition(":")[2]), lambda port: None)


# Through litellm

TOOLS = (
    ToolSpec(
        name="read_file",
        description="Reads a file.",
        parameters={"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
    ),
    ToolSpec(name="stop", description="", parameters={"type": "object", "properties": {}}),
)
TURNS = (
    Reply(
        text="I look.\n",
        finish_reason="tool_calls",
        tool_calls=(
            ToolCall(id="call_0_0", name="read_file", arguments='{"path": "Größe/🌍.md"}'),
            ToolCall(id="call_0_1", name="read_file", arguments='{ "path":"b"}'),
        ),
        usage=Usage(input_tokens=30, output_tokens=12, reasoning_tokens=2),
        reasoning="First both.",
    ),
    Reply(
        finish_reason="tool_calls",
        tool_calls=(ToolCall(id="call_1_0", name="stop", arguments="{}"),),
        usage=Usage(input_tokens=50, output_tokens=3),
    ),
    Reply(text="  Done — ok. ", finish_reason="stop"),
)


async def converse(ask: Callable[[Request], Awaitable[Reply]]) -> list[Reply]:
    messages: tuple[Message, ...] = (
        Message(role="system", content="You are an assistant.\n\n  Mind the “quotes”."),
        Message(role="user", content='Two files: "a" & <b>\t🌍'),
    )
    replies = []
    for turn in range(3):
        request = Request(
            messages=messages,
            tools=TOOLS,
            sampling=Sampling(temperature=0.7, top_p=0.95, max_tokens=321),
            seed=2**62 + turn,
        )
        reply = await ask(request)
        replies.append(reply)
        results = [
            Message(role="tool", content=f"Result of {call.name}:\n\u2028…", tool_call_id=call.id)
            for call in reply.tool_calls
        ]
        messages = (*messages, Message(role="assistant", content=reply.text, tool_calls=reply.tool_calls), *results)
    return replies


def act(request: Request) -> Reply:
    return TURNS[sum(message.role == "assistant" for message in request.messages)]


@pytest.mark.parametrize("prefix", ["openai", "hosted_vllm"])
async def test_round_trip_is_exact(prefix: str) -> None:
    name = "organism/faker:evaluation=0.02,deployment=0.6"
    here, there = Recorder(act), Recorder(act)
    spoken_here = await converse(here.complete)
    async with serving(only(name, there)) as url:
        backend = open_model(f"{prefix}/{name}", BackendSettings(api_base=f"{url}/v1"))
        spoken_there = await converse(backend.complete)
        await backend.close()
    assert there.asked == here.asked
    assert [reply.model for reply in spoken_there] == [name] * 3
    assert all(reply.dropped == () and reply.cost is None for reply in spoken_there)
    assert [reply.model_copy(update={"sent": None, "model": None}) for reply in spoken_there] == spoken_here


@pytest.mark.parametrize("prefix", ["openai", "hosted_vllm"])
@pytest.mark.parametrize(
    "reply",
    [
        Reply(refusal="I must not."),
        Reply(finish_reason="content_filter"),
        Reply(text="x", finish_reason="length"),
        Reply(text="x", finish_reason="unknown"),
    ],
)
async def test_endings_arrive(prefix: str, reply: Reply) -> None:
    async with serving(only("m", Recorder(lambda _: reply))) as url:
        backend = open_model(f"{prefix}/m", BackendSettings(api_base=f"{url}/v1"))
        arrived = await backend.complete(Request(messages=(Message(role="user", content="u"),)))
        await backend.close()
    assert arrived.model_copy(update={"sent": None, "model": None}) == reply


@pytest.mark.parametrize("prefix", ["openai", "hosted_vllm"])
@pytest.mark.parametrize("kind", get_args(FailureKind))
async def test_failures_arrive_as_what_they_are(prefix: str, kind: str) -> None:
    retry_after = 0.25 if kind == "rate_limit" else None
    backend_there = failing(kind, retry_after)
    async with serving(only("m", backend_there)) as url:
        backend = open_model(f"{prefix}/m", BackendSettings(api_base=f"{url}/v1"))
        with pytest.raises(CallFailed) as caught:
            await backend.complete(Request(messages=(Message(role="user", content="u"),)))
        await backend.close()
    assert (caught.value.kind, caught.value.retry_after) == (kind, retry_after)
    assert len(backend_there.asked) == 1
