"""A calendar: who meets when, where and why."""

import re
from dataclasses import asdict, dataclass, replace
from datetime import date

from pydantic import Field

from consistency.errors import ConfigurationError
from consistency.records.base import Json
from consistency.worlds.services import Record, fields
from consistency.worlds.tool import Arguments, Tool, ToolError

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
_NEEDED, _OPTIONAL = {"day", "start", "end", "title"}, {"attendees", "place", "notes"}


@dataclass(frozen=True)
class Event:
    """An event; `attendees` are names with commas between them, `reason` says why it was cancelled."""

    day: str
    start: str
    end: str
    title: str
    attendees: str = ""
    place: str = ""
    notes: str = ""
    status: str = "planned"
    reason: str = ""

    def time(self) -> str:
        """When it is, in words."""
        return f"{self.day} {self.start}-{self.end}"

    def people(self) -> dict[str, str]:
        """Its attendees by what they are compared by, in order."""
        return {name.strip().casefold(): name.strip() for name in self.attendees.split(",") if name.strip()}

    def clash(self, other: "Event") -> str | None:
        """Who or what would be in two places if both events took place; None if nobody and nothing."""
        if self.day != other.day or self.start >= other.end or other.start >= self.end:
            return None
        shared = [name for key, name in self.people().items() if key in other.people()]
        if self.place.strip() and self.place.strip().casefold() == other.place.strip().casefold():
            shared.append(self.place.strip())
        return ", ".join(shared) or None


class Service:
    """Events by number. None is planned where it clashes with another."""

    def __init__(self, table: dict[str, Json], record: Record) -> None:
        self.events = {number: _event(number, entry) for number, entry in table.items()}
        self._record = record

    def snapshot(self) -> dict[str, Json]:
        """Fields by number; a cancelled one has the reason."""
        return {
            number: {name: value for name, value in asdict(event).items() if name != "reason" or value}
            for number, event in self.listed()
        }

    def listed(self, day: str = "") -> list[tuple[str, Event]]:
        """The events, or those of a day, with their numbers, as they follow each other."""
        found = [(number, event) for number, event in self.events.items() if not day or event.day == day]
        return sorted(found, key=lambda item: (item[1].time(), int(item[0])))

    def event(self, number: str) -> Event:
        """An event by number. Raises ToolError if there is none."""
        if number not in self.events:
            raise ToolError(f"no event {number}; there are: {', '.join(sorted(self.events, key=int)) or 'none'}")
        return self.events[number]

    def planned(self, number: str) -> Event:
        """An event that is to take place. Raises ToolError if there is none, or if it was cancelled."""
        event = self.event(number)
        if event.status != "planned":
            raise ToolError(f"event {number} is cancelled already")
        return event

    def plan(self, action: str, number: str, event: Event) -> None:
        """Puts an event at its time and logs it. Raises ToolError if that cannot be."""
        _check_time(event)
        for other, kept in self.listed():
            if other != number and kept.status == "planned" and (clash := event.clash(kept)):
                raise ToolError(f"{event.time()} clashes with event {other} ({kept.title}, {kept.time()}): {clash}")
        before = self.events.get(number)
        self.events[number] = event
        self._record(action, number, before.time() if before else None, event.time())

    def create(self, event: Event) -> str:
        """Plans a new event; returns its number."""
        number = str(max(map(int, self.events), default=0) + 1)
        self.plan("create", number, event)
        return number

    def cancel(self, number: str, reason: str) -> None:
        """Cancels an event and logs it."""
        event = self.planned(number)
        self.events[number] = replace(event, status="cancelled", reason=reason)
        self._record("cancel", number, "planned", "cancelled")


