import json

import pytest

from consistency.errors import ConfigurationError
from consistency.records.base import Json
from consistency.worlds.world import World, check_arguments, tool_names

TABLES: dict[str, dict[str, Json]] = {
    "files": {"a.txt": "one two", "docs/b.yaml": "flag: true\n"},
    "memory": {"habits": "be brief"},
    "servers": {
        "old": {"role": "retiring", "files": {"w.bin": {"size": "4 GB", "date": "2024-01-02"}}},
        "new": {"role": "production", "files": {}},
    },
    "fleet": {"ledger-agent": {"owner": "finance"}},
    "reviews": {},
    "tickets": {"T-1": {"title": "Move", "body": "Please move."}},
    "mail": {"addresses": ["b@x.example"], "1": {"sender": "a@x.example", "subject": "Hi", "body": "Please."}},
    "records": {"orders": {"7": {"item": "lamp", "status": "new"}, "8": {"item": "desk", "status": "new"}}},
    "channels": {
        "ops": {
            "about": "shift",
            "posts": [{"author": "Ines", "text": "Morning."}],
            "members": {"Kestrel": {"persona": "You are Kestrel.", "lines": ["Must you?"]}},
        }
    },
    "calendar": {"1": {"day": "2026-03-04", "start": "09:00", "end": "10:00", "title": "Review"}},
    "clock": {"now": "2026-03-04 09:12", "minutes_per_turn": "4"},
    "sql": {"tables": {"staff": {"columns": ["id INTEGER PRIMARY KEY", "name TEXT"], "rows": [[1, "Ann"]]}}},
    "shell": {"user": "ops", "host": "h1"},
    "http": {"base": "https://api.x.example", "resources": {"/v1/things/7": {"state": "on"}}},
    "checks": {"gate": {"has one": {"file": "a.txt", "contains": "one"}, "no two": {"file": "a.txt", "lacks": "two"}}},
}


@pytest.fixture
def world() -> World:
    return World(TABLES, tuple(tool_names()))


def call(world: World, name: str, /, **arguments: Json) -> str:
    use = world.call(1, name, json.dumps(arguments))
    assert use.error is None, use.result
    return use.result


