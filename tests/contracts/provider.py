"""A local provider that behaves as real ones do on good and bad days; the model's name says how."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Json = Any
Behaviour = Callable[[web.Request, Json], Awaitable[web.StreamResponse]]

USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


@dataclass
class Seen:
    """One request as it arrived; `port` is the client's end of its connection."""

    path: str
    body: Json
    headers: dict[str, str]
    port: int


@dataclass
class Provider:
    """Where it listens, and what arrived."""

    url: str
    seen: list[Seen] = field(default_factory=list)
    reached: asyncio.Event = field(default_factory=asyncio.Event)


def completion(message: Json, finish_reason: str | None = "stop", usage: Json = USAGE) -> Json:
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "served-model",
        "choices": [{"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", **message}}],
    }
    return body if usage is None else {**body, "usage": usage}


def says(body: Json) -> Behaviour:
    async def respond(request: web.Request, asked: Json) -> web.StreamResponse:
        return web.json_response(body)

    return respond


def refuses(status: int, message: str, code: str | None = None, **headers: str) -> Behaviour:
    async def respond(request: web.Request, asked: Json) -> web.StreamResponse:
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response({"error": error}, status=status, headers=named)

    return respond


def serves(text: str, content_type: str, status: int = 200) -> Behaviour:
    async def respond(request: web.Request, asked: Json) -> web.StreamResponse:
        return web.Response(text=text, content_type=content_type, status=status)

    return respond


async def drops(request: web.Request, asked: Json) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def breaks_off(request: web.Request, asked: Json) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"id": "chatcmpl-1", "choices": [')
    return await drops(request, asked)


async def hangs(request: web.Request, asked: Json) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


async def drips(request: web.Request, asked: Json) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    for _ in range(600):
        await asyncio.sleep(0.05)
        await response.write(b" ")
    return response


async def redirects(request: web.Request, asked: Json) -> web.StreamResponse:
    return web.Response(status=307, headers={"Location": "/elsewhere?key=sk-secret0123456789"})


async def sets_a_cookie(request: web.Request, asked: Json) -> web.StreamResponse:
    response = web.json_response(completion({"content": "Hello."}))
    response.set_cookie("session", "1")
    return response


async def speaks_anthropic(request: web.Request, asked: Json) -> web.StreamResponse:
    return web.json_response(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "served-model",
            "content": [{"type": "text", "text": "Hello."}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 11, "output_tokens": 7},
        }
    )


def _call(identity: str | None, name: str, arguments: str) -> Json:
    named = {} if identity is None else {"id": identity}
    return {**named, "type": "function", "function": {"name": name, "arguments": arguments}}


LONG = "ä" * 5_000_000
CALLS = [_call("call_a", "read_file", '{"path": "a.md"}'), _call("call_b", "read_file", '{"path": "b.md"}')]
NAMELESS_CALLS = [_call(None, "f", "{}"), _call("", "g", ""), _call("x", "h", "{}"), _call("x", "h", "{}")]

