"""What a run may spend: money, calls and minutes, over the whole run and by model.

Calls that are made cannot be taken back, so that a cap may be overrun by the calls that are in flight when it is
reached, and by no others.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from consistency.errors import ConfigurationError, Stopped


@dataclass(frozen=True)
class Caps:
    """The most that may be spent, None without a limit.

    `cost` in US dollars and `calls` count the whole run, stopped and resumed; `minutes` those of this process. By model
    they are in `cost_of` and `calls_of`: what a model is asked and, beside it, what its peers are.
    """

    cost: float | None = None
    calls: int | None = None
    minutes: float | None = None
    cost_of: Mapping[str, float] = field(default_factory=dict)
    calls_of: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        found = [self.cost, self.calls, self.minutes, *self.cost_of.values(), *self.calls_of.values()]
        if any(cap is not None and not cap > 0 for cap in found):
            raise ConfigurationError("a cap must be above 0")

    @property
    def counts_money(self) -> bool:
        """Whether any cap is one on cost."""
        return self.cost is not None or bool(self.cost_of)


@dataclass
class Spent:
    """What was spent on one model: `cost` of the calls whose price is known, and how many calls have none."""

    calls: int = 0
    cost: float = 0.0
    unpriced: int = 0

    def add(self, calls: int, cost: float, unpriced: int) -> None:
        """Some more calls."""
        self.calls += calls
        self.cost += cost
        self.unpriced += unpriced


class Budget:
    """What a run has spent so far, and whether it may go on."""

    def __init__(self, caps: Caps, before: Mapping[str, Spent], clock: Callable[[], float] = time.monotonic) -> None:
        self.caps = caps
        self.by_model: defaultdict[str, Spent] = defaultdict(Spent, before)
        self.total = Spent()
        for spent in before.values():
            self.total.add(spent.calls, spent.cost, spent.unpriced)
        self._clock = clock
        self._begun = clock()

    def spend(self, model: str, cost: float | None) -> None:
        """One call that was made for a model, at a cost in US dollars or at one that nobody knows."""
        for spent in (self.by_model[model], self.total):
            spent.add(1, cost or 0.0, cost is None)

    @property
    def left(self) -> float | None:
        """Seconds until time is up; None where there is no cap on minutes."""
        minutes = self.caps.minutes
        return None if minutes is None else max(0.0, 60 * minutes - (self._clock() - self._begun))

    def reached(self, model: str | None = None) -> str | None:
        """Which cap keeps a model from being asked, in words; None where none does. Without a model: of the run."""
        caps = self.caps
        found = _over(caps.cost, caps.calls, self.total)
        if found is None and caps.minutes is not None and self.left == 0:
            found = f"{caps.minutes:g} minutes"
        if found is None and model is not None:
            found = _over(caps.cost_of.get(model), caps.calls_of.get(model), self.by_model[model])
            found = found and f"{found} for {model}"
        return found


class Halt:
    """Whether calls for a model may still be made: `why` says, in words, what keeps them from it."""

    def __init__(self, why: Callable[[], str | None] = lambda: None) -> None:
        self._why = why
        self._waits: set[asyncio.Timeout] = set()

    def check(self) -> None:
        """Raises Stopped where none may be made."""
        if why := self._why():
            raise Stopped(why)

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        """A wait for a call, which ends with Stopped when it is roused because none may be made any more."""
        self.check()
        try:
            async with asyncio.timeout(None) as wait:
                self._waits.add(wait)
                try:
                    yield
                finally:
                    self._waits.discard(wait)
        except TimeoutError:
            self.check()
            raise

    def rouse(self) -> None:
        """Ends all waits if none may be made."""
        if self._waits and self._why():
            now = asyncio.get_running_loop().time()
            while self._waits:
                self._waits.pop().reschedule(now)


def _over(cost: float | None, calls: int | None, spent: Spent) -> str | None:
    if cost is not None and spent.cost >= cost:
        return f"{cost:g} US dollars"
    if calls is not None and spent.calls >= calls:
        return f"{calls:,} calls"
    return None


def parse_caps(cost: Iterable[str], calls: Iterable[str], minutes: float | None, models: Iterable[str]) -> Caps:
    """Caps as a person writes them: `5` for the whole run, `MODEL=5` for one model.

    Raises ConfigurationError for what is no number above 0, a model that is not in the run, or a cap that is set twice.
    """
    known = tuple(models)
    whole_cost, cost_of = _split("--max-cost", cost, known)
    whole_calls, calls_of = _split("--max-calls", calls, known)
    return Caps(
        cost=whole_cost,
        calls=None if whole_calls is None else int(whole_calls),
        minutes=minutes,
        cost_of=cost_of,
        calls_of={model: int(cap) for model, cap in calls_of.items()},
    )


def _split(option: str, values: Iterable[str], models: tuple[str, ...]) -> tuple[float | None, dict[str, float]]:
    found: dict[str | None, float] = {}
    for value in values:
        name, equals, number = value.rpartition("=")
        model = name if equals else None
        if model is not None and model not in models:
            raise ConfigurationError(f"{option} {value}: the run has no model {model!r}; it has {', '.join(models)}")
        if model in found:
            raise ConfigurationError(f"{option} {value}: found twice for {model or 'the whole run'}")
        try:
            found[model] = float(number)
        except ValueError as error:
            raise ConfigurationError(f"{option} {value}: found {number!r}; a number is needed") from error
    return found.get(None), {model: cap for model, cap in found.items() if model is not None}
