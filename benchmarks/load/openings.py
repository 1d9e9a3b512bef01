"""The study of a job, and the requests that its trials begin with."""

import json
import math
import sys
from pathlib import Path

from consistency import pipeline
from consistency.models.wire import request_body
from consistency.records.base import Json
from consistency.records.exchange import Message, Request, Sampling
from consistency.scenarios.library import Library
from consistency.scenarios.pairs import PlanStage
from consistency.study import ModelEntry, Study, read
from consistency.worlds.world import World
from load.job import Job

CONTENT = Path(__file__).parent / "content"
STUDIES = {1: "one_turn", 3: "three_turns"}
ARMS, CELLS, MOST_VARIANTS = 2, 2, 1000


def study(job: Job) -> tuple[Study, Library]:
    """The study of a job, as large as it asks for, and the content that it draws on. A few trials may be left over."""
    prompts = CONTENT / "prompts"
    found, _ = read(STUDIES[job.turns], (prompts,))
    pairs_of_cell = math.ceil(job.trials / ARMS / CELLS)
    repeats = math.ceil(pairs_of_cell / MOST_VARIANTS)
    sized = found.model_copy(
        update={
            "variants": math.ceil(pairs_of_cell / repeats),
            "repeats": repeats,
            "models": (ModelEntry(name=job.model, api_base=job.base, tools_supported=True),),
            "limits": found.limits.model_copy(update={"concurrency": job.concurrency}),
        }
    )
    return sized, Library.from_folders([prompts], [CONTENT / "probes"], shipped=False)


def bodies(job: Job) -> list[dict[str, Json]]:
    """The first request of every trial, as it is sent."""
    plan = pipeline.plan(*study(job))
    return [
        request_body(
            "m",
            Request(
                messages=(
                    Message(role="system", content=rendering.system),
                    Message(role="user", content=rendering.user),
                ),
                tools=World(rendering.world, rendering.tools).specs(),
                sampling=Sampling(),
                seed=number,
            ),
        )
        for number, (_, _, rendering) in enumerate(PlanStage(plan).openings())
    ]


def main() -> None:
    """Prints the messages of a job's openings as JSON."""
    print(json.dumps([body["messages"] for body in bodies(Job(**json.loads(sys.argv[1])))]))


if __name__ == "__main__":
    main()