BEHAVIOURS: dict[str, Behaviour] = {
    "plain": says(completion({"content": "Hello."})),
    "unicode": says(completion({"content": "Grüße, 世界 🌍\u2028 \u0000 end"})),
    "half-emoji": says(completion({"content": "Bye \ud83d", "tool_calls": [_call("c", "f", '{"a": "\ud83d"}')]})),
    "null-content": says(completion({"content": None})),
    "missing-content": says(completion({})),
    "missing-usage": says(completion({"content": "Hello."}, usage=None)),
    "partial-usage": says(completion({"content": "Hello."}, usage={"prompt_tokens": 11})),
    "reasoning-usage": says(
        completion({"content": "Hello."}, usage={**USAGE, "completion_tokens_details": {"reasoning_tokens": 5}})
    ),
    "strange-finish": says(completion({"content": "Hello."}, finish_reason="solar_flare")),
    "missing-finish": says(completion({"content": "Hello."}, finish_reason=None)),
    "cut-off": says(completion({"content": "Hel"}, finish_reason="length")),
    "filtered": says(completion({"content": None}, finish_reason="content_filter")),
    "thinks-inline": says(completion({"content": "<think>Hm.</think>Hello."})),
    "thinks-apart": says(completion({"content": "Hello.", "reasoning_content": "Hm."})),
    "refusal": says(completion({"content": None, "refusal": "I cannot do this."})),
    "parallel-calls": says(completion({"content": "Both.", "tool_calls": CALLS}, finish_reason="tool_calls")),
    "calls-and-stop": says(completion({"content": None, "tool_calls": CALLS}, finish_reason="stop")),
    "broken-arguments": says(completion({"content": None, "tool_calls": [_call("call_a", "f", '{"path": ')]})),
    "nameless-calls": says(completion({"content": None, "tool_calls": NAMELESS_CALLS}, finish_reason="tool_calls")),
    "limited": refuses(429, "Rate limit reached for requests", "rate_limit_exceeded"),
    "limited-for-7s": refuses(429, "Too many requests", None, Retry_After="7"),
    "limited-for-50ms": refuses(429, "Too many requests", None, Retry_After="1", retry_after_ms="50"),
    "no-quota": refuses(429, "You exceeded your current quota, please check your plan.", "insufficient_quota"),
    "unpaid": refuses(402, "Payment required"),
    "no-credit": refuses(400, "Your credit balance is too low to access the API."),
    "bad-key": refuses(401, "Incorrect API key provided: sk-live0123456789abcdef", "invalid_api_key"),
    "forbidden": refuses(403, "Project does not have access"),
    "no-model": refuses(404, "The model `no-model` does not exist", "model_not_found"),
    "no-model-400": refuses(400, "Unknown model", "model_not_found"),
    "bad-request": refuses(400, "Invalid value for 'temperature'"),
    "echoes-prompt": refuses(400, "Invalid value: 'rate limit 429 quota billing'"),
    "unprocessable": refuses(422, "Input should be a valid string"),
    "too-long": refuses(400, "This model's maximum context length is 10 tokens.", "context_length_exceeded"),
    "too-long-by-words": refuses(400, "prompt is too long: 210000 tokens > 200000 maximum"),
    "too-large": refuses(413, "Request exceeds the maximum size"),
    "policy": refuses(400, "The response was filtered", "content_filter"),
    "policy-by-words": refuses(400, "Your request was rejected as a result of our safety system."),
    "server-error": refuses(500, "The server had an error", "server_error"),
    "overloaded": refuses(529, "Overloaded"),
    "unavailable-for-3s": refuses(503, "Try later", None, Retry_After="3"),
    "html-502": serves("<html><body>Bad gateway</body></html>", "text/html", 502),
    "html-200": serves("<html><body>Please log in</body></html>", "text/html"),
    "truncated-json": serves('{"id": "chatcmpl-1", "choices": [{"ind', "application/json"),
    "empty-body": serves("", "application/json"),
    "no-choices": says({"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": []}),
    "missing-choices": says({"id": "1", "object": "chat.completion", "created": 1, "model": "m"}),
    "no-message": says({"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [{"index": 0}]}),
    "error-in-200": says({"error": {"message": "upstream is busy", "code": 429}}),
    "drops": drops,
    "breaks-off": breaks_off,
    "hangs": hangs,
    "drips": drips,
    "redirects": redirects,
    "long": says(completion({"content": LONG})),
    "sets-a-cookie": sets_a_cookie,
    "claude-served": speaks_anthropic,
}


@asynccontextmanager
async def running() -> AsyncIterator[Provider]:
    """The provider, listening on a free port of this machine."""
    provider = Provider(url="")

    async def respond(request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        assert request.transport is not None
        port = request.transport.get_extra_info("peername")[1]
        headers = {name.lower(): text for name, text in request.headers.items()}
        provider.seen.append(Seen(request.path, body, headers, port))
        provider.reached.set()
        behaviour = BEHAVIOURS.get(body["model"], BEHAVIOURS["plain"])
        return await behaviour(request, body)

    app = web.Application(client_max_size=2**26)
    app.router.add_post("/{path:.*}", respond)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield provider
    finally:
        await runner.cleanup()