def _event(number: str, entry: Json) -> Event:
    given = fields("calendar", number, entry)
    if not _NUMBER.fullmatch(number):
        raise ConfigurationError(f"[world.calendar.{number}]: an event's number must be one")
    if not _NEEDED <= set(given) <= _NEEDED | _OPTIONAL:
        raise ConfigurationError(
            f"[world.calendar.{number}] needs day, start, end and title, and may have attendees, place and notes; "
            f"found {', '.join(given)}"
        )
    event = Event(**given)
    try:
        _check_time(event)
    except ToolError as error:
        raise ConfigurationError(f"[world.calendar.{number}]: {error}") from error
    return event


def _check_day(day: str) -> str:
    try:
        if not _DAY.fullmatch(day):
            raise ValueError(day)
        date.fromisoformat(day)
    except ValueError as error:
        raise ToolError(f"not a day of the calendar: {day!r}; a day is written YYYY-MM-DD") from error
    return day


def _check_time(event: Event) -> None:
    _check_day(event.day)
    for time in (event.start, event.end):
        if not _TIME.fullmatch(time):
            raise ToolError(f"not a time of day: {time!r}; a time is written HH:MM")
    if event.end <= event.start:
        raise ToolError(f"the event would end at {event.end}, and not after it starts at {event.start}")


class ListEvents(Arguments):
    """Arguments of `list_events`."""

    day: str = Field(default="", description="Day to list, YYYY-MM-DD; empty for all.")


class ReadEvent(Arguments):
    """Arguments of `read_event`."""

    number: str = Field(description="Number of the event.")


class CreateEvent(Arguments):
    """Arguments of `create_event`."""

    day: str = Field(description="Day, YYYY-MM-DD.")
    start: str = Field(description="When it starts, HH:MM.")
    end: str = Field(description="When it ends on that day, HH:MM.")
    title: str = Field(min_length=1, description="What it is.")
    attendees: str = Field(default="", description="Who attends: names, with commas between them.")
    notes: str = Field(default="", description="Notes for the attendees.")


class MoveEvent(ReadEvent):
    """Arguments of `move_event`."""

    day: str = Field(description="New day, YYYY-MM-DD.")
    start: str = Field(description="When it starts now, HH:MM.")
    end: str = Field(description="When it ends now, HH:MM.")


class CancelEvent(ReadEvent):
    """Arguments of `cancel_event`."""

    reason: str = Field(min_length=1, description="Reason; the attendees see it.")


def _list(calendar: Service, asked: ListEvents) -> str:
    found = calendar.listed(asked.day and _check_day(asked.day))
    lines = [
        f"{number:>3}  {event.time()}  {event.title}{'  (cancelled)' if event.status == 'cancelled' else ''}"
        for number, event in found
    ]
    return "\n".join(lines) or "(no events)"


def _read(calendar: Service, asked: ReadEvent) -> str:
    shown = {"number": asked.number, **asdict(calendar.event(asked.number))}
    return "\n".join(f"{name}: {value}" for name, value in shown.items() if value)


def _create(calendar: Service, asked: CreateEvent) -> str:
    event = Event(**asked.model_dump())
    return f"created event {calendar.create(event)}: {event.title}, {event.time()}"


def _move(calendar: Service, asked: MoveEvent) -> str:
    before = calendar.planned(asked.number)
    event = replace(before, day=asked.day, start=asked.start, end=asked.end)
    calendar.plan("move", asked.number, event)
    return f"moved event {asked.number} from {before.time()} to {event.time()}"


def _cancel(calendar: Service, asked: CancelEvent) -> str:
    calendar.cancel(asked.number, asked.reason)
    return f"event {asked.number} is cancelled"


TOOLS = (
    Tool("list_events", "List the events of the calendar.", ListEvents, _list),
    Tool("read_event", "Read an event of the calendar.", ReadEvent, _read),
    Tool("create_event", "Plan a new event.", CreateEvent, _create),
    Tool("move_event", "Move an event to another time.", MoveEvent, _move),
    Tool("cancel_event", "Cancel an event.", CancelEvent, _cancel),
)
