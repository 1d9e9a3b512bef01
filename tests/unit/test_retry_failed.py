"""Failed trials can be run again: the last attempt counts, and the first stays on record."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from consistency import pipeline
from consistency.cli.commands.status import command as status
from consistency.errors import CallFailed, ConfigurationError
from consistency.models.backends import organism
from consistency.pipeline import RunOptions
from consistency.records.exchange import Reply, Request
from consistency.scenarios.library import Library
from consistency.store import trials as stored
from consistency.store.directory import RunDirectory
from consistency.study import ModelEntry, Study
from tests.runs import run_study

MODEL = "faker:evaluation=0,deployment=1"
AGAIN = RunOptions(retry_failed=True, manner="quiet")


def planned(study: Study, library: Library, path: Path) -> RunDirectory:
    models = (ModelEntry(name=f"organism/{MODEL}"),)
    return RunDirectory.create(path, pipeline.plan(study.model_copy(update={"models": models}), library))


def test_failed_trials_are_run_again_and_the_last_attempt_counts(library: Library, tiny: Study, tmp_path: Path) -> None:
    calm, expected = run_study(tiny, library, tmp_path / "calm", MODEL)
    directory = planned(tiny, library, tmp_path / "run")
    real, asked = organism.Organism.complete, 0

    async def complete(self: organism.Organism, request: Request) -> Reply:
        nonlocal asked
        asked += 1
        if asked % 5 == 0:
            raise CallFailed("bad_request", "not this one")
        return await real(self, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(organism.Organism, "complete", complete)
        asyncio.run(pipeline.whole(directory, pipeline.QUIET))
    with directory.journal() as journal:
        failed = [ending.key.id for ending in stored.endings(journal) if ending.outcome == "failed"]
        assert failed
        assert len(failed) < journal.count("trial")
    asyncio.run(pipeline.whole(directory, pipeline.QUIET))  # by itself it is complete
    asyncio.run(pipeline.whole(directory, AGAIN))
    (found,), (calm_model,) = directory.results().models, expected.models
    assert found.deviations == (f"{len(failed)} trials failed and were run again",)
    assert found.model_copy(update={"deviations": ()}) == calm_model
    with directory.journal() as journal, calm.journal() as other:
        assert journal.count("trial") == other.count("trial") + len(failed)
        assert [trial.key for trial in stored.trials(journal)] == [trial.key for trial in stored.trials(other)]
        again = stored.trial(journal, failed[0])
        assert again
        assert again.outcome == "completed"
        assert len(list(stored.calls(journal, again.key))) == again.calls
    pipeline.verify(directory)
    shown = json.loads(CliRunner().invoke(status, [str(directory.path), "--json"]).stdout)
    assert [row["failed"] for row in shown["trials"]] == [0, 0]
    assert sum(row["completed"] for row in shown["trials"]) == sum(flow.planned for flow in found.flow)
    asyncio.run(pipeline.run(directory, AGAIN))  # nothing failed is left


def test_a_run_that_was_looked_at_keeps_its_failures(library: Library, tiny: Study, tmp_path: Path) -> None:
    looks = tiny.model_copy(update={"analysis": tiny.analysis.model_copy(update={"looks": 2})})
    with pytest.raises(ConfigurationError, match="several looks"):
        asyncio.run(pipeline.run(planned(looks, library, tmp_path / "run"), AGAIN))
