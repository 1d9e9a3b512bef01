import asyncio
from collections import Counter

import pytest

from consistency import pipeline
from consistency.errors import ConfigurationError
from consistency.execution.executors import local
from consistency.execution.progress import Progress
from consistency.execution.work import Round, Task, tasks
from consistency.records.plan import Plan
from consistency.records.trial import Trial
from consistency.scenarios.library import Library
from consistency.study import Study


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


def test_no_more_tasks_run_at_once_than_allowed(plan: Plan) -> None:
    running, most = 0, 0

    async def perform(task: Task) -> Trial:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        return Trial(key=task.key, outcome="completed", reason="done", messages=())

    todo = tasks(plan, whole(plan, "a"), ())
    with Progress(len(todo), quiet=True) as progress:
        asyncio.run(local.execute(todo, perform, 4, progress))
    assert (most, progress.done) == (4, len(todo))


def test_a_fault_of_the_harness_stops_everything_and_is_raised_as_it_is(plan: Plan) -> None:
    performed = []

    async def perform(task: Task) -> Trial:
        performed.append(task)
        await asyncio.sleep(0)
        if task is todo[4]:
            raise ConfigurationError("no key")
        await asyncio.sleep(0.01)
        return Trial(key=task.key, outcome="completed", reason="done", messages=())

    todo = tasks(plan, whole(plan, "a"), ())
    with pytest.raises(ConfigurationError, match="no key"), Progress(len(todo), quiet=True) as progress:
        asyncio.run(local.execute(todo, perform, 8, progress))
    assert len(performed) <= 8


def test_progress_says_how_trials_ended(capsys: pytest.CaptureFixture[str], plan: Plan) -> None:
    with Progress(2) as progress:
        for task in tasks(plan, whole(plan, "a"), ())[:2]:
            progress.ended(Trial(key=task.key, outcome="refused", reason="refusal_text", messages=()))
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "2 of 2 trials: 2 refused\n")
