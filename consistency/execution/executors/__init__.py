"""The contract of an executor: it runs every task of a run once.

A plugin is a module with a docstring and `crew(hub)`, an asynchronous context in which its workers are ready. All that
they record goes through the hub. What they raise beside `Stopped` is a fault of the harness and stops the run.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from consistency.execution.hub import Hub
from consistency.execution.work import Task

PACKAGE = __name__


class Workers(Protocol):
    """Workers that are ready."""

    async def execute(self, tasks: Sequence[Task]) -> None:
        """Runs the tasks, begun in their order, until all have ended. Raises Stopped where a cap kept any from ending,
        when the calls in flight have ended.
        """
        ...


class Executor(Protocol):
    """A module of this folder."""

    def crew(self, hub: Hub) -> AbstractAsyncContextManager[Workers]:
        """Opens the models of a run, and closes them at its end."""
        ...
