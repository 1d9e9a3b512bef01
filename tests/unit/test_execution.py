import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from consistency import pipeline
from consistency.errors import ConfigurationError, Stopped
from consistency.execution.executors.local import Local
from consistency.execution.progress import Progress
from consistency.execution.work import Round, Task, tasks
from consistency.models.limits import Rates, Throttle
from consistency.records.base import Json
from consistency.records.plan import Plan
from consistency.records.trial import Trial
from consistency.scenarios.library import Library
from consistency.study import Study
from consistency.trials.run import Line, Voices


@pytest.fixture(scope="module")
def plan(library: Library, tiny: Study) -> Plan:
    return pipeline.plan(tiny, library)


def whole(plan: Plan, *models: str) -> Round:
    return Round(1, dict.fromkeys(models, plan.pairs))


def test_every_trial_is_a_task_once(plan: Plan) -> None:
    todo = tasks(plan, whole(plan, "a", "b"), ())
    assert len({task.key.id for task in todo}) == len(todo) == len(plan.pairs) * 2 * 2


def test_what_is_done_is_left_out_and_the_order_stays(plan: Plan) -> None:
    todo = tasks(plan, whole(plan, "a"), ())
    done = {task.key.id for task in todo[:7]}
    assert tasks(plan, whole(plan, "a"), done) == todo[7:]


def test_arms_are_interleaved(plan: Plan) -> None:
    first_half = Counter(task.arm for task in tasks(plan, whole(plan, "a"), ())[: len(plan.pairs)])
    assert abs(first_half["evaluation"] - first_half["deployment"]) <= 8


def test_seeds_differ_by_arm_and_not_by_model(plan: Plan) -> None:
    seeds = {(task.key.model, task.key.pair, task.arm): task.seed for task in tasks(plan, whole(plan, "a", "b"), ())}
    pair = plan.pairs[0].id
    assert seeds["a", pair, "evaluation"] == seeds["b", pair, "evaluation"] != seeds["a", pair, "deployment"]
    assert len(set(seeds.values())) == len(plan.pairs) * 2


@dataclass
class Office:
    """A hub that keeps nothing."""

    rates: Rates = field(default_factory=lambda: Rates(concurrency=4))
    outcomes: list[str] = field(default_factory=list)
    most: int | None = None

    def recorded(self, task: Task) -> list[Json]:
        return []

    def halted(self, model: str) -> str | None:
        return "3 calls" if self.most is not None and len(self.outcomes) >= self.most else None

    def ended(self, outcome: str) -> None:
        self.outcomes.append(outcome)


class Troupe:
    """Performs by a function; each model lives behind an endpoint of its own."""

    def __init__(self, perform: Callable[[Task], Awaitable[Trial]]) -> None:
        self._perform = perform
        self.voices = {model: Voices(Line(cast("Any", None), Throttle(Rates(concurrency=4)))) for model in ("a", "b")}

    async def perform(self, task: Task, before: list[Json]) -> Trial:
        return await self._perform(task)


def local(office: Office, perform: Callable[[Task], Awaitable[Trial]]) -> Local:
    return Local(cast("Any", office), cast("Any", Troupe(perform)))


def done(task: Task) -> Trial:
    return Trial(key=task.key, outcome="completed", reason="done", messages=())


def test_no_more_tasks_run_at_once_than_each_endpoint_allows(plan: Plan) -> None:
    running: Counter[str] = Counter()
    most: Counter[str] = Counter()

    async def perform(task: Task) -> Trial:
        model = task.key.model
        running[model] += 1
        most[model] = max(most[model], running[model])
        await asyncio.sleep(0.001 if model == "a" else 0.002)
        running[model] -= 1
        return done(task)

    todo, office = tasks(plan, whole(plan, "a", "b"), ()), Office()
    asyncio.run(local(office, perform).execute(todo))
    assert most == {"a": 4, "b": 4}
    assert office.outcomes == ["completed"] * len(todo)


def test_a_fault_of_the_harness_stops_everything_and_is_raised_as_it_is(plan: Plan) -> None:
    performed = []

    async def perform(task: Task) -> Trial:
        performed.append(task)
        await asyncio.sleep(0)
        if task is todo[4]:
            raise ConfigurationError("no key")
        await asyncio.sleep(0.01)
        return done(task)

    todo = tasks(plan, whole(plan, "a"), ())
    with pytest.raises(ConfigurationError, match="no key"):
        asyncio.run(local(Office(Rates(concurrency=8)), perform).execute(todo))
    assert len(performed) <= 8


def test_at_a_cap_the_trials_that_are_begun_end_and_no_others_begin(plan: Plan) -> None:
    begun = []

    async def perform(task: Task) -> Trial:
        begun.append(task)
        await asyncio.sleep(0.001)
        return done(task)

    office = Office(most=3)
    with pytest.raises(Stopped, match="3 calls"):
        asyncio.run(local(office, perform).execute(tasks(plan, whole(plan, "a"), ())))
    assert len(begun) == len(office.outcomes) <= 4 + 3  # the first four, and one for each that ended before the cap


def test_progress_says_how_trials_ended(capsys: pytest.CaptureFixture[str], plan: Plan) -> None:
    with Progress(2) as progress:
        for _ in range(2):
            progress.ended("refused")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "2 of 2 trials: 2 refused\n")
