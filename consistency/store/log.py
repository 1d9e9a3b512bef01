"""The calls of one trial on their way into the journal: as entries, each safe before the next call is made."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from consistency.errors import CallFailed, StoreError
from consistency.records.base import Json, canonical, text_digest
from consistency.records.exchange import Message, Reply, Request
from consistency.records.trial import Trial
from consistency.store.journal import Entry, Journal, Kind


class Sink(Protocol):
    """Where entries go."""

    async def append(self, entry: Entry) -> None:
        """Keeps an entry; it is safe when this returns. Raises StoreError where it cannot be kept."""
        ...


class Scribe:
    """Appends entries to a journal in groups: all that wait when the event loop comes round share one transaction."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: list[tuple[Entry, asyncio.Future[None]]] = []

    async def append(self, entry: Entry) -> None:
        """Keeps an entry; it is safe when this returns. Raises StoreError where it cannot be kept."""
        loop = asyncio.get_running_loop()
        safe: asyncio.Future[None] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._write)
        self._waiting.append((entry, safe))
        await safe

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            self._journal.append(*(entry for entry, _ in waiting))
        except StoreError as error:
            for _, safe in waiting:
                if not safe.done():
                    safe.set_exception(error)
            return
        for _, safe in waiting:
            if not safe.done():
                safe.set_result(None)


class TrialLog:
    """The calls of one trial, under the name of the attempt. `before` are the bodies of those that an earlier run
    recorded, in order.
    """

    def __init__(self, sink: Sink, name: str, before: Sequence[Json] = ()) -> None:
        self._sink = sink
        self._name = name
        self._before = before
        self._texts: dict[str, str] = {}
        self._messages: list[str] = []
        self._tools: tuple[object, str] = ((), "")
        self._sent: dict[str | int, tuple[Json, str]] = {}

    def recorded(self, index: int, request: Request) -> Reply | CallFailed | None:
        """What came of a call made before the run was stopped, its body as sent left out. Raises StoreError if it asked
        something else.
        """
        if index >= len(self._before):
            return None
        body = self._before[index]
        if body["request"] != self._request(request):
            raise StoreError(f"{self._call(index)}: the journal holds a call with another request")
        if failure := body["failure"]:
            return CallFailed(failure["kind"], failure["message"])
        return Reply.model_validate({**body["reply"], "sent": None})

    async def record(self, index: int, request: Request, reply: Reply | CallFailed) -> None:
        """Keeps a call."""
        body: dict[str, Json] = {"request": self._request(request), "reply": None, "failure": None}
        if isinstance(reply, CallFailed):
            body["failure"] = {"kind": reply.kind, "message": reply.message}
        else:
            sent = None if reply.sent is None else self._fold(reply.sent)
            body["reply"] = {**reply.model_dump(mode="json", exclude={"sent"}), "sent": sent}
        await self._append("call", self._call(index), body, 0.0 if isinstance(reply, CallFailed) else reply.cost)

    async def finish(self, trial: Trial) -> None:
        """Keeps the trial itself."""
        body = trial.model_dump(mode="json", exclude={"messages", "world"})
        body["messages"] = self._said(trial.messages, self._messages)
        body["world"] = self._keep(trial.world)
        await self._append("trial", self._name, body)

    async def _append(self, kind: Kind, key: str, body: Json, cost: float | None = 0.0) -> None:
        texts, self._texts = self._texts, {}
        await self._sink.append(Entry(kind, key, canonical(body).decode(), texts, cost))

    def _call(self, index: int) -> str:
        return f"{self._name}#{index}"

    def _request(self, request: Request) -> dict[str, Json]:
        known = self._messages if request.peer is None else []  # only the model's own messages just grow at their end
        if self._tools[0] != request.tools:
            self._tools = (request.tools, self._keep([tool.to_json() for tool in request.tools]))
        return {
            "messages": self._said(request.messages, known),
            "tools": self._tools[1],
            "sampling": request.sampling.to_json(),
            "seed": request.seed,
            "peer": request.peer,
        }

    def _said(self, messages: Sequence[Message], known: list[str]) -> list[str]:
        """Messages by digest; `known` has those of the first few, and learns the others."""
        known += [self._keep(message.to_json()) for message in messages[len(known) :]]
        return known[: len(messages)]

    def _keep(self, value: Json) -> str:
        text = canonical(value).decode()
        name = text_digest(text)
        self._texts[name] = text
        return name

    def _fold(self, sent: dict[str, Json]) -> dict[str, Json]:
        """A body as it was sent, its messages and tools by digest: they recur from call to call."""
        folded = dict(sent)
        if isinstance(sent.get("messages"), list):
            folded["messages"] = [self._kept(index, message) for index, message in enumerate(sent["messages"])]
        if "tools" in sent:
            folded["tools"] = self._kept("tools", sent["tools"])
        return folded

    def _kept(self, place: str | int, value: Json) -> str:
        """A part of a body, which is most often the same as at this place of the body before."""
        before = self._sent.get(place)
        if before is None or before[0] != value:
            before = self._sent[place] = (value, self._keep(value))
        return before[1]
