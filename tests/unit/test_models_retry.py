"""The retry layer, with a clock that only writes down."""

import asyncio
from functools import cache, partial
from random import Random

import pytest

from consistency.errors import CallFailed, ConfigurationError, Stopped
from consistency.models.budget import Halt
from consistency.models.limits import Rates, Throttle
from consistency.models.retry import LONGEST_WAIT, RetryPolicy, call
from consistency.records.exchange import Message, Reply, Request

JITTER = cache(partial(Random, 1))
REQUEST = Request(messages=(Message(role="user", content="Hi"),))


class Flaky:
    """Fails as listed, then answers."""

    def __init__(self, *failures: CallFailed) -> None:
        self.failures = list(failures)
        self.calls = 0

    async def complete(self, request: Request) -> Reply:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return Reply(text="Hello.")

    async def close(self) -> None:
        return None


class Clock:
    def __init__(self) -> None:
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


async def test_a_first_reply_is_passed_on_as_it_is() -> None:
    backend, clock = Flaky(), Clock()
    assert await call(backend, REQUEST, RetryPolicy(), JITTER, clock.sleep) == Reply(text="Hello.")
    assert (backend.calls, clock.waits) == (1, [])


async def test_failures_are_listed_in_the_reply() -> None:
    backend, clock = Flaky(CallFailed("server", "boom"), CallFailed("timeout", "x" * 500)), Clock()
    reply = await call(backend, REQUEST, RetryPolicy(), JITTER, clock.sleep)
    assert reply.text == "Hello."
    assert reply.attempts[0] == "server: boom"
    assert reply.attempts[1].startswith("timeout: xxx")
    assert len(reply.attempts[1]) < 140
    assert len(clock.waits) == len(reply.attempts)


@pytest.mark.parametrize("kind", sorted(CallFailed.RETRYABLE - {"rate_limit"}))
async def test_retryable_kinds_use_all_attempts(kind: str) -> None:
    backend, clock = Flaky(*[CallFailed(kind, f"no. {n}", retry_after=float(n)) for n in range(1, 9)]), Clock()
    with pytest.raises(CallFailed, match=r"no\. 3 \(attempt 3; before it: .*no\. 1.*no\. 2") as caught:
        await call(backend, REQUEST, RetryPolicy(attempts=3), JITTER, clock.sleep)
    assert (caught.value.kind, caught.value.retry_after) == (kind, 3.0)
    assert (backend.calls, len(clock.waits)) == (3, 2)


@pytest.mark.parametrize("kind", ["authentication", "quota", "unknown_model", "bad_request", "context_length"])
async def test_other_kinds_end_at_once(kind: str) -> None:
    failure = CallFailed(kind, "no")
    backend, clock = Flaky(failure), Clock()
    with pytest.raises(CallFailed) as caught:
        await call(backend, REQUEST, RetryPolicy(), JITTER, clock.sleep)
    assert caught.value is failure
    assert (backend.calls, clock.waits) == (1, [])


def test_waits_grow_with_full_jitter_up_to_the_ceiling() -> None:
    policy, rng = RetryPolicy(base=1.0, ceiling=8.0), Random(1)
    for failed, longest in ((1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (9, 8.0)):
        waits = [policy.wait(failed, None, rng) for _ in range(500)]
        assert min(waits) < 0.05 * longest
        assert 0.95 * longest < max(waits) <= longest


def test_retry_after_is_waited_out_up_to_the_longest_wait() -> None:
    policy, rng = RetryPolicy(), Random(1)
    assert all(20 <= policy.wait(1, 20.0, rng) <= 21 for _ in range(100))
    assert policy.wait(1, 86_400.0, rng) == LONGEST_WAIT


def test_many_failures_overflow_nothing() -> None:
    assert 0 <= RetryPolicy(attempts=20).wait(19, None, Random(1)) <= 60


async def test_a_fault_of_the_harness_is_not_retried() -> None:
    class Broken(Flaky):
        async def complete(self, request: Request) -> Reply:
            self.calls += 1
            raise ZeroDivisionError

    backend = Broken()
    with pytest.raises(ZeroDivisionError):
        await call(backend, REQUEST, RetryPolicy(), JITTER, Clock().sleep)
    assert backend.calls == 1


def test_policies_need_an_attempt() -> None:
    with pytest.raises(ConfigurationError, match="attempts=0"):
        RetryPolicy(attempts=0)


async def test_a_cap_that_is_reached_while_a_call_waits_keeps_it_from_being_made() -> None:
    made = 0

    class Slow:
        async def complete(self, request: Request) -> Reply:
            nonlocal made
            made += 1
            await asyncio.sleep(0.001)
            return Reply(text="Hello.")

        async def close(self) -> None: ...

    line = Throttle(Rates(concurrency=2))
    asked = [
        call(
            Slow(),
            REQUEST,
            RetryPolicy(),
            JITTER,
            throttle=line,
            halt=Halt(lambda: "3 calls" if made >= 3 else None),
        )
        for _ in range(20)
    ]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert made == 3
    assert sum(isinstance(outcome, Stopped) for outcome in outcomes) == 17
    assert line.in_flight == 0


@pytest.mark.parametrize("full", [False, True], ids=["back-off", "queue"])
async def test_a_wait_ends_when_no_call_may_be_made_any_more(full: bool) -> None:
    line, reached = Throttle(Rates(concurrency=1)), [""]
    halt = Halt(lambda: reached[0] or None)
    backend = Flaky(CallFailed("rate_limit", "slow down", retry_after=300.0))
    if full:
        await line.enter()
    asked = asyncio.create_task(call(backend, REQUEST, RetryPolicy(), JITTER, throttle=line, halt=halt))
    await asyncio.sleep(0.01)
    halt.rouse()
    await asyncio.sleep(0.01)
    assert not asked.done()
    reached[0] = "2 minutes"
    halt.rouse()
    with pytest.raises(Stopped, match="2 minutes"):
        await asyncio.wait_for(asked, 1)
    assert (backend.calls, line.in_flight) == ((0, 1) if full else (1, 0))


async def test_a_call_in_flight_ends_when_no_other_may_be_made() -> None:
    reached: list[str] = []
    halt = Halt(lambda: reached[0] if reached else None)

    class Slow(Flaky):
        async def complete(self, request: Request) -> Reply:
            reached.append("2 minutes")
            halt.rouse()
            await asyncio.sleep(0.01)
            return Reply(text="Hello.")

    line = Throttle(Rates())
    assert (await call(Slow(), REQUEST, RetryPolicy(), JITTER, throttle=line, halt=halt)).text == "Hello."


async def test_waits_do_not_grow_while_others_are_answered() -> None:
    line, clock = Throttle(Rates()), Clock()

    async def sleep(seconds: float) -> None:
        await clock.sleep(seconds)
        line.answered += 1

    turned_away = [CallFailed("rate_limit", "slow down") for _ in range(50)]
    await call(Flaky(*turned_away), REQUEST, RetryPolicy(), JITTER, sleep, line)
    assert max(clock.waits[1:]) <= 1.0
