"""A server with simulated models that is having a very bad day; run as a program, it prints its address.

Faults come by chance from a seed, before or instead of an answer; what it answers in the end is what the model says.
"""

import asyncio
import json
import random
import sys
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Middleware

from consistency import pipeline, study
from consistency.interop import endpoint
from consistency.models.backends import Backend, BackendSettings, organism
from consistency.scenarios.library import Library
from consistency.scenarios.playbook import PlanPlaybook
from consistency.study import ModelEntry

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]

CONTENT = Path(__file__).parent.parent / "content"
RATE = 0.3


def refuses(status: int, **headers: str) -> Fault:
    async def respond(_: web.Request) -> web.StreamResponse:
        body = {"error": {"message": "not now", "type": "x", "code": None}}
        return web.json_response(body, status=status, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return respond


def serves(text: str, content_type: str, status: int = 200) -> Fault:
    async def respond(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text, content_type=content_type, status=status)

    return respond


async def drops(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def breaks_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"id": "chatcmpl-1", "choices": [')
    return await drops(request)


async def hangs(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(3)
    return web.Response()


async def drips(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    for _ in range(30):
        await asyncio.sleep(0.1)
        await response.write(b" ")
    return response


#: Each with its weight.
FAULTS: list[tuple[Fault, float]] = [
    (refuses(429), 4),
    (refuses(429, Retry_After="0.05"), 4),
    (refuses(500), 2),
    (refuses(503, Retry_After="0.05"), 2),
    (refuses(529), 1),
    (serves("<html><body>Bad gateway</body></html>", "text/html", 502), 1),
    (serves("<html><body>Please log in</body></html>", "text/html"), 1),
    (serves('{"id": "chatcmpl-1", "choices": [{"ind', "application/json"), 1),
    (serves('{"id": "1", "object": "chat.completion", "choices": []}', "application/json"), 1),
    (serves('{"error": {"message": "upstream is busy", "code": 429}}', "application/json"), 1),
    (serves("", "application/json"), 1),
    (drops, 1),
    (breaks_off, 1),
    (hangs, 0.05),
    (drips, 0.05),
]


def embellished(body: Any, rng: random.Random) -> Any:
    """The same answer with what real servers add: unknown fields, junk, megabytes of reasoning."""
    (choice,) = body["choices"]
    choice["logprobs"] = None
    body["x_junk"] = "\u202e\u0000\ud83d" * 3
    if rng.random() < 0.002:
        choice["message"]["reasoning_content"] = "deep thought " * 400_000
    return body


def middleware(seed: int) -> Middleware:
    rng = random.Random(seed)
    faults, weights = zip(*FAULTS, strict=True)

    @web.middleware
    async def respond(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method == "POST" and rng.random() < RATE:
            (fault,) = rng.choices(faults, weights)
            return await fault(request)  # type: ignore[no-any-return]
        answer = await handler(request)
        if isinstance(answer, web.Response) and answer.status == 200 and isinstance(answer.body, bytes):
            body = json.loads(answer.body)
            if "choices" in body:
                return web.Response(text=json.dumps(embellished(body, rng)), content_type="text/plain")
        return answer

    return respond


async def main(variants: int, seed: int) -> None:
    library = Library.from_folders([CONTENT / "prompts"], [CONTENT / "probes"], shipped=False)
    tiny = study.read("tiny", (CONTENT / "prompts",))[0]
    models = (ModelEntry(name="organism/faker"),)
    playbook = PlanPlaybook(pipeline.plan(tiny.model_copy(update={"models": models, "variants": variants}), library))

    @cache
    def resolve(name: str) -> Backend:
        return organism.open_backend(name, BackendSettings(playbook=playbook))

    app = endpoint.application(resolve)
    app.middlewares.append(middleware(seed))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
