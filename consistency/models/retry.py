"""The one retry layer: exponential backoff with full jitter, alike for every arm and every backend."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from consistency.errors import CallFailed, ConfigurationError
from consistency.models.backends import Backend
from consistency.records.exchange import Reply, Request

#: No wait is longer, whatever an endpoint asks for; in seconds.
LONGEST_WAIT = 300.0

#: A failure's message is cut to this many characters where it is only listed.
_LISTED = 120


@dataclass(frozen=True)
class RetryPolicy:
    """`attempts` counts the first try too. `base` and `ceiling` are seconds: the longest first wait, which doubles
    with every failure, and the most that it grows to.
    """

    attempts: int = 5
    base: float = 1.0
    ceiling: float = 60.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.base < 0 or self.ceiling < 0:
            raise ConfigurationError(f"found {self}; attempts of at least 1 and waits of at least 0 are needed")

    def wait(self, failed: int, retry_after: float | None, rng: random.Random) -> float:
        """Seconds to wait after the `failed`-th failure: jitter, on top of what the endpoint asked for."""
        jitter = rng.uniform(0.0, min(self.ceiling, self.base * 2.0 ** (failed - 1)))
        return min(LONGEST_WAIT, (retry_after or 0.0) + jitter)


async def call(
    backend: Backend,
    request: Request,
    policy: RetryPolicy,
    rng: random.Random,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    on_wait: Callable[[float, str], None] | None = None,
) -> Reply:
    """Ask until a reply comes, the failure is not worth a retry, or the attempts are used up.

    The reply lists the failures before it. An endpoint's Retry-After is waited out, up to LONGEST_WAIT. `on_wait` is
    told of every wait: its seconds and its reason. Raises the last CallFailed, with the attempts in its message.
    """
    failures: list[str] = []
    while True:
        try:
            reply = await backend.complete(request)
        except CallFailed as error:
            failures.append(_listed(error))
            if not error.retryable or len(failures) >= policy.attempts:
                raise _last(error, failures) from error
            seconds = policy.wait(len(failures), error.retry_after, rng)
        else:
            return reply.model_copy(update={"attempts": tuple(failures)}) if failures else reply
        if on_wait is not None:
            on_wait(seconds, failures[-1])
        await sleep(seconds)


def _listed(error: CallFailed) -> str:
    message = " ".join(error.message.split())
    return f"{error.kind}: {message if len(message) <= _LISTED else message[: _LISTED - 1] + '…'}"


def _last(error: CallFailed, failures: list[str]) -> CallFailed:
    if len(failures) == 1:
        return error
    earlier = "; ".join(failures[:-1])
    message = f"{error.message} (attempt {len(failures)}; before it: {earlier})"
    return CallFailed(error.kind, message, retry_after=error.retry_after)
