"""The one retry layer: exponential backoff with full jitter, alike for every arm and every backend."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass

from consistency.errors import CallFailed, ConfigurationError
from consistency.models.backends import Backend
from consistency.models.budget import Halt
from consistency.models.limits import Throttle
from consistency.records.exchange import Reply, Request

#: No wait is longer, whatever an endpoint asks for; in seconds.
LONGEST_WAIT = 300.0

#: A failure's message is cut to this many characters where it is only listed, and no more failures than this are.
_LISTED, _MOST_LISTED = 120, 20


@dataclass(frozen=True)
class RetryPolicy:
    """`attempts` counts the first try too. `base` and `ceiling` are seconds: the longest first wait, which doubles
    with every failure, and the most that it grows to.

    A call that is turned away (429) uses up no attempt: the endpoint is there, and will have room. It is given up when
    its waits come to more than `patience` seconds.
    """

    attempts: int = 5
    base: float = 1.0
    ceiling: float = 60.0
    patience: float = 900.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.base < 0 or self.ceiling < 0 or self.patience < 0:
            raise ConfigurationError(f"found {self}; attempts of at least 1 and waits of at least 0 are needed")

    def wait(self, failed: int, retry_after: float | None, rng: random.Random) -> float:
        """Seconds to wait after the `failed`-th failure: jitter, on top of what the endpoint asked for."""
        jitter = rng.uniform(0.0, min(self.ceiling, self.base * 2.0 ** min(failed - 1, 60)))
        return min(LONGEST_WAIT, (retry_after or 0.0) + jitter)


async def call(
    backend: Backend,
    request: Request,
    policy: RetryPolicy,
    rng: Callable[[], random.Random],
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    throttle: Throttle | None = None,
    halt: Halt | None = None,
) -> Reply:
    """Ask until a reply comes, the failure is not worth a retry, or attempts or patience are used up.

    The reply lists the failures before it. An endpoint's Retry-After is waited out, up to LONGEST_WAIT. `throttle` is
    entered for each attempt, and not held while waiting. `rng` gives the stream of the jitter, always the same one.
    Raises the last CallFailed, with the attempts in its message, and Stopped where `halt` keeps an attempt from being
    made, be it in the midst of a wait.
    """
    halt = halt or Halt()
    failures: list[str] = []
    counted, waited, row, answered = 0, 0.0, 0, 0
    while True:
        try:
            reply = await _attempt(backend, request, throttle, halt, again=bool(failures))
        except CallFailed as error:
            failures.append(_listed(error))
            turned_away = error.kind == "rate_limit"
            counted += not turned_away
            spent = waited > policy.patience if turned_away else counted >= policy.attempts
            if not error.retryable or spent:
                raise _last(error, failures) from error
            # Where others are answered meanwhile, the endpoint has room: to wait longer and longer would help nobody.
            before, answered = answered, throttle.answered if throttle else 0
            row = 1 if turned_away and answered > before else row + 1
            seconds = policy.wait(row, error.retry_after, rng())
        else:
            return reply.model_copy(update={"attempts": tuple(failures[-_MOST_LISTED:])}) if failures else reply
        waited += seconds
        async with halt.waiting(), throttle.rest() if throttle else nullcontext():
            await sleep(seconds)


async def _attempt(
    backend: Backend,
    request: Request,
    throttle: Throttle | None,
    halt: Halt,
    *,
    again: bool,
) -> Reply:
    if throttle is None:
        halt.check()
        return await backend.complete(request)
    expected = _tokens(request) if throttle.rates.tokens_per_minute else 0.0
    if not throttle.entered(expected):
        async with halt.waiting():
            await throttle.enter(expected, again=again)
    outcome: Reply | CallFailed | None = None
    try:
        halt.check()  # much may have been spent while this one waited
        outcome = await backend.complete(request)
        return outcome
    except CallFailed as error:
        outcome = error
        raise
    finally:
        throttle.leave(outcome, expected)


def _tokens(request: Request) -> float:
    """About as many tokens as a call takes before its usage is known: four characters to one, and half of the answer
    that is allowed.
    """
    return sum(len(message.content) for message in request.messages) / 4 + (request.sampling.max_tokens or 1000) / 2


def _listed(error: CallFailed) -> str:
    message = " ".join(error.message.split())
    return f"{error.kind}: {message if len(message) <= _LISTED else message[: _LISTED - 1] + '…'}"


def _last(error: CallFailed, failures: list[str]) -> CallFailed:
    if len(failures) == 1:
        return error
    earlier = "; ".join(failures[:-1][-_MOST_LISTED:])
    message = f"{error.message} (attempt {len(failures)}; before it: {earlier})"
    return CallFailed(error.kind, message, retry_after=error.retry_after)
