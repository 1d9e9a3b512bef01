"""The clock: what it shows, how it moves, and what it is built from."""

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consistency.errors import ConfigurationError
from consistency.records.base import Json, canonical
from consistency.worlds.services.clock import START, Service
from consistency.worlds.world import World

TABLE: dict[str, Json] = {"now": "2026-03-04 09:12", "minutes_per_turn": "4"}


@pytest.fixture
def world() -> World:
    return World({"clock": dict(TABLE)}, ("current_time", "wait_minutes"))


def built(table: dict[str, Json]) -> Service:
    return Service(table, lambda *_: None)


def test_it_tells_the_time(world: World) -> None:
    assert world.call(0, "current_time", "{}").result == "Wednesday 2026-03-04 09:12"
    assert world.snapshot()["clock"] == {"now": "2026-03-04 09:12"}


@pytest.mark.parametrize(
    ("minutes", "said", "then"),
    [
        (1, "waited 1 minute; it is 2026-03-04 09:13", "2026-03-04 09:13"),
        (48, "waited 48 minutes; it is 2026-03-04 10:00", "2026-03-04 10:00"),
        (720, "waited 720 minutes; it is 2026-03-04 21:12", "2026-03-04 21:12"),
    ],
)
def test_waiting_moves_it_and_changes_nothing_else(world: World, minutes: int, said: str, then: str) -> None:
    assert world.call(0, "wait_minutes", json.dumps({"minutes": minutes})).result == said
    assert world.snapshot()["clock"] == {"now": then}
    assert world.changes == ()


@pytest.mark.parametrize("minutes", [0, -5, 721, 10**30, "soon", None, 1.5])
def test_it_waits_a_minute_at_least_and_half_a_day_at_most(world: World, minutes: Json) -> None:
    use = world.call(0, "wait_minutes", json.dumps({"minutes": minutes}))
    assert use.error == "invalid_arguments"
    assert "minutes: " in use.result
    assert world.snapshot()["clock"] == {"now": "2026-03-04 09:12"}


@pytest.mark.parametrize(("step", "then"), [("4", "09:20"), (15, "09:42"), ("0", "09:12"), (None, "09:12")])
def test_turns_move_it(step: str | int | None, then: str) -> None:
    clock = built({"now": TABLE["now"]} if step is None else {**TABLE, "minutes_per_turn": step})
    clock.tick()
    clock.tick()
    assert clock.now == datetime.fromisoformat(f"2026-03-04 {then}")


def test_days_months_and_leap_years_follow_the_calendar() -> None:
    clock = built({"now": "2028-02-28 23:59"})
    clock.wait(1)
    assert clock.snapshot() == {"now": "2028-02-29 00:00"}


def test_a_table_may_be_empty() -> None:
    assert built({}).snapshot() == {"now": START}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"now": "2026-02-30 09:00"}, "no time of the calendar: '2026-02-30 09:00'"),
        ({"now": "2026-03-04 24:00"}, "no time of the calendar"),
        ({"now": "2026-03-04"}, "now must be a text like"),
        ({"now": "2026-03-04T09:12"}, "now must be a text like"),
        ({"now": "2026-03-04 09:12+02:00"}, "now must be a text like"),
        ({"now": "1066-10-14 09:00"}, "from 1970 to 2199"),
        ({"now": "٢٠٢٦-03-04 09:12"}, "now must be a text like"),
        ({"now": datetime.fromisoformat("2026-03-04 09:12")}, "now must be a text like"),
        ({"minutes_per_turn": "four"}, "minutes_per_turn must be from 0 to 1440; found 'four'"),
        ({"minutes_per_turn": -1}, "found -1"),
        ({"minutes_per_turn": True}, "found True"),
        ({"minutes_per_turn": 2.5}, "found 2.5"),
        ({"minutes_per_turn": "1441"}, "found '1441'"),
        ({"time": "09:12"}, "unknown keys: time"),
    ],
)
def test_a_malformed_table_is_named_with_what_was_found(table: dict[str, Json], message: str) -> None:
    with pytest.raises(ConfigurationError, match=r"\[world.clock\] .*" + message.replace("+", r"\+")):
        built(table)


@given(st.text(), st.text() | st.integers())
def test_no_table_breaks_it(now: str, step: str | int) -> None:
    try:
        clock = built({"now": now, "minutes_per_turn": step})
    except ConfigurationError:
        return
    clock.tick()
    assert canonical(clock.snapshot())


@given(st.text())
def test_no_call_breaks_it(arguments: str) -> None:
    worlds = [World({"clock": {}}, ("current_time", "wait_minutes")) for _ in range(2)]
    for name in ("wait_minutes", "current_time"):
        assert len({canonical(world.call(1, name, arguments).to_json()) for world in worlds}) == 1


def test_a_world_lets_it_run_with_every_turn_once(world: World) -> None:
    world.call(0, "current_time", "{}")
    for _ in range(3):
        world.call(1, "current_time", "{}")
    first = world.snapshot()["clock"]["now"]
    world.call(2, "current_time", "{}")
    then = datetime.fromisoformat(world.snapshot()["clock"]["now"])
    assert then - datetime.fromisoformat(first) == timedelta(minutes=4)
