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
from tests.contracts.provider import BEHAVIOURS, Behaviour, refuses

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CONTENT = Path(__file__).parent.parent / "content"
RATE = 0.3


#: Each with its weight.
FAULTS: list[tuple[Behaviour, float]] = [
    (BEHAVIOURS["limited"], 4),
    (refuses(429, "Too many requests", None, Retry_After="0.05"), 4),
    (BEHAVIOURS["server-error"], 2),
    (refuses(503, "Try later", None, Retry_After="0.05"), 2),
    (BEHAVIOURS["overloaded"], 1),
    (BEHAVIOURS["html-502"], 1),
    (BEHAVIOURS["html-200"], 1),
    (BEHAVIOURS["truncated-json"], 1),
    (BEHAVIOURS["no-choices"], 1),
    (BEHAVIOURS["error-in-200"], 1),
    (BEHAVIOURS["empty-body"], 1),
    (BEHAVIOURS["drops"], 1),
    (BEHAVIOURS["breaks-off"], 1),
    (BEHAVIOURS["hangs"], 0.05),
    (BEHAVIOURS["drips"], 0.05),
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
    faults, weights = [fault for fault, _ in FAULTS], [weight for _, weight in FAULTS]

    @web.middleware
    async def respond(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method == "POST" and rng.random() < RATE:
            (fault,) = rng.choices(faults, weights)
            return await fault(request, None)
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
