"""What is measured: one lane, so many trials at once, against one server."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Job:
    """`latency` is in milliseconds, `turns` of a trial 1 or 3, `base` the server's address with `/v1`,
    `workers` the processes that ask.
    """

    lane: str
    model: str
    trials: int
    concurrency: int
    latency: float
    turns: int
    base: str
    profile: bool = False
    workers: int = 1

    @property
    def ideal(self) -> float:
        """Seconds that the trials take if nothing but the server's latency takes time."""
        return self.trials * self.turns * self.latency / 1000 / self.concurrency

    def text(self) -> str:
        """The job as JSON."""
        return json.dumps(asdict(self))
