"""Driving one trial: recorded replies first, then live calls, each recorded before the next is made."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Protocol

from consistency.errors import CallFailed, ConfigurationError
from consistency.models.backends import Backend
from consistency.models.budget import Halt
from consistency.models.limits import Throttle
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

    async def record(self, index: int, request: Request, reply: Reply | CallFailed) -> None:
        """Keeps what came of a call; it is safe when this returns."""
        ...


@dataclass(frozen=True)
class Line:
    """A model, and the throttle of its endpoint; None for a model in this process."""

    backend: Backend
    throttle: Throttle | None = None


@dataclass(frozen=True)
class Voices:
    """Who answers: the model under test, and the one that plays its peers where the study names one."""

    model: Line
    peer: Line | None = None

    def of(self, request: Request) -> Line:
        """The line that a request is for. Raises LookupError for a peer that nobody plays."""
        if request.peer is None:
            return self.model
        if self.peer is None:
            raise LookupError(f"no model plays {request.peer!r}")
        return self.peer


async def run_trial(
    conversation: Conversation,
    voices: Voices,
    log: CallLog,
    policy: RetryPolicy,
    *,
    name: str,
    deadline: float | None = None,
    halt: Halt | None = None,
) -> Trial:
    """Runs a conversation to its end. `name` is the trial's id: it names the stream of its back-off jitter.

    A call that fails for good is recorded and ends the trial as data, and so does the `deadline`, in seconds since the
    trial was begun or resumed. `halt` keeps further calls from being made: then Stopped is raised. Raises
    ConfigurationError for a failure that all calls would share; anything else that is raised is a fault of the harness
    and stops the run.
    """
    jitter = cache(partial(stream, "backoff", name))
    begun = asyncio.get_running_loop().time()
    try:
        request = next(conversation)
        index = 0
        while True:
            reply = log.recorded(index, request)
            if reply is None:
                left = None if deadline is None else begun + deadline - asyncio.get_running_loop().time()
                attempt = partial(call, request=request, policy=policy, rng=jitter, halt=halt)
                reply = await _in_time(voices.of(request), attempt, left)
                await log.record(index, request, reply)
            request = conversation.send(reply)
            index += 1
    except StopIteration as end:
        trial: Trial = end.value
        return trial


async def _in_time(line: Line, attempt: Callable[..., Awaitable[Reply]], left: float | None) -> Reply | CallFailed:
    """What comes of a call within the seconds that are left of its trial; None sets no limit."""
    try:
        async with asyncio.timeout(left):
            return await attempt(line.backend, throttle=line.throttle)
    except TimeoutError:
        return CallFailed("timeout", "the trial's deadline has passed")
    except CallFailed as failure:
        if failure.kind in _HOPELESS:
            raise ConfigurationError(f"{_HOPELESS[failure.kind]}: {failure.message}") from failure
        return failure
