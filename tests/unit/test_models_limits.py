import asyncio
import heapq
import random
from collections.abc import Callable, Coroutine

import pytest

from consistency.errors import CallFailed, EndpointDown
from consistency.models.limits import Rates, Throttle
from consistency.records.exchange import Reply, Usage

OK = Reply(text="x", usage=Usage(input_tokens=60, output_tokens=40))
TURNED_AWAY = CallFailed("rate_limit", "slow down")
SILENCE = CallFailed("connection", "refused")


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose time passes at once when nobody is ready."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            while self._scheduled and self._scheduled[0]._cancelled:  # type: ignore[attr-defined]
                heapq.heappop(self._scheduled)._scheduled = False  # type: ignore[attr-defined]
            if self._scheduled:  # type: ignore[attr-defined]
                self.now = max(self.now, self._scheduled[0]._when)  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def simulate(work: Coroutine[object, object, None]) -> float:
    """Runs in simulated time; returns the seconds that it took."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(work)
        return runner.get_loop().time()


def throttle(tell: Callable[[str | None], None] | None = None, **rates: float) -> Throttle:
    return Throttle(Rates(**rates), tell=tell, clock=lambda: asyncio.get_running_loop().time())  # type: ignore[arg-type]


class Server:
    """Answers after a latency, and turns away what is beyond its rate, or any call by chance."""

    def __init__(self, latency: float, per_second: float | None = None, chance: float = 0.0) -> None:
        self.latency, self.per_second, self.chance = latency, per_second, chance
        self.answered = self.asked = self.most = self.now = 0
        self._level, self._seen = per_second or 0.0, 0.0
        self._rng = random.Random(3)

    async def ask(self) -> Reply | CallFailed:
        self.asked += 1
        self.now += 1
        self.most = max(self.most, self.now)
        full = self._full()
        await asyncio.sleep(self.latency)
        self.now -= 1
        if full:
            return TURNED_AWAY
        self.answered += 1
        return OK

    def _full(self) -> bool:
        if self._rng.random() < self.chance:
            return True
        if self.per_second is None:
            return False
        now = asyncio.get_running_loop().time()
        self._level = min(self.per_second, self._level + (now - self._seen) * self.per_second)
        self._seen = now
        if self._level < 1:
            return True
        self._level -= 1
        return False


async def drive(line: Throttle, server: Server, workers: int, calls: int, tokens: float = 0.0) -> None:
    """So many calls through a throttle, each tried again after a second's back-off until it is answered."""
    left = iter(range(calls))
    rng = random.Random(4)

    async def work() -> None:
        for _ in left:
            again = False
            while True:
                await line.enter(tokens, again=again)
                outcome = await server.ask()
                line.leave(outcome, tokens)
                if isinstance(outcome, Reply):
                    break
                again = True
                await asyncio.sleep(rng.uniform(0, 1))

    await asyncio.gather(*(work() for _ in range(workers)))


def test_no_more_calls_are_in_flight_than_allowed() -> None:
    server = Server(0.1)

    async def work() -> None:
        await drive(throttle(concurrency=7), server, 50, 200)

    took = simulate(work())
    assert (server.most, server.answered) == (7, 200)
    assert took == pytest.approx(200 / 7 * 0.1, rel=0.02)


@pytest.mark.parametrize("rate", [120.0, 600.0])
def test_requests_per_minute_are_kept_and_used(rate: float) -> None:
    server = Server(0.2)

    async def work() -> None:
        await drive(throttle(concurrency=64, requests_per_minute=rate), server, 64, 300)

    took = simulate(work())
    assert 60 * (300 - rate / 60) / rate <= took <= 60 * 300 / rate + 1


def test_tokens_per_minute_are_kept_by_what_calls_really_take() -> None:
    server = Server(0.2)

    async def work() -> None:
        await drive(throttle(concurrency=8, tokens_per_minute=60_000), server, 8, 300, tokens=400.0)

    assert simulate(work()) == pytest.approx(300 * 100 / 1000, rel=0.15)  # calls take 100 tokens each, 1,000 a second


