"""A worker of a run: it is sent trials, performs them, and has every call kept by the parent before the next is made.

`python -m consistency.execution.member HOST PORT` with the token in the environment; keys come from there too.
"""

import asyncio
import os
import sys
import traceback

from consistency.errors import ConsistencyError, Stopped, StoreError
from consistency.execution.perform import Performer, performing
from consistency.execution.wire import Message, Peer
from consistency.execution.work import Task
from consistency.models.budget import Halt
from consistency.models.limits import Rates
from consistency.records.base import Json
from consistency.records.plan import Pair, Plan
from consistency.records.trial import TrialKey
from consistency.store.journal import Entry

#: Where a worker finds the token that lets it in.
TOKEN = "CONSISTENCY_WORKER_TOKEN"  # noqa: S105


class RemoteDesk:
    """Keeps entries at the parent."""

    def __init__(self, parent: Peer) -> None:
        self._parent = parent
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._halted: dict[str, str] = {}
        self._halts: dict[str, Halt] = {}
        self._number = 0

    async def append(self, entry: Entry) -> None:
        """Keeps an entry; it is in the parent's journal when this returns."""
        self._number += 1
        safe: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[self._number] = safe
        self._parent.say({"entry": self._number, "fields": list(entry)})
        await self._parent.flush()
        await safe

    def kept(self, message: Message) -> None:
        """The parent has kept an entry, or could not."""
        safe = self._waiting.pop(message["kept"])
        if safe.done():
            return
        if message["error"] is None:
            safe.set_result(None)
        else:
            safe.set_exception(StoreError(message["error"]))

    def halt(self, model: str) -> Halt:
        """Whether a model may still be asked."""
        return self._halts.setdefault(model, Halt(lambda: self._halted.get(model)))

    def halted(self, found: dict[str, str]) -> None:
        """The parent says which models must not be asked any more, and why."""
        self._halted = found
        for halt in self._halts.values():
            halt.rouse()

    def tell(self, endpoint: str, words: str | None) -> None:
        """What is being waited for at an endpoint."""
        self._parent.say({"tell": [endpoint, words]})


async def serve(host: str, port: int, token: str) -> None:
    """Works for the parent that listens there until it hangs up."""
    parent = Peer(*await asyncio.open_connection(host, port))
    parent.say({"token": token})
    job = await parent.heard()
    if job is None:
        return
    desk, plan = RemoteDesk(parent), Plan.model_validate(job["plan"])
    pairs = {pair.id: pair for pair in plan.pairs}
    begun: set[asyncio.Task[None]] = set()
    try:
        async with performing(plan, Rates(**job["rates"]), desk) as performer:
            parent.say({"ready": True})
            while (message := await parent.heard()) is not None and "close" not in message:
                if "kept" in message:
                    desk.kept(message)
                    continue
                if "halted" in message:
                    desk.halted(message["halted"])
                    continue
                work = asyncio.create_task(_perform(parent, performer, _task(message, pairs), message["before"]))
                begun.add(work)
                work.add_done_callback(begun.discard)
    except ConsistencyError as error:
        _fault(parent, error)
    finally:
        for work in begun:
            work.cancel()
        await asyncio.gather(*begun, return_exceptions=True)
        await parent.flush()
        parent.close()


def _task(message: Message, pairs: dict[str, Pair]) -> Task:
    key = TrialKey.model_validate(message["task"])
    return Task(key=key, pair=pairs[key.pair], arm=key.arm, seed=message["seed"], attempt=message["attempt"])


async def _perform(parent: Peer, performer: Performer, task: Task, before: list[Json]) -> None:
    try:
        trial = await performer.perform(task, before)
        parent.say({"ended": task.key.id, "outcome": trial.outcome})
    except Stopped as stopped:
        parent.say({"stopped": task.key.id, "why": str(stopped)})
    except Exception as error:  # whatever it is, the parent must hear of it
        _fault(parent, error)


def _fault(parent: Peer, error: Exception) -> None:
    known = isinstance(error, ConsistencyError)
    text = str(error) if known else "".join(traceback.format_exception(error))
    parent.say({"fault": type(error).__name__, "message": text})


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), os.environ[TOKEN]))
