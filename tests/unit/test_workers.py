"""Workers in other processes: the same results, and nothing lost with them."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from consistency import pipeline
from consistency.errors import ConfigurationError, Stopped
from consistency.execution.crew import parent
from consistency.execution.hub import Crew, Hub
from consistency.execution.progress import Progress
from consistency.execution.wire import FIRST_FRAME, Peer
from consistency.models.budget import Budget, Caps
from consistency.pipeline import RunOptions
from consistency.scenarios.library import Library
from consistency.store.directory import RunDirectory
from consistency.study import ModelEntry, Study

MODELS = ("faker:evaluation=0,deployment=1", "flaky")
TWO = RunOptions(executor="processes", crew=Crew(workers=2), manner="quiet")


@pytest.fixture(scope="module")
def planned(tiny: Study) -> Study:
    models = tuple(ModelEntry(name=f"organism/{name}") for name in MODELS)
    return tiny.model_copy(update={"models": models, "variants": 8})


def directory(study: Study, path: Path) -> RunDirectory:
    """A run of the shipped content of the tests, which workers read from the plan alone."""
    library = Library.from_folders([Path("tests/content/prompts")], [Path("tests/content/probes")], shipped=False)
    return RunDirectory.create(path, pipeline.plan(study, library))


@pytest.fixture(scope="module")
def alone(planned: Study, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    found = directory(planned, tmp_path_factory.mktemp("runs") / "alone")
    asyncio.run(pipeline.whole(found, pipeline.QUIET))
    return found


def children() -> list[str]:
    """The processes of this one."""
    return Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()


def command(process: str) -> bytes:
    return Path(f"/proc/{process}/cmdline").read_bytes()


def test_two_processes_find_what_one_finds(planned: Study, alone: RunDirectory, tmp_path: Path) -> None:
    shared = directory(planned, tmp_path / "run")
    asyncio.run(pipeline.whole(shared, TWO))
    assert shared.results_text() == alone.results_text()
    assert pipeline.verify(shared) == pipeline.verify(alone)


def test_a_worker_that_is_killed_loses_nothing(planned: Study, alone: RunDirectory, tmp_path: Path) -> None:
    shared = directory(planned, tmp_path / "run")
    killed: list[int] = []
    real = Hub.ended

    def ended(self: Hub, outcome: str) -> None:
        real(self, outcome)  # type: ignore[arg-type]
        if self.progress.done == 10:
            workers = [int(child) for child in children() if b"execution.member" in command(child)]
            os.kill(workers[0], signal.SIGKILL)
            killed.append(workers[0])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Hub, "ended", ended)
        asyncio.run(pipeline.whole(shared, TWO))
    assert len(killed) == 1
    assert shared.results_text() == alone.results_text()
    assert pipeline.verify(shared) == pipeline.verify(alone)


def test_a_cap_stops_all_workers_and_the_run_goes_on_later(planned: Study, alone: RunDirectory, tmp_path: Path) -> None:
    shared = directory(planned, tmp_path / "run")
    capped = RunOptions(executor="processes", crew=Crew(workers=2), caps=Caps(calls=40), manner="quiet")
    with pytest.raises(Stopped, match="40 calls"):
        asyncio.run(pipeline.whole(shared, capped))
    with shared.journal() as journal:
        assert 40 <= journal.count("call") <= 40 + planned.limits.concurrency
    assert {model.verdict for model in shared.results().models} == {"invalid"}
    asyncio.run(pipeline.whole(shared, TWO))
    assert shared.results_text() == alone.results_text()


def test_a_fault_in_a_worker_is_raised_as_it_is(planned: Study, tmp_path: Path) -> None:
    study = planned.model_copy(update={"models": (ModelEntry(name="scripted/nowhere.json"),)})
    with pytest.raises(ConfigurationError, match=r"nowhere\.json"):
        asyncio.run(pipeline.run(directory(study, tmp_path / "run"), TWO))


async def test_nobody_comes_in_without_the_token(alone: RunDirectory) -> None:
    with alone.journal(writer=True) as journal, Progress(0, manner="quiet") as progress:
        hub = Hub(alone.plan, journal, Budget(Caps(), {}), progress, Crew())
        async with parent(hub, "127.0.0.1", 1) as (_, port):
            for first in ({"token": "0" * 64}, {"entry": 1, "fields": []}, {"token": "x" * FIRST_FRAME}):
                stranger = Peer(*await asyncio.open_connection("127.0.0.1", port))
                stranger.say(first)
                assert await stranger.heard() is None
                stranger.close()
