"""The contract of an executor: it runs every task of a run once.

A plugin exports `execute(tasks, perform, concurrency, progress)`. `perform` runs one task and records all of it; what
it raises is a fault of the harness and stops the run. An executor returns when all tasks are done.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from consistency.execution.progress import Progress
from consistency.execution.work import Task
from consistency.records.trial import Trial

PACKAGE = __name__
Perform = Callable[[Task], Awaitable[Trial]]


class Executor(Protocol):
    """A module of this folder."""

    async def execute(self, tasks: Sequence[Task], perform: Perform, concurrency: int, progress: Progress) -> None:
        """Runs the tasks in their order, at most `concurrency` at once."""
        ...
