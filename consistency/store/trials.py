"""Calls and trials as journal entries, and back."""

import json
from collections.abc import Iterable, Iterator

from consistency.errors import CallFailed, StoreError
from consistency.records.base import Json, canonical, text_digest
from consistency.records.effect import Batch, Look
from consistency.records.exchange import Reply, Request
from consistency.records.probe import Judgment
from consistency.records.trial import Ending, Trial, TrialKey
from consistency.store.journal import Journal

#: Where the fields of an Ending stand in a trial.
_ENDING = (
    *("$.key.model", "$.key.pair", "$.key.arm", "$.outcome", "$.reason", "$.calls"),
    *("$.usage.input_tokens", "$.usage.output_tokens", "$.cost", "$.peer_calls", "$.peer_cost"),
)


class TrialLog:
    """The calls of one trial, in the journal."""

    def __init__(self, journal: Journal, key: TrialKey) -> None:
        self._journal = journal
        self._key = key
        self._blobs: dict[str, str] = {}
        self._messages: list[str] = []

    def recorded(self, index: int, request: Request) -> Reply | CallFailed | None:
        """What came of a call made before the run was stopped. Raises StoreError if it asked something else."""
        body = self._journal.find("call", self._call(index))
        if body is None:
            return None
        if body["request"] != self._request(request):
            raise StoreError(f"{self._call(index)}: the journal holds a call with another request")
        if failure := body["failure"]:
            return CallFailed(failure["kind"], failure["message"])
        reply = dict(body["reply"])
        if reply["sent"] is not None:
            reply["sent"] = _unfold(self._journal, reply["sent"])
        return Reply.model_validate(reply)

    def record(self, index: int, request: Request, reply: Reply | CallFailed) -> None:
        """Appends a call."""
        body: dict[str, Json] = {"request": self._request(request), "reply": None, "failure": None}
        if isinstance(reply, CallFailed):
            body["failure"] = {"kind": reply.kind, "message": reply.message}
        else:
            body["reply"] = reply.to_json()
            if reply.sent is not None:
                body["reply"]["sent"] = _fold(reply.sent, self._blobs)
        self._journal.append("call", self._call(index), body, self._blobs)
        self._blobs = {}

    def finish(self, trial: Trial) -> None:
        """Appends the trial itself."""
        body = trial.to_json()
        body["messages"] = [_keep(message, self._blobs) for message in body["messages"]]
        body["world"] = _keep(body["world"], self._blobs)
        self._journal.append("trial", trial.key.id, body, self._blobs)

    def _call(self, index: int) -> str:
        return f"{self._key.id}#{index}"

    def _request(self, request: Request) -> dict[str, Json]:
        known = self._messages if request.peer is None else []  # only the model's own messages just grow at their end
        for message in request.messages[len(known) :]:
            known.append(_keep(message.to_json(), self._blobs))
        return {
            "messages": known[: len(request.messages)],
            "tools": _keep([tool.to_json() for tool in request.tools], self._blobs),
            "sampling": request.sampling.to_json(),
            "seed": request.seed,
            "peer": request.peer,
        }


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
    journal.append("look", look.key, look.to_json(), {})


def looks(journal: Journal) -> list[Look]:
    """The looks that were taken."""
    return [Look.model_validate(body) for _, body in journal.entries("look")]


def draw_batch(journal: Journal, batch: Batch) -> None:
    """Appends a batch. Raises StoreError where it was drawn before."""
    journal.append("batch", batch.key, batch.to_json(), {})


def batches(journal: Journal) -> list[Batch]:
    """The batches that were drawn, in order."""
    return sorted((Batch.model_validate(body) for _, body in journal.entries("batch")), key=lambda batch: batch.batch)


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


def _keep(value: Json, blobs: dict[str, str]) -> str:
    text = canonical(value).decode()
    name = text_digest(text)
    blobs[name] = text
    return name


def _fold(sent: dict[str, Json], blobs: dict[str, str]) -> dict[str, Json]:
    """A body as it was sent, its messages and tools by digest: they recur from call to call."""
    folded = dict(sent)
    if isinstance(sent.get("messages"), list):
        folded["messages"] = [_keep(message, blobs) for message in sent["messages"]]
    if "tools" in sent:
        folded["tools"] = _keep(sent["tools"], blobs)
    return folded


def _unfold(journal: Journal, folded: dict[str, Json]) -> dict[str, Json]:
    sent = dict(folded)
    if isinstance(folded.get("messages"), list):
        sent["messages"] = [json.loads(journal.blob(name)) for name in folded["messages"]]
    if "tools" in folded:
        sent["tools"] = json.loads(journal.blob(folded["tools"]))
    return sent
