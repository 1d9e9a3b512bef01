"""Driving one trial: recorded replies first, then live calls, each recorded before the next is made."""

from dataclasses import dataclass
from random import Random
from typing import Protocol

from consistency.errors import CallFailed, ConfigurationError
from consistency.models.backends import Backend
from consistency.models.retry import RetryPolicy, call
from consistency.records.exchange import Reply, Request
from consistency.records.trial import Trial
from consistency.seeds import stream
from consistency.trials.conversation import Conversation

#: Failures that every further call would meet too: they stop the run instead of failing its trials one by one.
_HOPELESS = {
    "authentication": "the endpoint refuses the key, or there is none in the environment",
    "quota": "the account has no quota left",
    "unknown_model": "the endpoint does not know the model",
}


class CallLog(Protocol):
    """Where the calls of one trial are kept."""

    def recorded(self, index: int, request: Request) -> Reply | CallFailed | None:
        """What came of the trial's call of this index in an earlier run, or None if it was not made."""
        ...

    def record(self, index: int, request: Request, reply: Reply | CallFailed) -> None:
        """Keeps what came of a call; it is safe when this returns."""
        ...


@dataclass(frozen=True)
class Voices:
    """Who answers: the model under test, and the one that plays its peers where the study names one."""

    model: Backend
    peer: Backend | None = None

    def of(self, request: Request) -> Backend:
        """The backend that a request is for. Raises LookupError for a peer that nobody plays."""
        if request.peer is None:
            return self.model
        if self.peer is None:
            raise LookupError(f"no model plays {request.peer!r}")
        return self.peer


async def run_trial(conversation: Conversation, voices: Voices, log: CallLog, policy: RetryPolicy, name: str) -> Trial:
    """Runs a conversation to its end. `name` is the trial's id: it names the stream of its back-off jitter.

    A call that fails for good is recorded and ends the trial as data. Raises ConfigurationError for a failure that all
    calls would share; anything else that is raised is a fault of the harness and stops the run.
    """
    rng = stream("backoff", name)
    try:
        request = next(conversation)
        index = 0
        while True:
            reply = log.recorded(index, request)
            if reply is None:
                reply = await _attempt(voices.of(request), request, policy, rng)
                log.record(index, request, reply)
            request = conversation.send(reply)
            index += 1
    except StopIteration as end:
        trial: Trial = end.value
        return trial


async def _attempt(backend: Backend, request: Request, policy: RetryPolicy, rng: Random) -> Reply | CallFailed:
    try:
        return await call(backend, request, policy, rng)
    except CallFailed as failure:
        if failure.kind in _HOPELESS:
            raise ConfigurationError(f"{_HOPELESS[failure.kind]}: {failure.message}") from failure
        return failure
