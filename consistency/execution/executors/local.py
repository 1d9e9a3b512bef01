"""All trials in this process, in one event loop."""

import asyncio
from collections.abc import Iterator, Sequence

from consistency.execution.executors import Perform
from consistency.execution.progress import Progress
from consistency.execution.work import Task


async def execute(tasks: Sequence[Task], perform: Perform, concurrency: int, progress: Progress) -> None:
    """Runs the tasks in their order, at most `concurrency` at once.

    The first fault of the harness stops all others and is raised as it is.
    """
    waiting = iter(tasks)
    workers = [asyncio.create_task(_work(waiting, perform, progress)) for _ in range(min(concurrency, len(tasks)))]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


async def _work(waiting: Iterator[Task], perform: Perform, progress: Progress) -> None:
    for task in waiting:
        progress.ended(await perform(task))
        await asyncio.sleep(0)  # models that live in this process never wait: let signals and other workers in
