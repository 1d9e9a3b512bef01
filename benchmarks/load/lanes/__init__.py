"""The contract of a lane: one way of asking. A module exports `prepare(job, folder)`; importing it is not measured."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Lane:
    """What a job does, step by step: `run` asks the server, what comes before it is measured apart.

    `completed` tells how many trials ended well, and `kept` is the file or folder that holds what was stored, if any.
    """

    run: Callable[[], None]
    completed: Callable[[], int]
    plan: Callable[[], None] = lambda: None
    kept: Path | None = None
