"""The same bodies by `litellm.acompletion` alone, set up as our own lane sets it up."""

import asyncio
from pathlib import Path
from typing import Any

from consistency.models.backends import litellm as lane
from consistency.records.base import Json
from load.job import Job
from load.lanes import Lane
from load.lanes.bare import episodes
from load.openings import bodies

#: As our lane set it up when it was loaded: litellm reads its settings while it is imported.
ACOMPLETION = vars(lane)["litellm"].acompletion


def prepare(job: Job, _folder: Path) -> Lane:
    """The lane of a job."""
    openings = bodies(job)
    ended: list[int] = []

    async def ask(body: dict[str, Json]) -> dict[str, Any]:
        sent = {**body, "model": "openai/m", "api_base": job.base, "api_key": "none"}
        response = await ACOMPLETION(**sent, timeout=120, max_retries=0, num_retries=0)
        message = response.choices[0].message
        calls = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.function.name, "arguments": call.function.arguments},
            }
            for call in message.tool_calls or ()
        ]
        return {"content": message.content, "tool_calls": calls}

    async def work() -> None:
        ended.append(await episodes(openings, job.concurrency, ask))

    return Lane(run=lambda: asyncio.run(work()), completed=lambda: sum(ended))
