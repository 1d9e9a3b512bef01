"""The parent of workers elsewhere: it hands out trials and keeps what comes back, in the one journal.

How workers are started is the executors' business; they come by TCP and show a token. One that is lost is replaced, if
its starter does that, and its trials go to others, which go on after the last call that was kept.
"""

import asyncio
import hmac
import secrets
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field

from consistency import errors
from consistency.errors import ConsistencyError, Stopped, StoreError
from consistency.execution.hub import Hub
from consistency.execution.wire import FIRST_FRAME, Message, Peer
from consistency.execution.work import Task
from consistency.models.limits import Rates
from consistency.models.open import endpoint_of
from consistency.store.journal import Entry

#: Seconds that a run waits for a first worker, or for another when the last is lost.
_PATIENCE = 120.0
#: Seconds that workers have to close their models and go.
_TO_GO = 10.0


@dataclass(eq=False)
class _Worker:
    """A worker that is there, and what it is busy with: by endpoint, the trials by their ids."""

    peer: Peer
    busy: dict[str, dict[str, Task]] = field(default_factory=dict)


class Parent:
    """Hands out trials to workers."""

    def __init__(self, hub: Hub, rates: Rates) -> None:
        self._hub, self._rates = hub, rates
        self._workers: set[_Worker] = set()
        self._visits: set[asyncio.Task[None]] = set()
        self._queues: dict[str, deque[Task]] = {}
        self._endpoints = {
            model["name"]: endpoint_of(model["name"], model["api_base"]) or "" for model in hub.plan.study["models"]
        }
        self._left = 0
        self._halted: list[str] = []
        self._told: dict[str, str] = {}
        hub.listen(self._halt)
        self._over: asyncio.Future[None] | None = None
        self._fault: Exception | None = None
        self._lonely: asyncio.TimerHandle | None = None
        self.token = secrets.token_hex(32)

    async def execute(self, tasks: Sequence[Task]) -> None:
        """Runs the tasks until all have ended. Raises the first fault of the harness, and Stopped where a cap kept any
        from ending.
        """
        self._halted = []
        self._left = len(tasks)
        if self._fault is not None:
            raise self._fault
        if not tasks:
            return
        for task in tasks:
            self._queues.setdefault(self._endpoints[task.key.model], deque()).append(task)
        self._over = asyncio.get_running_loop().create_future()
        self._wait_for_workers()
        for worker in self._workers:
            self._feed(worker)
        self._halt()
        try:
            await self._over
        finally:
            self._over = None
            self._queues.clear()
        if self._halted:
            raise Stopped(self._halted[0])

    def welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begins to serve somebody who has come."""
        visit = asyncio.create_task(self._meet(reader, writer))
        self._visits.add(visit)
        visit.add_done_callback(self._visits.discard)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one worker from its first word to its last."""
        peer = Peer(reader, writer)
        try:
            first = await peer.heard(FIRST_FRAME)
            if first is None or not hmac.compare_digest(str(first.get("token")), self.token):
                return
            peer.say({"plan": self._hub.plan.to_json(), "rates": asdict(self._rates)})
            await self._serve(_Worker(peer))
        except (ConsistencyError, ValueError) as error:
            self._end(error)
        finally:
            peer.close()

    async def dismiss(self) -> None:
        """Sends all workers home, and waits until they are gone, or long enough."""
        for worker in self._workers:
            worker.peer.say({"close": True})
        if self._visits:
            await asyncio.wait(self._visits, timeout=_TO_GO)
        for visit in self._visits:
            visit.cancel()
        await asyncio.gather(*self._visits, return_exceptions=True)

    def lost(self, why: str) -> None:
        """No worker is left, and none will come."""
        self._end(ConsistencyError(f"all workers were lost: {why}; what was recorded is kept"))

    async def _serve(self, worker: _Worker) -> None:
        keeping: set[asyncio.Task[None]] = set()
        try:
            while (message := await worker.peer.heard()) is not None:
                if "entry" in message:
                    work = asyncio.create_task(self._keep(worker, message))
                    keeping.add(work)
                    work.add_done_callback(keeping.discard)
                else:
                    self._heard(worker, message)
        finally:
            self._workers.discard(worker)
            await asyncio.gather(*keeping)
            self._bury(worker)

    def _bury(self, worker: _Worker) -> None:
        """Gives a lost worker's trials to others, but those whose end was the last that it told."""
        if self._over is None:
            return
        self._hub.lost()
        for endpoint, busy in worker.busy.items():
            for task in reversed(busy.values()):
                if outcome := self._hub.outcome(task):
                    self._hub.ended(outcome)
                    self._count()
                else:
                    self._queues.setdefault(endpoint, deque()).appendleft(task)
        for other in self._workers:
            self._feed(other)
        self._wait_for_workers()

    def _heard(self, worker: _Worker, message: Message) -> None:
        if "ready" in message:
            self._workers.add(worker)
            worker.peer.say({"halted": self._told})
            self._feed(worker)
            self._wait_for_workers()
        elif "tell" in message:
            self._hub.tell(*message["tell"])
        elif "fault" in message:
            kind = getattr(errors, message["fault"], None)
            if isinstance(kind, type) and issubclass(kind, ConsistencyError):
                self._end(kind(message["message"]))
            else:
                self._end(RuntimeError(message["message"]))
        elif "ended" in message:
            self._hub.ended(message["outcome"])
            self._done(worker, message["ended"])
        elif "stopped" in message:
            self._halted.append(message["why"])
            self._done(worker, message["stopped"])

    async def _keep(self, worker: _Worker, message: Message) -> None:
        error: str | None = None
        try:
            await self._hub.append(Entry(*message["fields"]))
        except StoreError as fault:
            error = str(fault)
        worker.peer.say({"kept": message["entry"], "error": error})

    def _halt(self) -> None:
        """Tells all workers which models must not be asked any more, when there are more of them than before."""
        found = {model: why for model in self._endpoints if (why := self._hub.halted(model))}
        if found == self._told:
            return
        self._told = found
        for worker in self._workers:
            worker.peer.say({"halted": found})
        for queue in self._queues.values():
            waiting = list(queue)
            queue.clear()
            queue.extend(task for task in waiting if task.key.model not in found)
            for task in waiting:
                if why := found.get(task.key.model):
                    self._drop(why)

    def _feed(self, worker: _Worker) -> None:
        """Gives a worker as many trials of each endpoint as it may ask at once."""
        for endpoint, queue in self._queues.items():
            busy = worker.busy.setdefault(endpoint, {})
            while queue and len(busy) < self._rates.concurrency:
                task = queue.popleft()
                if why := self._hub.halted(task.key.model):
                    self._drop(why)
                    continue
                busy[task.key.id] = task
                before = list(self._hub.recorded(task))
                worker.peer.say(
                    {"task": task.key.to_json(), "seed": task.seed, "attempt": task.attempt, "before": before}
                )

    def _drop(self, why: str) -> None:
        """A trial that was not begun is not, for a cap is reached."""
        self._halted.append(why)
        self._count()

    def _done(self, worker: _Worker, trial: str) -> None:
        for busy in worker.busy.values():
            if busy.pop(trial, None) is not None:
                self._count()
        self._feed(worker)

    def _count(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._end(None)

    def _end(self, error: Exception | None) -> None:
        self._fault = self._fault or error
        if self._over is not None and not self._over.done():
            if error is None:
                self._over.set_result(None)
            else:
                self._over.set_exception(error)

    def _wait_for_workers(self) -> None:
        """Gives up when nobody comes."""
        if self._lonely is not None:
            self._lonely.cancel()
            self._lonely = None
        if self._over is not None and not self._workers:
            loop = asyncio.get_running_loop()
            self._lonely = loop.call_later(_PATIENCE, self.lost, f"none came for {_PATIENCE:.0f} s")


@asynccontextmanager
async def parent(hub: Hub, host: str, workers: int) -> AsyncIterator[tuple[Parent, int]]:
    """A parent that listens on a free port of `host`, and the port."""
    found = Parent(hub, hub.rates.shared(workers))
    server = await asyncio.start_server(found.welcome, host, 0)
    try:
        yield found, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await found.dismiss()