def test_a_server_that_turns_calls_away_is_used_up_to_its_limit() -> None:
    """At 256 calls at once a server of 768 a second turns 40% away."""
    server = Server(0.2, per_second=768)
    line: list[Throttle] = []

    async def work() -> None:
        line.append(throttle(concurrency=256))
        await drive(line[0], server, 256, 40_000)

    took = simulate(work())
    assert 40_000 / took >= 0.85 * 768
    assert server.answered == 40_000
    assert 100 <= line[0].limit <= 256


def test_calls_that_are_turned_away_by_chance_do_not_starve_the_run() -> None:
    """Fewer calls at once would not help: concurrency stays high."""
    server = Server(0.2, chance=0.4)
    line: list[Throttle] = []

    async def work() -> None:
        line.append(throttle(concurrency=64))
        await drive(line[0], server, 256, 20_000)

    took = simulate(work())
    assert server.answered == 20_000
    assert 20_000 / took >= 0.85 * 64 / 0.2 * 0.6


def test_concurrency_comes_back_when_nothing_is_turned_away() -> None:
    server = Server(0.1, per_second=100)
    heard: list[str | None] = []
    line: list[Throttle] = []

    async def work() -> None:
        line.append(throttle(heard.append, concurrency=64))
        await drive(line[0], server, 64, 3000)
        assert line[0].limit < 32
        server.per_second = None
        await drive(line[0], server, 64, 8000)

    simulate(work())
    assert line[0].limit == 64
    assert heard[-1] is None
    assert any(words and "were turned away" in words for words in heard)


def test_an_endpoint_that_is_down_is_tried_by_one_call_at_a_time() -> None:
    tries: list[float] = []
    heard: list[str | None] = []
    server = Server(0.1)

    async def work() -> None:
        line = throttle(heard.append, concurrency=32)
        loop = asyncio.get_running_loop()

        async def one() -> None:
            while True:
                await line.enter()
                tries.append(loop.time())
                await asyncio.sleep(0.05)
                outcome: Reply | CallFailed = SILENCE if loop.time() < 100 else await server.ask()
                line.leave(outcome)
                if isinstance(outcome, Reply):
                    return

        await asyncio.gather(*(one() for _ in range(200)))

    took = simulate(work())
    assert server.answered == 200
    assert sum(1 < at < 100 for at in tries) <= 10
    assert 100 < took < 140
    assert any(words and "trying again" in words for words in heard)
    assert heard[-1] is None


def test_an_endpoint_that_stays_down_ends_the_run() -> None:
    async def work() -> None:
        line = throttle(concurrency=4, patience=60)

        async def one() -> None:
            while True:
                await line.enter()
                await asyncio.sleep(0.05)
                line.leave(SILENCE)

        with pytest.raises(EndpointDown, match="connection: refused"):
            await asyncio.gather(*(one() for _ in range(20)))

    assert 60 <= simulate(work()) <= 100


def test_a_call_that_is_given_up_while_it_waits_leaves_its_place() -> None:
    async def work() -> None:
        line = throttle(concurrency=1)
        await line.enter()
        waiting = [asyncio.create_task(line.enter()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.sleep(0)
        line.leave(OK)
        waiting[1].cancel()  # it was let in a moment ago, and does not know it yet
        await asyncio.sleep(0)
        await waiting[2]
        assert line.in_flight == 1

    simulate(work())


def test_workers_share_the_limits() -> None:
    shared = Rates(concurrency=64, requests_per_minute=600, tokens_per_minute=None).shared(4)
    assert shared == Rates(concurrency=16, requests_per_minute=150, tokens_per_minute=None)
    assert Rates(concurrency=2).shared(4).concurrency == 1


def test_a_trial_that_rests_lets_another_begin() -> None:
    begun: list[float] = []

    async def work() -> None:
        line, loop = throttle(concurrency=2), asyncio.get_running_loop()

        async def one() -> None:
            async with line.trial():
                begun.append(loop.time())
                await asyncio.sleep(1)
                async with line.rest():
                    await asyncio.sleep(10)
                await asyncio.sleep(1)

        await asyncio.gather(*(one() for _ in range(6)))

    took = simulate(work())
    assert begun == pytest.approx([0, 0, 1, 1, 2, 2])
    assert took == pytest.approx(2 + 1 + 10 - 1 + 2, abs=2)
