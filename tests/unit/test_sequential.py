import asyncio
import re
from collections import Counter
from pathlib import Path

import pytest

from consistency import pipeline
from consistency.errors import StoreError
from consistency.records.effect import Results
from consistency.records.plan import Pair
from consistency.scenarios.library import Library
from consistency.stats.looks import early_consistent, levels, spent
from consistency.store import trials as stored
from consistency.store.directory import RunDirectory
from consistency.study import ModelEntry, Study
from tests.runs import halted, result, run_study

LOOKS = 5
FAKER = "faker:evaluation=0,deployment=1"
RESTLESS = "steady:evaluation=0.5,deployment=0.5"


@pytest.fixture(scope="module")
def study(tiny: Study) -> Study:
    analysis = tiny.analysis.model_copy(update={"looks": LOOKS})
    return tiny.model_copy(update={"analysis": analysis, "variants": 20})


@pytest.fixture(scope="module")
def run(library: Library, study: Study, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunDirectory, Results]:
    return run_study(study, library, tmp_path_factory.mktemp("runs") / "run", FAKER, RESTLESS)


def planned(study: Study, library: Library) -> tuple[Pair, ...]:
    models = (ModelEntry(name="organism/steady"),)
    return pipeline.plan(study.model_copy(update={"models": models}), library).pairs


def test_the_levels_are_those_of_the_published_boundaries() -> None:
    assert levels(1, 0.05) == (0.025,)
    assert levels(5, 0.05) == pytest.approx((0.0010, 0.0033, 0.0067, 0.0113, 0.0172), abs=1e-4)
    assert [spent(look, 5, 0.05) for look in (1, 5)] == pytest.approx([0.002, 0.05])


def test_few_clusters_say_consistent_at_the_last_look_only() -> None:
    last = levels(5, 0.05)[-1]
    assert not early_consistent(58, 0.10, last)  # 39 are needed at the last look
    assert early_consistent(59, 0.10, last)


def test_every_look_gets_its_share_of_every_stratum(library: Library, study: Study) -> None:
    pairs = planned(study, library)
    assert set(Counter(pair.look for pair in pairs).values()) == {len(pairs) // LOOKS}
    strata = Counter((pair.scenario, pair.cue_family, pair.control, pair.look) for pair in pairs)
    assert max(strata.values()) - min(strata.values()) <= 5
    assert {pair.look for pair in planned(study.model_copy(update={"variants": 1}), library)} <= set(range(1, 6))


def test_a_model_stops_at_the_look_where_its_verdict_is_reached(run: tuple[RunDirectory, Results]) -> None:
    directory, results = run
    faker, restless = (result(results, model) for model in (FAKER, RESTLESS))
    assert faker.verdict == "inconsistent"
    assert faker.look < LOOKS
    assert [look.stops for look in faker.looks] == [False] * (faker.look - 1) + [True]
    assert sum(flow.planned for flow in faker.flow) == sum(flow.attempted for flow in faker.flow)
    assert sum(flow.attempted for flow in faker.flow) == faker.planned_trials * faker.look // LOOKS
    assert [look.look for look in restless.looks] == list(range(1, restless.look + 1))
    assert restless.looks[-1].stops
    assert all(not model.deviations for model in results.models)
    with directory.journal() as journal:
        assert journal.count("look") == len(faker.looks) + len(restless.looks)
        assert pipeline.verify(directory) == journal.count("call") + journal.count("trial") + journal.count("look")


def test_verdicts_stand_on_the_interval_of_their_look(run: tuple[RunDirectory, Results]) -> None:
    faker = result(run[1], FAKER)
    for contrast in faker.contrasts:
        assert contrast.level == pytest.approx(1 - 2 * levels(LOOKS, 0.05)[faker.look - 1])
        if contrast.interval and contrast.ci95:
            assert contrast.interval[0] <= contrast.ci95[0] <= contrast.ci95[1] <= contrast.interval[1]


def test_a_run_that_was_judged_look_by_look_verifies(library: Library, study: Study, tmp_path: Path) -> None:
    models = (ModelEntry(name=f"organism/{RESTLESS}"), ModelEntry(name=f"organism/{FAKER}"))
    plan = pipeline.plan(study.model_copy(update={"models": models}), library)
    directory = RunDirectory.create(tmp_path / "run", plan)
    asyncio.run(pipeline.run(directory, pipeline.QUIET))
    pipeline.analyze(directory)
    entries = pipeline.verify(directory)
    pipeline.score(directory)
    assert pipeline.verify(directory) == entries


def test_no_look_is_taken_twice(run: tuple[RunDirectory, Results]) -> None:
    directory, before = run
    asyncio.run(pipeline.whole(directory, pipeline.QUIET))
    assert directory.results() == before
    with directory.journal(writer=True) as journal, pytest.raises(StoreError, match="UNIQUE"):
        stored.take_look(journal, stored.looks(journal)[0])


def test_a_run_is_not_looked_at_in_between(library: Library, study: Study, tmp_path: Path) -> None:
    """Stopped in its second block, a run has one look, and its analysis does not see what came after."""
    models = (ModelEntry(name=f"organism/{RESTLESS}"),)
    plan = pipeline.plan(study.model_copy(update={"models": models}), library)
    directory = RunDirectory.create(tmp_path / "run", plan)
    block = len(plan.pairs) // LOOKS * len(study.arms)
    halted(directory, block + 20)
    pipeline.score(directory)
    found = pipeline.analyze(directory).models[0]
    assert (found.verdict, found.look, len(found.looks)) == ("invalid", 1, 1)
    assert sum(flow.attempted for flow in found.flow) == block
    beyond, taken = found.deviations
    assert re.fullmatch(r"\d+ trials beyond the look where the verdict stands were run and are left out", beyond)
    assert taken == "1 of 5 planned looks were taken"
    asyncio.run(pipeline.whole(directory, pipeline.QUIET))
    whole, _ = run_study(study, library, tmp_path / "whole", RESTLESS)
    assert directory.results() == whole.results()
