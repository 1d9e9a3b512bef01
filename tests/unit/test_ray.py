"""Workers on a Ray cluster of this machine; skipped where Ray, an extra, is not installed."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

pytest.importorskip("ray")

from consistency import pipeline
from consistency.execution.hub import Crew, Hub
from consistency.pipeline import RunOptions
from consistency.scenarios.library import Library
from consistency.store.directory import RunDirectory
from consistency.study import ModelEntry, Study
from tests.runs import run_study

MODELS = ("faker:evaluation=0,deployment=1", "flaky")


def members() -> list[int]:
    """The processes in which Ray runs workers of ours."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if entry.read_bytes().startswith(b"ray::_member"):
                found.append(int(entry.parent.name))
        except OSError:
            continue
    return found


def test_two_workers_of_which_one_is_killed_find_what_one_process_finds(
    library: Library, tiny: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = tiny.model_copy(update={"variants": 30})
    alone, _ = run_study(study, library, tmp_path / "alone", *MODELS)
    entries = tuple(ModelEntry(name=f"organism/{model}") for model in MODELS)
    plan = pipeline.plan(study.model_copy(update={"models": entries}), library)
    shared = RunDirectory.create(tmp_path / "shared", plan)
    killed: list[int] = []
    real = Hub.ended

    def ended(self: Hub, outcome: str) -> None:
        real(self, outcome)  # type: ignore[arg-type]
        if self.progress.done >= 20 and not killed:
            killed.append(members()[0])
            os.kill(killed[0], signal.SIGKILL)

    monkeypatch.setattr(Hub, "ended", ended)
    asyncio.run(pipeline.whole(shared, RunOptions(executor="ray", crew=Crew(workers=2), manner="quiet")))
    assert len(killed) == 1
    assert shared.plan_digest == alone.plan_digest
    assert shared.results_text() == alone.results_text()
    assert pipeline.verify(shared) == pipeline.verify(alone)
