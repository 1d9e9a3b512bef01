"""Several processes of this machine, for when one core cannot keep up with the answers."""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from consistency.execution.crew import Parent, parent
from consistency.execution.hub import Hub
from consistency.execution.member import TOKEN

_HERE = "127.0.0.1"
#: Seconds that a worker has to close its models before it is ended.
_TO_CLOSE = 10.0


@asynccontextmanager
async def crew(hub: Hub) -> AsyncIterator[Parent]:
    """Starts the processes; each opens the models of the run, with the keys of this environment."""
    processes: list[Process] = []
    try:
        async with parent(hub, _HERE, hub.crew.workers) as (found, port):
            processes += [await _start(port, found.token) for _ in range(hub.crew.workers)]
            watching = asyncio.create_task(_watch(found, processes))
            try:
                yield found
            finally:
                watching.cancel()
    finally:
        await asyncio.gather(*(_end(process) for process in processes))


async def _start(port: int, token: str) -> Process:
    command = [sys.executable, "-m", "consistency.execution.member", _HERE, str(port)]
    return await asyncio.create_subprocess_exec(
        *command, env={**os.environ, TOKEN: token}, stdin=asyncio.subprocess.DEVNULL
    )


async def _watch(found: Parent, processes: list[Process]) -> None:
    """Tells the parent when no process is left."""
    codes = await asyncio.gather(*(process.wait() for process in processes))
    found.lost(f"their processes ended with {', '.join(map(str, codes))}")


async def _end(process: Process) -> None:
    try:
        await asyncio.wait_for(process.wait(), _TO_CLOSE)
    except TimeoutError:
        process.kill()
        await process.wait()
