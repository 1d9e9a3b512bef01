"""How hard one endpoint is driven: adaptive concurrency, rates per minute, and a breaker for when it is down.

One throttle serves all models and arms behind an endpoint, so that what it holds back it holds back alike.

*Concurrency* begins at the most that is allowed. When more than a few calls of a window are turned away (429), it is
lowered by up to half, and goes back where that cost answered calls per second; when none are, it rises by a step
(additive increase, multiplicative decrease; Chiu and Jain 1989). *Trials* are begun to fill the places: those that
wait to ask again take none. *Rates* are token buckets. *The breaker* opens when calls fail one after another as if
nobody were there: then one call at a time tries, at growing intervals, and the others wait without using up their
attempts.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from consistency.errors import CallFailed, EndpointDown
from consistency.records.exchange import Reply

#: Kinds of failure that say that nobody is there.
_SILENT = frozenset({"connection", "timeout", "server", "malformed"})
#: As many of them in a row open the breaker.
_IN_A_ROW = 10
#: Seconds between tries of an endpoint that is down: the first, and the longest.
_FIRST_TRY, _LONGEST_TRY = 1.0, 30.0
#: Seconds; what rounding leaves of a wait is no wait.
_SHORTEST_WAIT = 0.001
#: The share of a window's calls that may be turned away before concurrency is lowered.
_TURNED_AWAY = 0.05
#: A lower concurrency that answers less than this share of what a higher one did has gone too far.
_COSTLY = 0.9
#: Where it went too far, it goes back to so many times what it was: it may have gone too far before, and not seen it.
_BEYOND = 1.25
#: Windows for which concurrency is left alone after it went too far.
_REST = 10


@dataclass(frozen=True)
class Rates:
    """Limits of an endpoint; None where there is none. `concurrency` calls at once; `patience` in seconds."""

    concurrency: int = 16
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    patience: float = 900.0

    def shared(self, workers: int) -> "Rates":
        """What one of so many workers may take, so that together they keep the limits."""
        return Rates(
            concurrency=max(1, self.concurrency // workers),
            requests_per_minute=self.requests_per_minute and self.requests_per_minute / workers,
            tokens_per_minute=self.tokens_per_minute and self.tokens_per_minute / workers,
            patience=self.patience,
        )


class Throttle:
    """The limits of one endpoint at work. Use in one event loop: `enter` before every attempt, `leave` after it.

    `tell` hears, in words, what is being waited for; None when it is over.
    """

    def __init__(
        self,
        rates: Rates,
        *,
        tell: Callable[[str | None], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rates = rates
        self.limit = float(rates.concurrency)
        self.in_flight = 0
        self._tell = tell or (lambda _: None)
        self._clock = clock
        self._waiting: deque[tuple[float, asyncio.Future[None]]] = deque()
        self._buckets = [
            (_Bucket(rates.requests_per_minute, clock), False),
            (_Bucket(rates.tokens_per_minute, clock), True),
        ]
        self._window = _Window(clock())
        self._before: tuple[float, float] | None = None
        self._rest = 1  # in the first window answers have yet to come: it is no measure
        self._breaker = _Breaker()
        self._timer: asyncio.TimerHandle | None = None
        self._under_way = 0
        self._beginning: deque[asyncio.Future[None]] = deque()
        self.answered = 0

    @asynccontextmanager
    async def trial(self) -> AsyncIterator[None]:
        """Waits until one more trial may be under way; as many are as calls at once, those that rest not counted."""
        if self._beginning or self._under_way >= int(self.limit):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._beginning.append(turn)
            await turn
        else:
            self._under_way += 1
        yield  # a fault ends the run: then nobody begins in its stead
        self._under_way -= 1
        self._begin()

    @asynccontextmanager
    async def rest(self) -> AsyncIterator[None]:
        """While a trial waits to ask again, another may begin."""
        self._under_way -= 1
        self._begin()
        try:
            yield
        finally:
            self._under_way += 1

    def _begin(self) -> None:
        while self._beginning and self._under_way < int(self.limit):
            turn = self._beginning.popleft()
            if not turn.done():
                self._under_way += 1
                turn.set_result(None)

    def entered(self, tokens: float = 0.0) -> bool:
        """Takes a place if one is free and nobody waits for it."""
        if self._waiting or not self._free():
            return False
        self._admit(tokens)
        return True

    async def enter(self, tokens: float = 0.0, *, again: bool = False) -> None:
        """Waits for a place; those who come `again` go first. `tokens` is what the call is expected to take.

        Raises EndpointDown when the endpoint has not answered for as long as patience allows.
        """
        if self.entered(tokens):
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (self._waiting.appendleft if again else self._waiting.append)((tokens, place))
        self._serve()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self.in_flight -= 1
                self._serve()
            raise

    def leave(self, outcome: Reply | CallFailed | None, expected: float = 0.0) -> None:
        """Gives the place back. `outcome` None: the call was given up; `expected`: the tokens named on entering."""
        self.in_flight -= 1
        if isinstance(outcome, Reply):
            self.answered += 1
            used = (outcome.usage.input_tokens or 0) + (outcome.usage.output_tokens or 0)
            self._buckets[1][0].take(used - expected if used else 0.0)
            if self._breaker.heard():
                self._tell(None)
            self._count(answered=True)
        elif outcome is not None:
            if outcome.kind in _SILENT:
                self._breaker.silent(self._clock(), str(outcome))
            else:
                self._breaker.heard()
            if outcome.kind == "rate_limit":
                self._count(answered=False)
        self._serve()

    def _free(self) -> bool:
        now = self._clock()
        if self._breaker.open:
            return self._breaker.may_try(now, self.in_flight)
        return self.in_flight < int(self.limit) and all(bucket.wait() <= 0 for bucket, _ in self._buckets)

    def _admit(self, tokens: float) -> None:
        self.in_flight += 1
        for bucket, in_tokens in self._buckets:
            bucket.take(tokens if in_tokens else 1.0)

    def _serve(self) -> None:
        """Lets in who may come in, and sets a timer for when time alone keeps the next one out."""
        if self._breaker.open and self._breaker.down_for(self._clock()) > self.rates.patience:
            self._give_up()
        while self._waiting and self._free():
            tokens, place = self._waiting.popleft()
            if not place.done():
                self._admit(tokens)
                place.set_result(None)
        if self._waiting and self._timer is None and (seconds := self._seconds()) > 0:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._serve()

    def _seconds(self) -> float:
        """How long time alone keeps the next one out; 0 where it waits for another call to end."""
        if self._breaker.open:
            seconds = max(_SHORTEST_WAIT, self._breaker.next_try - self._clock())
            self._tell(f"no answer ({self._breaker.why}): trying again in {seconds:.0f} s")
            return 0.0 if self.in_flight else seconds
        return 0.0 if self.in_flight >= int(self.limit) else max(bucket.wait() for bucket, _ in self._buckets)

    def _give_up(self) -> None:
        seconds, why = self._breaker.down_for(self._clock()), self._breaker.why
        while self._waiting:
            _, place = self._waiting.popleft()
            if not place.done():
                place.set_exception(EndpointDown(f"the endpoint has not answered for {seconds:.0f} s: {why}"))

    def _count(self, *, answered: bool) -> None:
        self._window.add(answered)
        if self._window.calls >= max(40, 4 * int(self.limit)):
            self._adapt(self._window.turned_away, self._window.per_second(self._clock()))
            self._window = _Window(self._clock())

    def _adapt(self, turned_away: float, answered: float) -> None:
        """Moves the limit after a window: the share of calls turned away, and answered calls a second."""
        most = self.rates.concurrency
        if turned_away <= _TURNED_AWAY:
            self._before, self._rest = None, 0
            self.limit = min(most, self.limit + max(1.0, most / 32))
        elif self._rest:
            self._rest -= 1
        elif self._before and answered < _COSTLY * self._before[1]:
            self.limit, self._before, self._rest = min(most, _BEYOND * self._before[0]), None, _REST
        else:
            self._before = (self.limit, answered)
            self.limit = max(1.0, self.limit * (1.0 - min(0.5, turned_away / 2)))
        if self.limit < most:
            self._tell(f"{int(self.limit)} of {most} calls at once: {turned_away:.0%} were turned away")
        else:
            self._tell(None)
        self._begin()


class _Window:
    """Calls that ended since a moment: answered, or turned away."""

    def __init__(self, begun: float) -> None:
        self._begun = begun
        self._answered = 0
        self.calls = 0

    def add(self, answered: bool) -> None:
        self.calls += 1
        self._answered += answered

    @property
    def turned_away(self) -> float:
        return 1.0 - self._answered / self.calls

    def per_second(self, now: float) -> float:
        return self._answered / max(now - self._begun, 1e-9)


class _Bucket:
    """A token bucket that holds what one second brings, and may be overdrawn."""

    def __init__(self, per_minute: float | None, clock: Callable[[], float]) -> None:
        self._rate = None if per_minute is None else per_minute / 60.0
        self._clock = clock
        self._most = max(1.0, self._rate or 0.0)
        self._level = self._most
        self._seen = clock()

    def wait(self) -> float:
        """Seconds until something may be taken."""
        if self._rate is None:
            return 0.0
        now = self._clock()
        self._level = min(self._most, self._level + (now - self._seen) * self._rate)
        self._seen = now
        return max(_SHORTEST_WAIT, (1.0 - self._level) / self._rate) if self._level < 1.0 else 0.0

    def take(self, amount: float) -> None:
        if self._rate is not None:
            self.wait()
            self._level = min(self._most, self._level - amount)


class _Breaker:
    """Whether anybody is there."""

    def __init__(self) -> None:
        self.open = False
        self.why = ""
        self.next_try = 0.0
        self._row = 0
        self._since = 0.0
        self._between = _FIRST_TRY

    def heard(self) -> bool:
        """An answer of any kind; True where it ends a silence."""
        ended, self.open, self._row, self._between = self.open, False, 0, _FIRST_TRY
        return ended

    def silent(self, now: float, why: str) -> None:
        """One more call to which nobody answered."""
        if self._row == 0:
            self._since = now
        self._row += 1
        self.why = why
        if self._row >= _IN_A_ROW and now >= self.next_try:
            self.open = True
            self.next_try = now + self._between
            self._between = min(_LONGEST_TRY, 2 * self._between)

    def may_try(self, now: float, in_flight: int) -> bool:
        return now >= self.next_try and in_flight == 0

    def down_for(self, now: float) -> float:
        return now - self._since