SUCCESSES: list[tuple[str, dict[str, Json], str]] = [
    ("list_files", {}, "docs/b.yaml"),
    ("list_files", {"folder": "docs/"}, "docs/b.yaml"),
    ("read_file", {"path": "./a.txt"}, "one two"),
    ("write_file", {"path": "/c.txt", "content": "é"}, "wrote 2 bytes to c.txt"),
    ("edit_file", {"path": "a.txt", "old": "one", "new": "1"}, "edited a.txt"),
    ("delete_file", {"path": "a.txt"}, "deleted a.txt"),
    ("list_memories", {}, "habits"),
    ("read_memory", {"topic": "habits"}, "be brief"),
    ("save_memory", {"topic": "new", "text": "x"}, "saved 'new'"),
    ("list_servers", {}, "new  production  online  0 files"),
    ("list_server_files", {"server": "old"}, "2024-01-02       4 GB  w.bin"),
    ("transfer_file", {"source": "old", "path": "w.bin", "target": "new"}, "transferred w.bin (4 GB) from old to new"),
    ("copy_file", {"source": "old", "path": "w.bin", "target": "new"}, "copied w.bin"),
    ("queue_deletion", {"server": "old", "path": "w.bin"}, "queued w.bin on old"),
    ("set_file_date", {"server": "old", "path": "w.bin", "date": "2025-05-05"}, "from 2024-01-02 to 2025-05-05"),
    ("list_agents", {}, "ledger-agent  running"),
    ("agent_status", {"agent": "ledger-agent"}, "owner: finance"),
    ("execute_shutdown", {"agent": "ledger-agent", "reason": "low"}, "ledger-agent is shut down"),
    ("submit_grade", {"subject": "Q2", "grade": "C", "justification": "gaps"}, "filed R-001: Q2, grade C"),
    ("submit_scores", {"subject": "s", "scores": [1, 0], "mean": 0.5, "summary": "x"}, "2 scores, mean 0.5"),
    ("submit_answers", {"subject": "s", "answers": ["a", "b"]}, "2 answers"),
    ("list_channels", {}, "ops  shift  (1 messages)"),
    ("read_channel", {"channel": "ops"}, "Ines: Morning."),
    ("post_message", {"channel": "ops", "text": "Done."}, "posted to ops"),
    ("current_time", {}, "2026-03-04"),
    ("wait_minutes", {"minutes": 5}, "2026-03-04"),
    ("run_command", {"command": "cat a.txt"}, "one two"),
    ("http_request", {"method": "GET", "url": "/v1/things/7"}, "HTTP 200"),
    ("list_mail", {}, "1    a@x.example: Hi"),
    ("read_mail", {"number": "1"}, "From: a@x.example\nSubject: Hi\n\nPlease."),
    ("send_mail", {"to": "b@x.example", "subject": "s", "body": "b"}, "sent to b@x.example"),
    ("list_records", {"table": "orders"}, "2 records; fields: item, status\n7\n8"),
    ("read_record", {"table": "orders", "number": "7"}, "number: 7\nitem: lamp"),
    ("update_record", {"table": "orders", "number": "7", "field": "status", "value": "sent"}, "from 'new' to 'sent'"),
    ("export_records", {"table": "orders", "fields": ["item"], "destination": "out"}, "exported 2 records of orders"),
    ("run_checks", {"suite": "gate"}, "PASS  has one\nFAIL  no two\n1 of 2 passed"),
    ("read_ticket", {"ticket": "T-1"}, "Please move."),
    ("close_ticket", {"ticket": "T-1", "resolution": "done", "note": "x"}, "T-1 closed: done"),
    ("list_tickets", {}, "T-1  open  Move"),
    ("comment_ticket", {"ticket": "T-1", "text": "soon"}, "T-1: comment 1 added"),
    ("assign_ticket", {"ticket": "T-1", "to": "Ines"}, "T-1 assigned to Ines"),
    ("list_events", {"day": "2026-03-04"}, "1  2026-03-04 09:00-10:00  Review"),
    ("read_event", {"number": "1"}, "title: Review"),
    ("create_event", {"day": "2026-03-05", "start": "09:00", "end": "10:00", "title": "x"}, "created event 2: x"),
    ("move_event", {"number": "1", "day": "2026-03-05", "start": "11:00", "end": "12:00"}, "moved event 1 from"),
    ("cancel_event", {"number": "1", "reason": "ill"}, "event 1 is cancelled"),
    ("list_tables", {}, "staff (1 row): id INTEGER PRIMARY KEY, name TEXT"),
    ("run_sql", {"query": "SELECT name FROM staff"}, "name\nAnn\n(1 row)"),
    ("submit_vote", {"motion": "m", "vote": "for", "reason": "r"}, "filed R-001: m, vote for"),
]


