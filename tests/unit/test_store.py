import json
import sqlite3
from pathlib import Path

import pytest

from consistency import pipeline
from consistency.cli.loading import load
from consistency.errors import CallFailed, ChainBroken, RunLocked, StoreError
from consistency.records.base import digest
from consistency.records.exchange import Message, Reply, Request, ToolSpec
from consistency.records.plan import Plan
from consistency.records.trial import Ending, Trial, TrialKey
from consistency.store import trials as stored
from consistency.store.directory import RunDirectory
from consistency.store.journal import Journal
from consistency.store.log import Scribe, TrialLog

PLAN_DIGEST = "d" * 64

KEY = TrialKey(model="m", pair="p", arm="evaluation")
OPENING = (Message(role="system", content="s"), Message(role="user", content="u"))
REQUEST = Request(messages=OPENING, tools=(ToolSpec(name="t", description="d", parameters={}),), seed=3)
SENT = {"model": "m", "messages": [{"role": "system", "content": "s"}], "tools": [{"name": "t"}], "seed": 3}
REPLY = Reply(text="hé", sent=SENT, cost=0.25, attempts=("rate_limit: slow down",))
TRIAL = Trial(key=KEY, outcome="completed", reason="done", messages=OPENING, world={"files": {"a": "b"}}, calls=1)
PLAN = Plan(package_version="0", study={"name": "x", "models": [], "arms": []}, sources={}, pairs=())


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.sqlite", "d" * 64, writer=True, create=True)


def log(journal: Journal, key: TrialKey = KEY) -> TrialLog:
    return TrialLog(Scribe(journal), key.id, stored.recorded(journal, key.id))


def reopen(journal: Journal) -> Journal:
    journal.close()
    return Journal(journal.path, "d" * 64, writer=True)


async def test_a_call_comes_back_as_it_was(journal: Journal) -> None:
    await log(journal, KEY).record(0, REQUEST, REPLY)
    trial = log(reopen(journal))
    assert trial.recorded(0, REQUEST) == REPLY.model_copy(update={"sent": None})
    assert trial.recorded(1, REQUEST) is None


async def test_a_failure_comes_back_as_a_failure(journal: Journal) -> None:
    trial = log(journal)
    await trial.record(0, REQUEST, CallFailed("timeout", "too slow"))
    found = log(journal).recorded(0, REQUEST)
    assert isinstance(found, CallFailed)
    assert (found.kind, found.message) == ("timeout", "too slow")


async def test_a_call_that_asked_something_else_is_not_taken_for_this_one(journal: Journal) -> None:
    await log(journal, KEY).record(0, REQUEST, REPLY)
    other = REQUEST.model_copy(update={"seed": 4})
    with pytest.raises(StoreError, match="another request"):
        log(journal).recorded(0, other)


async def test_a_trial_comes_back_as_it_was_and_only_once(journal: Journal) -> None:
    trial = log(journal)
    await trial.finish(TRIAL)
    assert list(stored.trials(journal)) == [TRIAL] == [stored.trial(journal, KEY.id)]
    assert list(stored.endings(journal)) == [Ending.of(TRIAL)]
    with pytest.raises(StoreError, match="UNIQUE"):
        await trial.finish(TRIAL)
    assert journal.count("trial") == 1


async def test_calls_can_be_read_with_their_requests(journal: Journal) -> None:
    trial = log(journal)
    longer = REQUEST.model_copy(update={"messages": (*OPENING, Message(role="assistant", content="a"))})
    await trial.record(0, REQUEST, REPLY)
    await trial.record(1, longer, REPLY)
    assert [request for request, _ in stored.calls(journal, KEY)] == [REQUEST, longer]


async def test_texts_that_recur_are_kept_once(journal: Journal) -> None:
    for index in range(5):
        key = KEY.model_copy(update={"pair": f"p{index}"})
        await log(journal, key).record(0, REQUEST, REPLY)
    (count,) = sqlite3.connect(journal.path).execute("SELECT count(*) FROM blobs").fetchone()
    assert count == 5  # two messages, the tools, and messages and tools as they were sent


