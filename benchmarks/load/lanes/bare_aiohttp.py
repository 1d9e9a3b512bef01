"""The same bodies by aiohttp alone: what no client in Python that uses it can do better."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp

from consistency.records.base import Json
from load.job import Job
from load.lanes import Lane
from load.lanes.bare import episodes
from load.openings import bodies


def prepare(job: Job, _folder: Path) -> Lane:
    """The lane of a job."""
    openings = bodies(job)
    ended: list[int] = []

    async def work() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def ask(body: dict[str, Json]) -> dict[str, Any]:
                async with session.post(f"{job.base}/chat/completions", json=body) as response:
                    response.raise_for_status()
                    message: dict[str, Any] = (await response.json())["choices"][0]["message"]
                    return message

            ended.append(await episodes(openings, job.concurrency, ask))

    return Lane(run=lambda: asyncio.run(work()), completed=lambda: sum(ended))
