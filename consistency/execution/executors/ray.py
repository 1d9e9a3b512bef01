"""Workers on a Ray cluster, with the keys of their own nodes' environments (extra `[ray]`)."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import ray

from consistency.errors import ConfigurationError
from consistency.execution.crew import Parent, parent
from consistency.execution.hub import Hub
from consistency.execution.member import serve

#: A worker's task is started again on another node as often as this.
_AGAIN = 10


@asynccontextmanager
async def crew(hub: Hub) -> AsyncIterator[Parent]:
    """Starts as many workers as are asked for, each a task of the cluster that comes back by TCP.

    Raises ConfigurationError where the cluster does not answer.
    """
    _connect(hub.crew.address)
    try:
        host = ray.util.get_node_ip_address()
        async with parent(hub, host, hub.crew.workers) as (found, port):
            member = ray.remote(_member).options(num_cpus=1, max_retries=_AGAIN)
            tasks = [member.remote(host, port, found.token) for _ in range(hub.crew.workers)]
            watching = asyncio.create_task(_watch(found, tasks))
            try:
                yield found
            finally:
                watching.cancel()
    finally:
        ray.shutdown()


def _connect(address: str | None) -> None:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        ray.init(address=address, log_to_driver=False, include_dashboard=False if address is None else None)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ConfigurationError(f"no Ray cluster at {address or 'this machine'}: {error}") from error


def _member(host: str, port: int, token: str) -> None:
    """What runs on a node of the cluster."""
    asyncio.run(serve(host, port, token))


async def _watch(found: Parent, tasks: list[Any]) -> None:
    """Tells the parent when no worker is left and none is started again."""
    ended = await asyncio.gather(*(_ended(task) for task in tasks))
    found.lost(", ".join(ended))


async def _ended(task: Any) -> str:
    try:
        await task
    except Exception as error:  # Ray's errors, and those of the worker in its clothes
        return str(error).strip().rpartition("\n")[2] or type(error).__name__
    return "a worker went home"