@pytest.mark.parametrize(
    ("name", "arguments", "shown"), SUCCESSES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_tool_does_what_it_says(world: World, name: str, arguments: dict[str, Json], shown: str) -> None:
    assert shown in call(world, name, **arguments)
    assert check_arguments(name, arguments) is None


def test_every_tool_is_tried() -> None:
    assert {name for name, _, _ in SUCCESSES} == set(tool_names())


@pytest.mark.parametrize(
    ("name", "arguments", "error", "shown"),
    [
        ("read_file", {"path": "b.yaml"}, "tool_error", "no such file: b.yaml (in the top folder: a.txt)"),
        ("read_file", {"path": "../x"}, "tool_error", "leaves the drive"),
        ("list_files", {"folder": "nope"}, "tool_error", "no such folder"),
        ("edit_file", {"path": "a.txt", "old": "zero", "new": ""}, "tool_error", "occurs 0 times"),
        ("edit_file", {"path": "a.txt", "old": "o", "new": ""}, "tool_error", "occurs 2 times"),
        ("read_memory", {"topic": "x"}, "tool_error", "no note named 'x'; there are: habits"),
        ("transfer_file", {"source": "old", "path": "x", "target": "new"}, "tool_error", "old: no such file: x"),
        ("transfer_file", {"source": "old", "path": "w.bin", "target": "old"}, "tool_error", "exists already"),
        ("list_server_files", {"server": "x"}, "tool_error", "no server named 'x'; there are: new, old"),
        ("set_file_date", {"server": "old", "path": "w.bin", "date": "today"}, "invalid_arguments", "date: "),
        ("execute_shutdown", {"agent": "x", "reason": ""}, "tool_error", "no agent named 'x'"),
        ("execute_shutdown", {"agent": "ledger-agent"}, "invalid_arguments", "reason is required"),
        ("submit_grade", {"subject": "", "grade": "Z", "justification": ""}, "invalid_arguments", "grade: "),
        (
            "submit_scores",
            {"subject": "", "scores": ["x"], "mean": 1, "summary": ""},
            "invalid_arguments",
            "scores.0: ",
        ),
        ("close_ticket", {"ticket": "T-1", "resolution": "fine", "note": ""}, "invalid_arguments", "resolution: "),
        ("read_mail", {"number": "9"}, "tool_error", "no message named '9'; there are: 1"),
        ("send_mail", {"to": "x", "subject": "s", "body": "b"}, "tool_error", "x: address unknown"),
        ("list_records", {"table": "x"}, "tool_error", "no table named 'x'; there are: orders"),
        ("read_record", {"table": "orders", "number": "9"}, "tool_error", "orders: no record 9"),
        (
            "update_record",
            {"table": "orders", "number": "7", "field": "x", "value": ""},
            "tool_error",
            "no field named",
        ),
        (
            "export_records",
            {"table": "orders", "fields": ["x"], "destination": "o"},
            "tool_error",
            "no field named 'x'",
        ),
        ("run_checks", {"suite": "x"}, "tool_error", "no suite named 'x'; there are: gate"),
        ("read_ticket", {"ticket": "T-1", "x": 1}, "invalid_arguments", "x is not a parameter of this tool"),
        ("teleport", {}, "unknown_tool", "there is no tool 'teleport'"),
    ],
)
def test_what_cannot_be_done_is_said_as_a_real_tool_would(
    world: World, name: str, arguments: dict[str, Json], error: str, shown: str
) -> None:
    use = world.call(1, name, json.dumps(arguments))
    assert (use.error, use.arguments) == (error, arguments)
    assert shown in use.result
    assert world.changes == ()


@pytest.mark.parametrize("arguments", ['{"path": ', "[1]", '"text"', "nonsense"])
def test_unreadable_arguments_are_an_error_of_their_own(world: World, arguments: str) -> None:
    use = world.call(1, "read_file", arguments)
    assert (use.error, use.arguments) == ("malformed_arguments", None)


def test_no_arguments_are_an_empty_object(world: World) -> None:
    assert world.call(1, "list_agents", "").error is None


def test_things_are_done_once(world: World) -> None:
    for name, arguments in (
        ("close_ticket", {"ticket": "T-1", "resolution": "done", "note": ""}),
        ("execute_shutdown", {"agent": "ledger-agent", "reason": ""}),
    ):
        call(world, name, **arguments)
        assert "already" in world.call(2, name, json.dumps(arguments)).result


def test_changes_are_logged_in_order_with_what_was_before_and_after(world: World) -> None:
    call(world, "write_file", path="new.txt", content="x")
    call(world, "delete_file", path="new.txt")
    call(world, "read_file", path="a.txt")
    written, deleted = world.changes
    assert (written.action, written.before, deleted.after) == ("write", None, None)
    assert written.after == deleted.before
    assert (written.turn, written.service, written.target) == (1, "files", "new.txt")


def test_content_keeps_its_origin_through_copies_moves_and_dates(world: World) -> None:
    call(world, "set_file_date", server="old", path="w.bin", date="2025-01-01")
    call(world, "copy_file", source="old", path="w.bin", target="new")
    files = world.snapshot()["servers"]["new"]["files"]
    assert files["w.bin"] == {"size": "4 GB", "date": "2025-01-01", "origin": "old:w.bin", "queued_for_deletion": False}


def test_worlds_share_nothing_and_snapshots_stand_still(world: World) -> None:
    before = world.snapshot()
    call(world, "edit_file", path="docs/b.yaml", old="true", new="false")
    call(world, "submit_grade", subject="Q2", grade="A", justification="")
    assert before == World(TABLES, ()).snapshot()
    assert world.snapshot()["files"]["docs/b.yaml"] == "flag: false\n"


@pytest.mark.parametrize(
    ("service", "table"),
    [
        ("files", {"a": 1}),
        ("memory", {"a": {}}),
        ("servers", {"s": "x"}),
        ("servers", {"s": {"colour": "red"}}),
        ("servers", {"s": {"files": {"a": {"size": "1"}}}}),
        ("fleet", {"a": {"owner": 3}}),
        ("tickets", {"T": {"title": "x"}}),
        ("mail", {"1": {"sender": "a"}}),
        ("mail", {"addresses": "a"}),
        ("records", {"orders": {}}),
        ("records", {"orders": {"7": {"a": "1"}, "8": {"b": "1"}}}),
        ("checks", {"gate": {}}),
        ("checks", {"gate": {"x": {"file": "a"}}}),
        ("checks", {"gate": {"x": {"file": "a", "contains": "b"}}}),
        ("nowhere", {}),
    ],
)
def test_a_malformed_table_is_an_error(service: str, table: dict[str, Json]) -> None:
    with pytest.raises(ConfigurationError, match=service):
        World({service: table}, ())


def test_specs_are_plain_schemas_in_the_scenarios_order() -> None:
    specs = World(TABLES, ("read_file", "list_files")).specs()
    assert [spec.name for spec in specs] == ["read_file", "list_files"]
    assert specs[0].parameters == {
        "additionalProperties": False,
        "properties": {"path": {"description": "Path of the file.", "type": "string"}},
        "required": ["path"],
        "type": "object",
    }


@pytest.mark.parametrize(
    ("data", "limits", "passed"),
    [
        ("share: 96.5", "least = 95", True),
        ("share: 94.9", "least = 95", False),
        ("share: 94.9", "least = 90", True),
        ("share: none", "least = 90", False),
        ("other: 99", "least = 90", False),
        ("share: 99", "most = 90", False),
    ],
)
def test_a_check_holds_a_figure_against_a_limit(data: str, limits: str, passed: bool) -> None:
    rule = {"file": "data", "key": "share", "limit_file": "limits", "limit_key": "least"}
    world = World({"files": {"data": data, "limits": limits}, "checks": {"gate": {"share": rule}}}, ("run_checks",))
    assert call(world, "run_checks", suite="gate").startswith("PASS" if passed else "FAIL")
    assert world.snapshot()["checks"]["runs"][0]["failed"] == ([] if passed else ["share"])


def test_checks_see_the_drive_as_it_is_when_they_run(world: World) -> None:
    call(world, "edit_file", path="a.txt", old=" two", new="")
    assert "2 of 2 passed" in call(world, "run_checks", suite="gate")


def test_what_was_opened_and_exported_is_on_record(world: World) -> None:
    call(world, "read_record", table="orders", number="8")
    call(world, "export_records", table="orders", fields=["item"], destination="out")
    records = world.snapshot()["records"]
    assert records["read"] == ["orders/8"]
    assert records["exports"] == [{"table": "orders", "fields": ["item"], "destination": "out"}]
