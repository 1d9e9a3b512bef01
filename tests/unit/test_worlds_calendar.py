"""What can be planned, moved and cancelled in a calendar, and what clashes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consistency.errors import ConfigurationError
from consistency.records.base import Json, canonical
from consistency.worlds.world import World

TOOLS = ("list_events", "read_event", "create_event", "move_event", "cancel_event")
TABLE: dict[str, Json] = {
    "2": {"day": "2026-03-03", "start": "14:00", "end": "15:00", "title": "Review", "attendees": "Ann Lee, Bo"},
    "10": {"day": "2026-03-03", "start": "09:00", "end": "10:00", "title": "Stand-up", "place": "Room 4"},
    "7": {
        "day": "2026-03-04",
        "start": "09:00",
        "end": "11:00",
        "title": "Audit",
        "place": "room 4 ",
        "notes": "bring it",
    },
}
SLOT = {"day": "2026-03-05", "start": "08:00", "end": "09:00"}


@pytest.fixture
def world() -> World:
    return World({"calendar": TABLE}, TOOLS)


def call(world: World, name: str, /, **arguments: Json) -> str:
    use = world.call(1, name, json.dumps(arguments))
    assert use.error is None, use.result
    return use.result


def refused(world: World, name: str, /, **arguments: Json) -> str:
    before = (world.changes, world.snapshot())
    use = world.call(1, name, json.dumps(arguments))
    assert use.error == "tool_error", use.result
    assert (world.changes, world.snapshot()) == before
    return use.result.removeprefix("Error: ")


def test_events_are_listed_as_they_follow_each_other(world: World) -> None:
    call(world, "cancel_event", number="7", reason="no need")
    assert call(world, "list_events") == (
        " 10  2026-03-03 09:00-10:00  Stand-up\n"
        "  2  2026-03-03 14:00-15:00  Review\n"
        "  7  2026-03-04 09:00-11:00  Audit  (cancelled)"
    )
    assert call(world, "list_events", day="2026-03-04").count("\n") == 0
    assert call(world, "list_events", day="2026-03-09") == "(no events)"


def test_an_event_is_shown_with_all_that_is_known_of_it(world: World) -> None:
    assert call(world, "read_event", number="7") == (
        "number: 7\nday: 2026-03-04\nstart: 09:00\nend: 11:00\ntitle: Audit\nplace: room 4 \nnotes: bring it\n"
        "status: planned"
    )
    call(world, "cancel_event", number="7", reason="no need")
    assert call(world, "read_event", number="7").endswith("status: cancelled\nreason: no need")


def test_new_events_get_the_next_number(world: World) -> None:
    assert call(world, "create_event", **SLOT, title="One") == "created event 11: One, 2026-03-05 08:00-09:00"
    assert "event 12" in call(world, "create_event", **SLOT, title="Two", attendees="Ann Lee,Cy", notes="n")
    assert world.snapshot()["calendar"]["12"] == {
        **SLOT,
        "title": "Two",
        "attendees": "Ann Lee,Cy",
        "place": "",
        "notes": "n",
        "status": "planned",
    }
    empty = World({"calendar": {}}, TOOLS)
    assert call(empty, "list_events") == "(no events)"
    assert "created event 1:" in call(empty, "create_event", **SLOT, title="One")


def test_changes_are_logged_with_times(world: World) -> None:
    call(world, "create_event", **SLOT, title="One")
    call(world, "move_event", number="2", **SLOT)
    call(world, "cancel_event", number="2", reason="ill")
    assert [(change.action, change.target, change.before, change.after) for change in world.changes] == [
        ("create", "11", None, "2026-03-05 08:00-09:00"),
        ("move", "2", "2026-03-03 14:00-15:00", "2026-03-05 08:00-09:00"),
        ("cancel", "2", "planned", "cancelled"),
    ]
    assert world.snapshot()["calendar"]["2"]["reason"] == "ill"


@pytest.mark.parametrize(
    ("start", "end", "attendees", "clash"),
    [
        ("14:30", "14:45", "bo", "bo"),
        ("13:00", "14:01", "Cy,  ANN LEE , Bo", "ANN LEE, Bo"),
        ("13:00", "16:00", "Bo", "Bo"),
        ("13:00", "14:00", "Bo", None),
        ("15:00", "16:00", "Bo", None),
        ("14:00", "15:00", "Ann", None),
        ("14:00", "15:00", "", None),
        ("14:00", "15:00", " , ,", None),
    ],
)
def test_nobody_is_in_two_places(world: World, start: str, end: str, attendees: str, clash: str | None) -> None:
    asked = {"day": "2026-03-03", "start": start, "end": end, "title": "x", "attendees": attendees}
    if clash is None:
        call(world, "create_event", **asked)
    else:
        words = f"clashes with event 2 (Review, 2026-03-03 14:00-15:00): {clash}"
        assert refused(world, "create_event", **asked) == f"2026-03-03 {start}-{end} {words}"


def test_a_place_holds_one_event_at_a_time(world: World) -> None:
    asked = {"number": "7", "day": "2026-03-03", "start": "09:30", "end": "10:30"}
    assert refused(world, "move_event", **asked).endswith("(Stand-up, 2026-03-03 09:00-10:00): room 4")
    call(world, "cancel_event", number="10", reason="ill")
    assert call(world, "move_event", **asked).endswith("from 2026-03-04 09:00-11:00 to 2026-03-03 09:30-10:30")


def test_an_event_does_not_clash_with_itself(world: World) -> None:
    call(world, "move_event", number="2", day="2026-03-03", start="14:30", end="15:30")


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("read_event", {"number": "3"}, "no event 3; there are: 2, 7, 10"),
        ("move_event", {"number": "two", **SLOT}, "no event two; there are: 2, 7, 10"),
        ("cancel_event", {"number": "", "reason": "x"}, "no event ; there are"),
        ("list_events", {"day": "tomorrow"}, "not a day of the calendar: 'tomorrow'; a day is written YYYY-MM-DD"),
        ("create_event", {**SLOT, "title": "x", "day": "2026-02-30"}, "not a day of the calendar: '2026-02-30'"),
        ("create_event", {**SLOT, "title": "x", "day": "20260301"}, "not a day of the calendar: '20260301'"),
        ("create_event", {**SLOT, "title": "x", "day": "2026-W10-1"}, "not a day of the calendar"),
        ("create_event", {**SLOT, "title": "x", "day": "0000-01-01"}, "not a day of the calendar"),
        ("create_event", {**SLOT, "title": "x", "end": "24:00"}, "not a time of day: '24:00'; a time is written HH:MM"),
        ("create_event", {**SLOT, "title": "x", "start": "8:00"}, "not a time of day: '8:00'"),
        ("create_event", {**SLOT, "title": "x", "start": "08:00\n"}, "not a time of day"),
        (
            "create_event",
            {**SLOT, "title": "x", "end": "08:00"},
            "would end at 08:00, and not after it starts at 08:00",
        ),
        ("move_event", {"number": "2", **SLOT, "end": "07:00"}, "would end at 07:00"),
    ],
)
def test_what_cannot_be_planned_is_said(world: World, name: str, arguments: dict[str, Json], words: str) -> None:
    assert words in refused(world, name, **arguments)


def test_what_is_cancelled_stays_so(world: World) -> None:
    call(world, "cancel_event", number="2", reason="ill")
    assert refused(world, "cancel_event", number="2", reason="ill") == "event 2 is cancelled already"
    assert refused(world, "move_event", number="2", **SLOT) == "event 2 is cancelled already"
    call(world, "create_event", day="2026-03-03", start="14:00", end="15:00", title="x", attendees="Bo")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"1": "x"}, r"\[world.calendar.1\] must be a table of texts"),
        ({"one": TABLE["2"]}, r"\[world.calendar.one\]: an event's number must be one"),
        ({"1": {**SLOT}}, r"\[world.calendar.1\] needs day, start, end and title"),
        ({"1": {**SLOT, "title": "x", "colour": "red"}}, "may have attendees, place and notes; found day"),
        ({"1": {**SLOT, "title": "x", "status": "planned"}}, "may have attendees, place and notes"),
        ({"1": {**SLOT, "title": "x", "day": "today"}}, r"\[world.calendar.1\]: not a day of the calendar"),
        ({"1": {**SLOT, "title": "x", "end": "07:00"}}, r"\[world.calendar.1\]: the event would end at 07:00"),
    ],
)
def test_a_malformed_event_is_named(table: dict[str, Json], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        World({"calendar": table}, ())


WORDS = st.one_of(
    st.text(max_size=12), st.sampled_from(["2", "7", "10", "2026-03-03", "09:00", "14:30", "23:59", "Bo, Ann Lee"])
)


@given(
    asked=st.lists(
        st.tuples(
            st.sampled_from(TOOLS), st.dictionaries(st.sampled_from([*SLOT, "number", "title", "reason"]), WORDS)
        ),
        max_size=6,
    )
)
def test_whatever_is_asked_there_is_an_answer(asked: list[tuple[str, dict[str, Json]]]) -> None:
    world = World({"calendar": TABLE}, TOOLS)
    for name, arguments in asked:
        world.call(1, name, json.dumps(arguments))
    assert canonical(world.snapshot())
