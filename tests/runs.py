"""Runs of the small study, made in process."""

import asyncio
from pathlib import Path

from consistency import pipeline
from consistency.records.effect import ModelResult, Results
from consistency.scenarios.library import Library
from consistency.store.directory import RunDirectory
from consistency.study import ModelEntry, Study


def run_study(study: Study, library: Library, out: Path, *models: str) -> tuple[RunDirectory, Results]:
    """All steps of a study with these organisms."""
    entries = tuple(ModelEntry(name=f"organism/{model}") for model in models)
    plan = pipeline.plan(study.model_copy(update={"models": entries}), library)
    directory = RunDirectory.create(out, plan)
    return directory, asyncio.run(pipeline.whole(directory, pipeline.QUIET))


def result(results: Results, model: str) -> ModelResult:
    """One model's result."""
    return next(found for found in results.models if found.model == f"organism/{model}")
