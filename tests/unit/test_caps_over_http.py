"""Caps and waits over HTTP: no more is spent than the calls in flight, and no wait outlasts the run's time."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from consistency import pipeline
from consistency.errors import Stopped
from consistency.execution.hub import Crew
from consistency.models.budget import Caps
from consistency.pipeline import RunOptions
from consistency.scenarios.library import Library
from consistency.store import trials as stored
from consistency.store.directory import RunDirectory
from consistency.study import ModelEntry, Price, Study
from tests.unit.test_fixed_latency_server import serving

MODEL = "openai_compatible/m"
PLACES = 8
#: US dollars: the server says that it read 120 tokens and wrote 30.
CALL = (120 * 5 + 30 * 20) / 1e6
WORKERS = pytest.mark.parametrize("workers", [1, 2])


@contextmanager
def planned(study: Study, path: Path, *server: str) -> Iterator[RunDirectory]:
    library = Library.from_folders([Path("tests/content/prompts")], [Path("tests/content/probes")], shipped=False)
    with serving(*server) as connection:
        base = f"http://127.0.0.1:{connection.port}/v1"
        model = ModelEntry(name=MODEL, api_base=base, tools_supported=True, price=Price(read=5, written=20))
        limits = study.limits.model_copy(update={"concurrency": PLACES})
        sized = study.model_copy(update={"models": (model,), "variants": 8, "limits": limits})
        yield RunDirectory.create(path, pipeline.plan(sized, library))


def options(workers: int, **caps: float) -> RunOptions:
    executor = "processes" if workers > 1 else "local"
    return RunOptions(executor=executor, crew=Crew(workers=workers), caps=Caps(**caps), manner="quiet")  # type: ignore[arg-type]


@WORKERS
def test_a_cap_on_cost_is_exceeded_by_the_calls_in_flight_at_most(tiny: Study, tmp_path: Path, workers: int) -> None:
    with planned(tiny, tmp_path / "run", "--latency", "20") as directory:
        total = len(directory.plan.pairs) * 2
        with pytest.raises(Stopped, match="US dollars"):
            asyncio.run(pipeline.run(directory, options(workers, cost=20 * CALL)))
        with directory.journal() as journal:
            calls, cost, _ = stored.spent(journal)[MODEL]
        assert cost == pytest.approx(calls * CALL)
        assert 20 <= calls <= 20 + PLACES
        asyncio.run(pipeline.run(directory, options(workers, cost=100)))
        with directory.journal() as journal:
            endings = list(stored.endings(journal))
            assert sum(ending.calls for ending in endings) == journal.count("call")
            assert len(endings) == total


@WORKERS
def test_when_time_is_up_no_call_waits_to_be_made_again(tiny: Study, tmp_path: Path, workers: int) -> None:
    turned_away = ("--latency", "5", "--limit", "1", "--retry-after", "300")
    with planned(tiny, tmp_path / "run", *turned_away) as directory:
        begin = time.monotonic()
        with pytest.raises(Stopped, match="minutes"):
            asyncio.run(pipeline.run(directory, options(workers, minutes=(3 if workers == 1 else 10) / 60)))
        assert time.monotonic() - begin < 150  # half of what the server asks to wait
        with directory.journal() as journal:
            assert 0 < journal.count("call") < len(directory.plan.pairs) * 2


def test_calls_in_flight_end_when_time_is_up(tiny: Study, tmp_path: Path) -> None:
    with planned(tiny, tmp_path / "run", "--latency", "4000") as directory:
        with pytest.raises(Stopped, match="minutes"):
            asyncio.run(pipeline.run(directory, options(1, minutes=2.5 / 60)))
        with directory.journal() as journal:
            assert journal.count("call") == PLACES
