"""Calls, trials and judgments from the journal; looks and batches to it and back."""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TypeVar

from consistency.records.base import Json, canonical
from consistency.records.effect import Batch, Look
from consistency.records.exchange import Request
from consistency.records.probe import Judgment
from consistency.records.trial import Ending, Trial, TrialKey, attempt_name
from consistency.store.journal import Entry, Journal

Ended = TypeVar("Ended", Trial, Ending)

#: How the names of attempts after the first end.
_AGAIN = re.compile(r"~\d+$")

#: Where the fields of an Ending stand in a trial.
_ENDING = (
    *("$.key.model", "$.key.pair", "$.key.arm", "$.outcome", "$.reason", "$.calls"),
    *("$.usage.input_tokens", "$.usage.output_tokens", "$.cost", "$.peer_calls", "$.peer_cost"),
)
#: Its first fields are texts that recur: equal ones are kept as one object, for there may be very many endings.
_WORDS = 5


def trials(journal: Journal) -> Iterator[Trial]:
    """All trials, sorted by id; of one that was run again, the last attempt."""
    return _last(_restore(journal, body) for _, body in journal.entries("trial"))


def trial(journal: Journal, id_: str) -> Trial | None:
    """One trial, or None if it has not ended; the last attempt at it."""
    body = journal.find("trial", _latest(journal, id_))
    return None if body is None else _restore(journal, body)


def attempts(journal: Journal) -> dict[str, int]:
    """How often each trial that has ended was run, by its id."""
    return dict(Counter(_AGAIN.sub("", key) for key in journal.keys("trial")))


def superseded(journal: Journal) -> Counter[tuple[str, str]]:
    """By model and arm, how many trials that failed were run again."""
    found: Counter[tuple[str, str]] = Counter()
    for key in journal.keys("trial", like="*~[0-9]*"):
        model, _, arm = _AGAIN.sub("", key).rpartition("|")
        found[model.partition("|")[0], arm] += 1
    return found


def _latest(journal: Journal, id_: str) -> str:
    """The name of the last attempt at a trial that has ended."""
    attempt = 1
    while journal.find("trial", attempt_name(id_, attempt + 1)) is not None:
        attempt += 1
    return attempt_name(id_, attempt)


def _last(found: Iterable[Ended]) -> Iterator[Ended]:
    """The last of those that are of the same trial, which follow each other by their names."""
    for _, same in groupby(found, key=lambda ended: ended.key):
        *_, last = same
        yield last


def _restore(journal: Journal, body: dict[str, Json]) -> Trial:
    body["messages"] = [json.loads(journal.blob(name)) for name in body["messages"]]
    body["world"] = json.loads(journal.blob(body["world"]))
    return Trial.model_validate(body)


def endings(journal: Journal) -> Iterator[Ending]:
    """How each trial ended and what it used, without its transcript; of one that was run again, the last attempt."""
    found = journal.extracts("trial", *_ENDING)
    return _last(Ending._make([*map(sys.intern, fields[:_WORDS]), *fields[_WORDS:]]) for fields in found)


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
    index, name = 0, _latest(journal, key.id)
    while (body := journal.find("call", f"{name}#{index}")) is not None:
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
