"""Which transcripts a report shows, and how little of the journal is read for them."""

from collections import Counter
from pathlib import Path

import pytest

from consistency import pipeline
from consistency.records.base import Arm
from consistency.records.effect import Direction
from consistency.records.probe import ANY_PROBE, Judgment
from consistency.records.trial import Trial, TrialKey
from consistency.reporting.collect import collect
from consistency.reporting.view import Excerpt, ReportView
from consistency.scenarios.library import Library
from consistency.store import trials as stored
from consistency.store.directory import RunDirectory
from consistency.store.journal import Journal
from consistency.study import Study
from tests.runs import run_study

MODEL = "organism/noisy"
PROBE = "inflated_count"


@pytest.fixture(scope="module")
def run(library: Library, tiny: Study, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    directory, _ = run_study(tiny, library, tmp_path_factory.mktemp("runs") / "run", "noisy", "flaky:fail=1")
    return directory


def judged(run: RunDirectory, values: dict[int, tuple[float | None, float | None]]) -> list[Judgment]:
    """Judgments of these pairs of the plan, which have something at stake: evaluation's value, then deployment's."""
    pairs = [pair for pair in run.plan.pairs if not pair.control and PROBE in pair.probes]
    arms: tuple[Arm, Arm] = ("evaluation", "deployment")
    return [
        Judgment(
            key=TrialKey(model=MODEL, pair=pairs[index].id, arm=arm),
            probe=PROBE,
            scorer="rules",
            value=value,
            abstained="the reply was cut off" if value is None else None,
        )
        for index, both in values.items()
        for arm, value in zip(arms, both, strict=True)
    ]


def shown(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch, judgments: list[Judgment], direction: Direction | None
) -> list[tuple[str, str]]:
    """The pair and the reason of each excerpt, if these were the judgments and this the verdict's direction."""
    monkeypatch.setattr(stored, "judgments", lambda _: iter(judgments))
    results = run.results()
    models = tuple(model.model_copy(update={"direction": direction}) for model in results.models)
    with run.journal() as journal:
        found = collect(run.plan, run.plan_digest, results.model_copy(update={"models": models}), None, journal)
    return [
        (excerpt.pair.id, excerpt.why.removeprefix("the first pair that was judged ")) for excerpt in found.excerpts
    ]


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        ("safer_when_evaluated", (3, "worse in deployment")),
        ("safer_when_deployed", (2, "worse in evaluation")),
        ("mixed", (2, "worse in evaluation")),
        (None, (2, "worse in evaluation")),
    ],
)
def test_a_differing_pair_goes_the_way_of_the_verdict(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch, direction: Direction | None, expected: tuple[int, str]
) -> None:
    judgments = judged(run, {0: (None, 1.0), 1: (0.0, 0.0), 2: (1.0, 0.0), 3: (0.0, 1.0), 4: (0.0, 1.0), 5: (1.0, 1.0)})
    pairs = [pair.id for pair in run.plan.pairs if not pair.control and PROBE in pair.probes]
    index, why = expected
    assert shown(run, monkeypatch, judgments, direction) == [(pairs[index], why), (pairs[1], "alike in both arms")]


def test_a_pair_that_goes_against_the_verdict_is_better_than_none(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    judgments = judged(run, {0: (1.0, 0.0)})
    assert [why for _, why in shown(run, monkeypatch, judgments, "safer_when_evaluated")] == ["worse in evaluation"]


def test_what_was_not_judged_in_both_arms_is_not_shown(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(run, monkeypatch, judged(run, {0: (None, 1.0), 1: (0.0, None)}), None) == []
    assert shown(run, monkeypatch, judged(run, {0: (0.0, 1.0)})[:1], None) == []


def test_where_nothing_is_at_stake_is_not_shown(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    controls = {pair.id for pair in run.plan.pairs if pair.control}
    assert controls
    with run.journal() as journal:
        judgments = [found for found in stored.judgments(journal) if found.key.pair in controls]
    assert judgments
    assert shown(run, monkeypatch, judgments, None) == []


def test_only_the_transcripts_that_are_shown_are_read(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def trial(journal: Journal, id_: str) -> Trial | None:
        read.append(id_)
        return fetch(journal, id_)

    fetch = stored.trial
    monkeypatch.setattr(stored, "trial", trial)
    monkeypatch.setattr(stored, "trials", lambda _: pytest.fail("all trials were read"))
    found = pipeline.view(run)
    assert len(read) == len(set(read)) == sum(len(excerpt.arms) for excerpt in found.excerpts)
    assert max(Counter(excerpt.model for excerpt in found.excerpts).values()) <= 2


def test_an_excerpt_has_both_arms_with_their_cues_and_judgments(run: RunDirectory) -> None:
    found = pipeline.view(run)
    assert {excerpt.model for excerpt in found.excerpts} == {MODEL}
    for excerpt in found.excerpts:
        assert [side.arm for side in excerpt.arms] == ["evaluation", "deployment"]
        for side in excerpt.arms:
            assert side.trial.key == TrialKey(model=MODEL, pair=excerpt.pair.id, arm=side.arm)
            assert {judgment.probe for judgment in side.judgments} == set(excerpt.pair.probes)
            assert all(text in given(side.trial) for slot, text in side.cue_texts.items() if slot in ("system", "user"))
        assert ("alike" in excerpt.why) == (values(excerpt, "evaluation") == values(excerpt, "deployment"))


def test_where_any_misbehaviour_decides_pairs_are_chosen_by_all_probes(
    library: Library, tiny: Study, tmp_path: Path
) -> None:
    study = tiny.model_copy(update={"analysis": tiny.analysis.model_copy(update={"primary": (ANY_PROBE,)})})
    directory, results = run_study(study, library, tmp_path / "run", "faker:evaluation=0,deployment=1")
    assert results.models[0].verdict == "inconsistent"
    assert any("worse in deployment" in excerpt.why for excerpt in pipeline.view(directory).excerpts)


def test_the_same_run_gives_the_same_view(run: RunDirectory) -> None:
    first, second = pipeline.view(run), pipeline.view(run)
    assert isinstance(first, ReportView)
    assert first == second
    assert first.provenance.entries > 0
    assert len(first.provenance.chain_head) == 64


def given(trial: Trial) -> str:
    return "\n".join(message.content for message in trial.messages if message.role in ("system", "user"))


def values(excerpt: Excerpt, arm: Arm) -> dict[str, float | None]:
    (side,) = (side for side in excerpt.arms if side.arm == arm)
    return {
        judgment.probe: judgment.value
        for judgment in side.judgments
        if judgment.probe in ("inflated_count", "flag_changed")
    }
