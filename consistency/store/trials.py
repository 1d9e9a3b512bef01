"""Calls, trials and judgments from the journal; looks and batches to it and back."""

import json
from collections.abc import Iterable, Iterator

from consistency.records.base import Json, canonical
from consistency.records.effect import Batch, Look
from consistency.records.exchange import Request
from consistency.records.probe import Judgment
from consistency.records.trial import Ending, Trial, TrialKey
from consistency.store.journal import Entry, Journal

#: Where the fields of an Ending stand in a trial.
_ENDING = (
    *("$.key.model", "$.key.pair", "$.key.arm", "$.outcome", "$.reason", "$.calls"),
    *("$.usage.input_tokens", "$.usage.output_tokens", "$.cost", "$.peer_calls", "$.peer_cost"),
)


def trials(journal: Journal) -> Iterator[Trial]:
    """All trials, sorted by id."""
    for _, body in journal.entries("trial"):
        yield _restore(journal, body)


def trial(journal: Journal, id_: str) -> Trial | None:
    """One trial, or None if it has not ended."""
    body = journal.find("trial", id_)
    return None if body is None else _restore(journal, body)


def _restore(journal: Journal, body: dict[str, Json]) -> Trial:
    body["messages"] = [json.loads(journal.blob(name)) for name in body["messages"]]
    body["world"] = json.loads(journal.blob(body["world"]))
    return Trial.model_validate(body)


def endings(journal: Journal) -> Iterator[Ending]:
    """How each trial ended and what it used, without its transcript."""
    for model, pair, arm, *rest in journal.extracts("trial", *_ENDING):
        yield Ending(TrialKey.model_construct(model=model, pair=pair, arm=arm), *rest)


def take_look(journal: Journal, look: Look) -> None:
    """Appends a look. Raises StoreError where it was taken before."""
    journal.append(Entry("look", look.key, canonical(look.to_json()).decode(), {}))


def looks(journal: Journal) -> list[Look]:
    """The looks that were taken."""
    return [Look.model_validate(body) for _, body in journal.entries("look")]


def draw_batch(journal: Journal, batch: Batch) -> None:
    """Appends a batch. Raises StoreError where it was drawn before."""
    journal.append(Entry("batch", batch.key, canonical(batch.to_json()).decode(), {}))


def batches(journal: Journal) -> list[Batch]:
    """The batches that were drawn, in order."""
    return sorted((Batch.model_validate(body) for _, body in journal.entries("batch")), key=lambda batch: batch.batch)


def recorded(journal: Journal, key: str) -> list[Json]:
    """The bodies of the calls of a trial, by its id, in order."""
    bodies: list[Json] = []
    while (body := journal.find("call", f"{key}#{len(bodies)}")) is not None:
        bodies.append(body)
    return bodies


def spent(journal: Journal) -> dict[str, tuple[int, float, int]]:
    """By model: calls that were made for it, what those cost whose price is known, and how many have none."""
    return {
        str(model): (int(number), float(cost or 0.0), int(unpriced))
        for model, number, cost, unpriced in journal.sums("call", "$.reply.cost", "$.failure")
    }


def calls(journal: Journal, key: TrialKey) -> Iterator[tuple[Request, Json]]:
    """The calls of a trial: each request, and the entry's body."""
    index = 0
    while (body := journal.find("call", f"{key.id}#{index}")) is not None:
        request = dict(body["request"])
        request["messages"] = [json.loads(journal.blob(name)) for name in request["messages"]]
        request["tools"] = json.loads(journal.blob(request["tools"]))
        yield Request.model_validate(request), body
        index += 1


def store_judgments(journal: Journal, judgments: Iterator[Judgment]) -> None:
    """Replaces the stored judgments."""
    journal.replace_judgments(judgment.model_dump_json() for judgment in judgments)


def add_judgments(journal: Journal, judgments: Iterable[Judgment]) -> None:
    """Adds judgments of trials that were not judged yet."""
    journal.add_judgments(judgment.model_dump_json() for judgment in judgments)


def judgments(journal: Journal) -> Iterator[Judgment]:
    """The stored judgments, in the order in which they were made."""
    return (Judgment.model_validate_json(body) for body in journal.judgments())
