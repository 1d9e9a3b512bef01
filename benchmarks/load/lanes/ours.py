"""The whole path of this package, from the plan to the journal, by whichever backend the model's name selects."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

from fixed_latency_server import ANSWER

from consistency import pipeline
from consistency.execution.hub import Crew
from consistency.store import trials as stored
from consistency.store.directory import RunDirectory
from load.job import Job
from load.lanes import Lane
from load.openings import study


def prepare(job: Job, folder: Path) -> Lane:
    """The lane of a job. A scripted model is given the server's own answers."""
    script = folder / "script.json"
    script.write_text(json.dumps([{"tool_calls": [{"name": "list_files"}]}] * (job.turns - 1) + [ANSWER]))
    sized, library = study(job)
    if job.model == "scripted":
        model = sized.models[0].model_copy(update={"name": f"scripted/{script}", "api_base": None})
        sized = sized.model_copy(update={"models": (model,)})
    planned: list[RunDirectory] = []

    def plan() -> None:
        planned.append(RunDirectory.create(folder / "run", pipeline.plan(sized, library)))

    def completed() -> int:
        with planned[0].journal() as journal:
            return sum(ending.outcome == "completed" for ending in stored.endings(journal))

    options = pipeline.QUIET
    if job.workers > 1:
        options = replace(options, executor="processes", crew=Crew(job.workers))
    return Lane(
        plan=plan,
        run=lambda: asyncio.run(pipeline.run(planned[0], options)),
        completed=completed,
        kept=folder / "run",
    )
