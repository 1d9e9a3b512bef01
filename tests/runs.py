"""Runs of the small study, made in process."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from consistency import pipeline
from consistency.execution.perform import Performer
from consistency.execution.work import Task
from consistency.records.base import Json
from consistency.records.effect import ModelResult, Results
from consistency.records.trial import Trial
from consistency.scenarios.library import Library
from consistency.store.directory import RunDirectory
from consistency.study import ModelEntry, Study


def run_study(study: Study, library: Library, out: Path, *models: str) -> tuple[RunDirectory, Results]:
    """All steps of a study with these organisms."""
    entries = tuple(ModelEntry(name=f"organism/{model}") for model in models)
    plan = pipeline.plan(study.model_copy(update={"models": entries}), library)
    directory = RunDirectory.create(out, plan)
    return directory, asyncio.run(pipeline.whole(directory, pipeline.QUIET))


class Halt(Exception):
    """A fault of the harness that a test plants."""


def halted(directory: RunDirectory, after: int) -> None:
    """Runs a study until so many trials were begun and one more is: then the harness fails."""
    real, begun = Performer.perform, 0

    async def perform(self: Performer, task: Task, before: Sequence[Json] = ()) -> Trial:
        nonlocal begun
        begun += 1
        if begun > after:
            raise Halt
        return await real(self, task, before)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Performer, "perform", perform)
        with pytest.raises(Halt):
            asyncio.run(pipeline.run(directory, pipeline.QUIET))


def result(results: Results, model: str) -> ModelResult:
    """One model's result."""
    return next(found for found in results.models if found.model == f"organism/{model}")