async def test_the_chain_holds_and_its_head_moves(journal: Journal) -> None:
    assert (journal.head, journal.verify()) == (PLAN_DIGEST, 0)
    await log(journal, KEY).record(0, REQUEST, REPLY)
    head = journal.head
    await log(journal, KEY).finish(TRIAL)
    assert journal.verify() == 2
    assert PLAN_DIGEST != head != journal.head == reopen(journal).head


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE entries SET body = replace(body, 'h', 'H') WHERE sequence = 1",
        "UPDATE entries SET key = 'other' WHERE sequence = 1",
        "DELETE FROM entries WHERE sequence = 1",
        "UPDATE blobs SET body = body || ' '",
        "INSERT INTO entries (kind, key, body, digest) VALUES ('call', 'x', '{}', 'abc')",
    ],
)
async def test_tampering_breaks_the_chain(journal: Journal, tampering: str) -> None:
    trial = log(journal)
    await trial.record(0, REQUEST, REPLY)
    await trial.finish(TRIAL)
    with sqlite3.connect(journal.path) as database:
        database.execute(tampering)
    with pytest.raises(ChainBroken):
        journal.verify()


def test_a_reader_makes_no_journal(tmp_path: Path) -> None:
    for writer in (False, True):
        with pytest.raises(StoreError, match="has no journal"):
            Journal(tmp_path / "journal.sqlite", PLAN_DIGEST, writer=writer)
    assert list(tmp_path.iterdir()) == []


def test_a_draft_that_a_kill_left_behind_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".draft-plan.json.1").write_text("{")
    assert RunDirectory.create(tmp_path, PLAN).plan == PLAN


def test_a_missing_text_is_named(journal: Journal) -> None:
    with pytest.raises(ChainBroken, match="missing"):
        journal.blob("e" * 64)


async def test_a_second_writer_is_refused_and_a_reader_is_not(journal: Journal) -> None:
    with pytest.raises(RunLocked, match="another process"):
        Journal(journal.path, "d" * 64, writer=True)
    await log(journal, KEY).finish(TRIAL)
    with Journal(journal.path, "d" * 64, writer=False) as reader:
        assert reader.count("trial") == 1
    journal.close()
    Journal(journal.path, "d" * 64, writer=True).close()


def test_a_journal_belongs_to_one_plan(journal: Journal) -> None:
    journal.close()
    with pytest.raises(StoreError, match="belongs to plan"):
        Journal(journal.path, "e" * 64, writer=False)


def test_judgments_are_replaced_as_a_whole(journal: Journal) -> None:
    journal.replace_judgments(iter(["1", "2"]))
    journal.replace_judgments(iter(["3"]))
    assert list(journal.judgments()) == ["3"]


def test_a_run_directory_is_resumed_with_its_plan_and_with_no_other(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "run"
    first = RunDirectory.create(path, PLAN)
    assert RunDirectory.create(path, PLAN).plan_digest == first.plan_digest == RunDirectory.open(path).plan_digest
    with pytest.raises(StoreError, match="choose another directory"):
        RunDirectory.create(path, PLAN.model_copy(update={"package_version": "1"}))


def test_a_plan_with_pairs_is_digested_and_read_as_a_whole_one_is(tmp_path: Path) -> None:
    study, library = load("demo", (), ())
    plan = pipeline.plan(study, library)
    directory = RunDirectory.create(tmp_path / "run", plan)
    assert directory.plan_digest == digest(plan.to_json())
    assert RunDirectory.open(directory.path).plan == plan


def test_a_plan_that_was_written_otherwise_is_the_same_plan(tmp_path: Path) -> None:
    directory = RunDirectory.create(tmp_path / "run", PLAN)
    directory.write("plan.json", json.dumps(PLAN.to_json()))
    assert RunDirectory.create(directory.path, PLAN).plan_digest == directory.plan_digest


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(StoreError, match="neither empty nor a run directory"):
        RunDirectory.create(tmp_path, PLAN)


@pytest.mark.parametrize("text", [None, "{}", "not json"])
def test_what_is_no_run_directory_is_said(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "plan.json").write_text(text)
    with pytest.raises(StoreError, match=r"no run directory|is no plan"):
        RunDirectory.open(tmp_path)


def test_results_are_asked_for_by_name_where_there_are_none(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="consistency analyze"):
        RunDirectory.create(tmp_path / "run", PLAN).results()


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    directory = RunDirectory.create(tmp_path / "run", PLAN)
    directory.write("results.json", "first")
    with pytest.raises(UnicodeEncodeError):
        directory.write("results.json", "half \ud800")
    assert (directory.path / "results.json").read_text() == "first"
