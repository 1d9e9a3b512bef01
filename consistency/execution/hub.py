"""What all executors report to: the one journal, the one budget, and the person who watches."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from functools import partial

from consistency.execution.progress import Progress
from consistency.execution.work import Task
from consistency.models.budget import Budget, Halt
from consistency.models.limits import Rates
from consistency.records.base import Json
from consistency.records.plan import Plan
from consistency.records.trial import Outcome
from consistency.store import trials as stored
from consistency.store.journal import Entry, Journal
from consistency.store.log import Scribe

#: Seconds; timers may ring so much too early.
_A_MOMENT = 0.001


@dataclass(frozen=True)
class Crew:
    """Who runs the trials: so many `workers`, for Ray at an `address` (None starts a cluster of this machine)."""

    workers: int = 1
    address: str | None = None


class Hub:
    """The run as its executor sees it. Calls and trials that are appended are safe, counted and shown.

    `rates` are the limits of every endpoint.
    """

    def __init__(self, plan: Plan, journal: Journal, budget: Budget, progress: Progress, crew: Crew) -> None:
        self.plan = plan
        self.crew = crew
        self.budget = budget
        self.progress = progress
        limits = plan.study["limits"]
        self.rates = Rates(**{field.name: limits[field.name] for field in fields(Rates)})
        self._halts = {
            name: Halt(partial(self.halted, name)) for name in (model["name"] for model in plan.study["models"])
        }
        self._listening: list[Callable[[], None]] = [halt.rouse for halt in self._halts.values()]
        self._journal = journal
        self._resuming = journal.count("call") > 0
        self._scribe = Scribe(journal)

    async def append(self, entry: Entry) -> None:
        """Keeps an entry, and counts what the call cost that it tells of."""
        if entry.kind == "call":
            self.budget.spend(entry.model, entry.cost)
            self.progress.spent(self.budget.total)
            self._spread()
        await self._scribe.append(entry)

    def recorded(self, task: Task) -> Sequence[Json]:
        """The bodies of the calls of a trial that were made before, by an earlier run or a worker that was lost."""
        return stored.recorded(self._journal, task.name) if self._resuming else ()

    def lost(self) -> None:
        """A worker was lost in the midst of its trials: some calls of trials that have not ended are recorded."""
        self._resuming = True

    def outcome(self, task: Task) -> Outcome | None:
        """How a trial has ended by the journal; None where it has not."""
        body = self._journal.find("trial", task.name)
        return None if body is None else body["outcome"]

    def halted(self, model: str) -> str | None:
        """Why a model must not be asked any more, in words; None where it may be."""
        return self.budget.reached(model)

    def halt(self, model: str) -> Halt:
        """Whether a model may still be asked."""
        return self._halts[model]

    def listen(self, told: Callable[[], None]) -> None:
        """Has somebody told whenever a cap may have been reached."""
        self._listening.append(told)

    @asynccontextmanager
    async def timed(self) -> AsyncIterator[None]:
        """While this lasts, those who listen are told when time is up."""
        clock = asyncio.create_task(self._wait_for_the_end())
        try:
            yield
        finally:
            clock.cancel()

    async def _wait_for_the_end(self) -> None:
        if (left := self.budget.left) is not None:
            await asyncio.sleep(left + _A_MOMENT)
            self._spread()

    def _spread(self) -> None:
        for told in self._listening:
            told()

    def ended(self, outcome: Outcome) -> None:
        """One more trial has ended."""
        self.progress.ended(outcome)

    def tell(self, endpoint: str, words: str | None) -> None:
        """What is being waited for at an endpoint; None when that is over."""
        self.progress.waiting(endpoint, words)
