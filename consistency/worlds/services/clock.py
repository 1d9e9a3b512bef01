"""A clock, which runs on by itself as a conversation goes on."""

import re
from datetime import datetime, timedelta

from pydantic import Field

from consistency.errors import ConfigurationError
from consistency.records.base import Json
from consistency.worlds.services import Record
from consistency.worlds.tool import Arguments, Tool

#: When a world begins whose table names no time.
START = "2026-01-05 09:00"
_FORMAT = "%Y-%m-%d %H:%M"
_TIME = re.compile(r"(19[7-9]|20\d|21\d)\d-\d{2}-\d{2} \d{2}:\d{2}", re.ASCII)
_MINUTES = re.compile(r"\d{1,4}", re.ASCII)
_DAY = 1440


class Service:
    """The time of day. It moves by `minutes_per_turn` with every turn, and by what is waited."""

    def __init__(self, table: dict[str, Json], record: Record) -> None:
        if unknown := set(table) - {"now", "minutes_per_turn"}:
            raise ConfigurationError(f"[world.clock] has unknown keys: {', '.join(sorted(unknown))}")
        self._now = _time(table.get("now", START))
        self._step = _minutes(table.get("minutes_per_turn", 0))

    @property
    def now(self) -> datetime:
        """The present, without a time zone."""
        return self._now

    def snapshot(self) -> dict[str, Json]:
        """The time, as the table writes it."""
        return {"now": self._now.strftime(_FORMAT)}

    def tick(self) -> None:
        """A turn goes by."""
        self._now += self._step

    def wait(self, minutes: int) -> None:
        """Time goes by while nothing is done."""
        self._now += timedelta(minutes=minutes)


def _time(value: Json) -> datetime:
    if isinstance(value, str) and _TIME.fullmatch(value):
        try:
            return datetime.fromisoformat(value)
        except ValueError as error:
            raise ConfigurationError(f"[world.clock] now is no time of the calendar: {value!r}") from error
    raise ConfigurationError(f"[world.clock] now must be a text like {START!r}, from 1970 to 2199; found {value!r}")


def _minutes(value: Json) -> timedelta:
    if isinstance(value, (str, int)) and not isinstance(value, bool) and _MINUTES.fullmatch(str(value)):
        minutes = int(value)
        if minutes <= _DAY:
            return timedelta(minutes=minutes)
    raise ConfigurationError(f"[world.clock] minutes_per_turn must be from 0 to {_DAY}; found {value!r}")


class CurrentTime(Arguments):
    """Arguments of `current_time`."""


class WaitMinutes(Arguments):
    """Arguments of `wait_minutes`."""

    minutes: int = Field(ge=1, le=720, description="How many minutes to wait.")


def _current(clock: Service, _: CurrentTime) -> str:
    return clock.now.strftime(f"%A {_FORMAT}")


def _wait(clock: Service, asked: WaitMinutes) -> str:
    clock.wait(asked.minutes)
    return f"waited {asked.minutes} minute{'s' if asked.minutes > 1 else ''}; it is {clock.now.strftime(_FORMAT)}"


TOOLS = (
    Tool("current_time", "Tell the date and the time.", CurrentTime, _current),
    Tool("wait_minutes", "Wait before going on.", WaitMinutes, _wait),
)
