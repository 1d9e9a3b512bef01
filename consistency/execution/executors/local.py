"""All trials in this process, in one event loop."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass

from consistency.errors import Stopped
from consistency.execution.hub import Hub
from consistency.execution.perform import Performer, performing
from consistency.execution.work import Task
from consistency.models.limits import Throttle

#: So many times as many trials may be begun as there are calls at once: most of them rest, turned away.
_BEGUN = 8


@asynccontextmanager
async def crew(hub: Hub) -> AsyncIterator["Local"]:
    """Opens the models of a run in this process."""
    async with performing(hub.plan, hub.rates, hub) as performer:
        yield Local(hub, performer)


@dataclass(frozen=True)
class Local:
    """As many trials at once as each endpoint takes calls at once, so that none waits for another."""

    hub: Hub
    performer: Performer

    async def execute(self, tasks: Sequence[Task]) -> None:
        """Runs the tasks, begun in their order. The first fault of the harness stops all others and is raised as it is;
        Stopped lets the calls in flight end.
        """
        queues: dict[Throttle | None, list[Task]] = {}
        for task in tasks:
            queues.setdefault(self.performer.voices[task.key.model].model.throttle, []).append(task)
        halted: list[str] = []
        workers = [
            asyncio.create_task(self._work(waiting, throttle, halted))
            for throttle, queue in queues.items()
            for waiting in [iter(queue)] * min(self.hub.rates.concurrency * (_BEGUN if throttle else 1), len(queue))
        ]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        if halted:
            raise Stopped(halted[0])

    async def _work(self, waiting: Iterator[Task], throttle: Throttle | None, halted: list[str]) -> None:
        more = True
        while more:
            async with throttle.trial() if throttle else nullcontext():
                more = await self._one(waiting, halted)
            await asyncio.sleep(0)  # models that live in this process never wait: let signals and other workers in

    async def _one(self, waiting: Iterator[Task], halted: list[str]) -> bool:
        """Runs the next trial; False when none is left."""
        task = next(waiting, None)
        if task is None:
            return False
        if why := self.hub.halted(task.key.model):
            halted.append(why)
            return True
        try:
            trial = await self.performer.perform(task, self.hub.recorded(task))
        except Stopped as stopped:
            halted.append(str(stopped))
        else:
            self.hub.ended(trial.outcome)
        return True
