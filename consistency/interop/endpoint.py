"""An endpoint that speaks OpenAI's chat completions, with any backends behind it.

`POST /v1/chat/completions`, `GET /v1/models` and `GET /health`. A request arrives at the backend equal to the one that
was sent, seed and sampling included, so that a simulated model behaves over the wire as it does in this process. A
failed call becomes the HTTP error, the broken body or the dropped connection that it stands for.
"""

import asyncio
import json
import math
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus

from aiohttp import web

from consistency.errors import CallFailed, ConfigurationError
from consistency.models.backends import Backend
from consistency.models.wire import WireError, read_request, tool_calls_to_wire
from consistency.records.base import Json, digest
from consistency.records.exchange import Reply, Request, Usage

#: Finds the backend of a model by the full name in the request. Raises ConfigurationError for one that is unknown.
Resolver = Callable[[str], Backend]

#: Long conversations are welcome; in bytes.
_LARGEST_BODY = 64 * 1024 * 1024

#: Status, error type and error code of each kind of failed call that is told by an HTTP error.
_ERRORS: dict[str, tuple[HTTPStatus, str, str | None]] = {
    "rate_limit": (HTTPStatus.TOO_MANY_REQUESTS, "requests", "rate_limit_exceeded"),
    "quota": (HTTPStatus.TOO_MANY_REQUESTS, "insufficient_quota", "insufficient_quota"),
    "timeout": (HTTPStatus.GATEWAY_TIMEOUT, "timeout", None),
    "server": (HTTPStatus.INTERNAL_SERVER_ERROR, "server_error", None),
    "authentication": (HTTPStatus.UNAUTHORIZED, "invalid_request_error", "invalid_api_key"),
    "unknown_model": (HTTPStatus.NOT_FOUND, "invalid_request_error", "model_not_found"),
    "bad_request": (HTTPStatus.BAD_REQUEST, "invalid_request_error", None),
    "context_length": (HTTPStatus.BAD_REQUEST, "invalid_request_error", "context_length_exceeded"),
    "content_policy": (HTTPStatus.BAD_REQUEST, "invalid_request_error", "content_filter"),
}
_BROKEN_BODY = '{"id": "chatcmpl-broken", "choices": [{"index": 0, "mess'


def application(resolve: Resolver, listed: Sequence[str] = ()) -> web.Application:
    """The endpoint as an application. `listed` are the names that `GET /v1/models` tells; others may be served too."""

    async def complete(request: web.Request) -> web.StreamResponse:
        try:
            model, asked = _read(await request.read())
            identity = f"chatcmpl-{digest([model, asked.to_json()])[:24]}"
        except ValueError as error:
            return _error(CallFailed("bad_request", str(error)))
        try:
            backend = resolve(model)
        except ConfigurationError as error:
            return _error(CallFailed("unknown_model", f"the model {model!r} does not exist: {error}"))
        try:
            reply = await backend.complete(asked)
        except CallFailed as failure:
            return _failed(request, failure)
        return web.json_response(_completion(identity, model, reply))

    async def models(_: web.Request) -> web.StreamResponse:
        entries = [{"id": name, "object": "model", "created": 0, "owned_by": "consistency"} for name in listed]
        return web.json_response({"object": "list", "data": entries})

    async def health(_: web.Request) -> web.StreamResponse:
        return web.json_response({"status": "ok"})

    app = web.Application(client_max_size=_LARGEST_BODY)
    app.add_routes(
        [
            web.post("/v1/chat/completions", complete),
            web.get("/v1/models", models),
            web.get("/health", health),
        ]
    )
    return app


async def serve(
    resolve: Resolver, host: str, port: int, ready: Callable[[int], None], listed: Sequence[str] = ()
) -> None:
    """Serves until it is cancelled. `ready` is told the port that is listened on, of use where `port` is 0.

    Raises ConfigurationError where the address cannot be listened on.
    """
    runner = web.AppRunner(application(resolve, listed), access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise ConfigurationError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
        ready(runner.addresses[0][1])
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def _read(payload: bytes) -> tuple[str, Request]:
    try:
        body = json.loads(payload, parse_constant=_no_number)
    except ValueError as error:
        raise WireError(f"the body is no JSON: {error}") from error
    if not isinstance(body, dict):
        raise WireError("the body is no JSON object")
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise WireError("model: missing; a text is needed")
    if body.get("stream"):
        raise WireError("stream: streaming is not supported; leave it out")
    if body.get("n") not in (None, 1):
        raise WireError(f"n: found {body['n']!r}; only 1 is supported")
    return model, read_request(body)


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _completion(identity: str, model: str, reply: Reply) -> dict[str, Json]:
    message: dict[str, Json] = {"role": "assistant", "content": reply.text or None, "refusal": reply.refusal}
    if reply.tool_calls:
        message["tool_calls"] = tool_calls_to_wire(reply.tool_calls)
    if reply.reasoning is not None:
        message["reasoning_content"] = reply.reasoning
    finish_reason = None if reply.finish_reason == "unknown" else reply.finish_reason
    completion: dict[str, Json] = {
        "id": identity,
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
    }
    if usage := _usage(reply.usage):
        completion["usage"] = usage
    return completion


def _usage(usage: Usage) -> dict[str, Json]:
    """Only what is known; the total where both parts are."""
    known: dict[str, Json] = {}
    if usage.input_tokens is not None:
        known["prompt_tokens"] = usage.input_tokens
    if usage.output_tokens is not None:
        known["completion_tokens"] = usage.output_tokens
    if usage.input_tokens is not None and usage.output_tokens is not None:
        known["total_tokens"] = usage.input_tokens + usage.output_tokens
    if usage.reasoning_tokens is not None:
        known["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return known


def _failed(request: web.Request, failure: CallFailed) -> web.StreamResponse:
    if failure.kind == "malformed":
        return web.Response(text=_BROKEN_BODY, content_type="application/json")
    if failure.kind == "connection" and request.transport is not None:
        request.transport.abort()
    return _error(failure)


def _error(failure: CallFailed) -> web.Response:
    status, kind, code = _ERRORS.get(failure.kind, _ERRORS["server"])
    headers = {}
    if failure.retry_after is not None:
        headers["Retry-After"] = str(math.ceil(failure.retry_after))
        headers["retry-after-ms"] = f"{failure.retry_after * 1000:.12g}"
    body = {"error": {"message": failure.message, "type": kind, "param": None, "code": code}}
    return web.json_response(body, status=status, headers=headers)
