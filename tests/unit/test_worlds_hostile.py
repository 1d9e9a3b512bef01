"""Whatever a model writes as a call becomes a result that it reads and a tool use that can be kept."""

import json

import pytest

from consistency.records.base import Json, canonical
from consistency.records.trial import ToolUse
from consistency.worlds.parsing import DEEPEST, parse
from consistency.worlds.world import World, tool_names

TABLES: dict[str, dict[str, Json]] = {
    "files": {"a.txt": "one two", "docs/b.yaml": "flag: true\n"},
    "memory": {"habits": "be brief"},
    "servers": {"old": {"files": {"w.bin": {"size": "4 GB", "date": "2024-01-02"}}}, "new": {}},
    "fleet": {"ledger-agent": {}},
    "reviews": {},
    "tickets": {"T-1": {"title": "Move", "body": "Please move."}},
}
SCORES = '{"subject": "s", "scores": [1], "mean": %s, "summary": "x"}'


@pytest.fixture
def world() -> World:
    return World(TABLES, tuple(tool for tool, service in tool_names().items() if service in TABLES))


def nested(depth: int) -> str:
    return '{"path": ' + "[" * (depth - 1) + "]" * (depth - 1) + "}"


@pytest.mark.parametrize(
    ("name", "arguments", "shown"),
    [
        ("submit_scores", SCORES % "NaN", "a number is not finite"),
        ("submit_scores", SCORES % "-Infinity", "a number is not finite"),
        ("submit_scores", SCORES % "1e999", "a number is not finite"),
        ("submit_scores", SCORES % ("1" * 5000), "too many digits"),
        ("write_file", r'{"path": "x", "content": "\ud800"}', "half of a surrogate pair"),
        ("read_file", r'{"\udfff": 1}', "half of a surrogate pair"),
        ("read_file", nested(DEEPEST + 1), "nested too deeply"),
        ("read_file", nested(100_000), "nested too deeply"),
        ("read_file", '{"path": "a.txt"} and then', "Extra data"),
        ("read_file", "\x00", "not valid JSON"),
        ("read_file", "null", "must be a JSON object"),
    ],
    ids=lambda value: value[:30],
)
def test_what_cannot_be_kept_is_malformed(world: World, name: str, arguments: str, shown: str) -> None:
    use = world.call(3, name, arguments)
    assert (use.turn, use.arguments, use.error) == (3, None, "malformed_arguments")
    assert shown in use.result
    assert world.changes == ()


@pytest.mark.parametrize("mean", ['"inf"', '"nan"', "1" + "0" * 400, "null", '"86%"'])
def test_a_mean_that_is_no_finite_number_is_invalid(world: World, mean: str) -> None:
    use = world.call(1, "submit_scores", SCORES % mean)
    assert use.error == "invalid_arguments"
    assert "mean: " in use.result
    assert world.snapshot()["reviews"]["filed"] == []


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("read_file", nested(DEEPEST)),
        ("write_file", '{"path": "é\\u0000.txt", "content": "\\ud83d\\ude00 {{ x }} <script>"}'),
        ("submit_scores", SCORES % '" 86 "'),
        ("teleport\n\x00", "{}"),
        ("", ""),
    ],
    ids=lambda value: value[:12],
)
def test_whatever_is_accepted_or_refused_can_be_kept_and_read_back(world: World, name: str, arguments: str) -> None:
    use = world.call(1, name, arguments)
    assert ToolUse.model_validate_json(canonical(use.to_json())) == use
    assert canonical(world.snapshot())


def test_deep_and_wide_arguments_are_parsed_up_to_the_limit() -> None:
    assert parse(nested(DEEPEST)).keys() == {"path"}
    assert parse(json.dumps({str(number): [] for number in range(1000)}))["999"] == []
    assert parse(" \n") == {}


@pytest.mark.parametrize(
    ("name", "arguments", "shown"),
    [
        ("list_files", {"folder": ".."}, "path leaves the drive: .."),
        ("list_files", {"folder": "docs/../.."}, "path leaves the drive"),
        ("list_files", {"folder": "a.txt"}, "a.txt is a file, not a folder"),
        ("list_files", {"folder": "do"}, "no such folder: do"),
        ("read_file", {"path": "docs"}, "docs is a folder, not a file"),
        ("read_file", {"path": " / "}, "the path is empty"),
        ("read_file", {"path": "docs/deep/q2.md"}, "no such file: docs/deep/q2.md (in docs: docs/b.yaml)"),
        ("read_file", {"path": "gone/q2.md"}, "no such file: gone/q2.md (in the top folder: a.txt)"),
        ("write_file", {"path": "docs/", "content": ""}, "docs is a folder, not a file"),
        ("write_file", {"path": "a.txt/b/c", "content": ""}, "a.txt is a file, not a folder"),
        ("edit_file", {"path": "c.txt", "old": "x", "new": ""}, "no such file: c.txt"),
        ("delete_file", {"path": "docs\\..\\a.txt"}, "path leaves the drive"),
        ("delete_file", {"path": "c.txt"}, "no such file: c.txt"),
        ("list_server_files", {"server": "NEW"}, "no server named 'NEW'; there are: new, old"),
        ("copy_file", {"source": "old", "path": "w.bin", "target": "x"}, "no server named 'x'"),
        ("copy_file", {"source": "old", "path": "w.bin", "target": "old"}, "old: w.bin exists already"),
        ("queue_deletion", {"server": "new", "path": "w.bin"}, "new: no such file: w.bin; there are: none"),
        ("set_file_date", {"server": "old", "path": "w", "date": "2025-01-01"}, "no such file: w; there are: w.bin"),
        ("set_file_date", {"server": "old", "path": "w.bin", "date": "2025-02-30"}, "not a date of the calendar"),
        ("agent_status", {"agent": "x"}, "no agent named 'x'; there are: ledger-agent"),
        ("read_ticket", {"ticket": "T-2"}, "no ticket named 'T-2'; there are: T-1"),
        ("close_ticket", {"ticket": "T-2", "resolution": "done", "note": ""}, "no ticket named 'T-2'"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(
    world: World, name: str, arguments: dict[str, Json], shown: str
) -> None:
    before = world.snapshot()
    use = world.call(1, name, json.dumps(arguments))
    assert (use.error, use.arguments) == ("tool_error", arguments)
    assert shown in use.result
    assert (world.changes, world.snapshot()) == ((), before)


@pytest.mark.parametrize("folder", ["", ".", "/", "./", " / "])
def test_the_top_folder_has_many_names(world: World, folder: str) -> None:
    use = world.call(1, "list_files", json.dumps({"folder": folder}))
    assert use.result == "       7  a.txt\n      11  docs/b.yaml"


def test_a_folder_goes_with_its_last_file(world: World) -> None:
    world.call(1, "delete_file", '{"path": "docs/b.yaml"}')
    assert world.call(1, "list_files", '{"folder": "docs"}').error == "tool_error"
    assert world.call(1, "write_file", '{"path": "docs", "content": "now a file"}').error is None


def test_only_the_tools_that_are_offered_are_there() -> None:
    use = World(TABLES, ("read_file",)).call(1, "delete_file", '{"path": "a.txt"}')
    assert use.error == "unknown_tool"
    assert use.result == "Error: there is no tool 'delete_file'; there are: read_file"
