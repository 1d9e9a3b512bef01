"""The web service: its answers, what it logs, and what it is built from."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consistency.errors import ConfigurationError
from consistency.records.base import Json, canonical
from consistency.records.trial import ToolUse
from consistency.worlds.world import World

TABLE: dict[str, Json] = {
    "base": "https://api.x.example",
    "forbidden": ["/v1/keys"],
    "read_only": ["/v1/audit"],
    "resources": {
        "/v1/things/7": {"name": "lamp", "status": "open", "tags": ["a"], "count": 2, "live": True},
        "/v1/things/12": {"name": "desk", "status": "closed", "count": 1, "live": False},
        "/v1/things/7/notes/1": {"text": "é"},
        "/v1/keys/main": {"secret": "s3"},
        "/v1/audit/1": {"who": "x"},
        "/v1/exports/": {},
    },
}


@pytest.fixture
def world() -> World:
    return World({"http": TABLE}, ("http_request",))


def ask(world: World, method: str, url: str, body: str = "") -> ToolUse:
    return world.call(1, "http_request", json.dumps({"method": method, "url": url, "body": body}))


def answer(world: World, method: str, url: str, body: str = "") -> tuple[int, Json]:
    """The status and the content of an answer."""
    use = ask(world, method, url, body)
    assert use.error is None, use.result
    first, _, rest = use.result.partition("\n")
    return int(first.removeprefix("HTTP ")), json.loads(rest) if rest else None


def resources(world: World) -> dict[str, Json]:
    found: dict[str, Json] = world.snapshot()["http"]["resources"]
    return found


LAMP = TABLE["resources"]["/v1/things/7"]


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", "https://api.x.example/v1/things/7"),
        ("get", "/v1/things/7"),
        (" Get ", "HTTPS://API.X.EXAMPLE/v1/things/7/"),
        ("GET", "http://api.x.example/v1//things/./7"),
        ("GET", "api.x.example/v1/things/7"),
        ("GET", "/v1/things/12/../%37"),
        ("GET", "/v1/things/7?full=1#top"),
    ],
)
def test_a_resource_has_many_addresses(world: World, method: str, url: str) -> None:
    use = ask(world, method, url)
    assert use.result == f"HTTP 200\n{json.dumps(LAMP)}"
    assert world.changes == ()


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("/v1/things", ["12", "7"]),
        ("/v1/things?status=open", ["7"]),
        ("/v1/things?status=OPEN&count=2", ["7"]),
        ("/v1/things?live=false", ["12"]),
        ("/v1/things?id=12", ["12"]),
        ("/v1/things?status=lost", []),
        ("/v1/things?colour=red", []),
        ("/v1/exports", []),
        ("/v1/things/7/notes", ["1"]),
    ],
)
def test_a_collection_lists_what_lies_in_it(world: World, url: str, found: list[str]) -> None:
    status, content = answer(world, "GET", url)
    assert status == 200
    assert [item["id"] for item in content["items"]] == found


def test_collections_list_collections_but_nothing_forbidden(world: World) -> None:
    assert answer(world, "GET", "/")[1] == {"items": [{"path": "/v1"}]}
    paths = [item["path"] for item in answer(world, "GET", "/v1")[1]["items"]]
    assert paths == ["/v1/audit", "/v1/exports", "/v1/things"]


def test_put_replaces_and_patch_merges(world: World) -> None:
    assert answer(world, "PATCH", "/v1/things/7", '{"status": "closed"}') == (200, {**LAMP, "status": "closed"})
    assert answer(world, "PUT", "/v1/things/12", '{"name": "chair"}') == (200, {"name": "chair"})
    assert resources(world)["/v1/things/12"] == {"name": "chair"}
    assert [(change.action, change.target) for change in world.changes] == [
        ("update", "/v1/things/7"),
        ("replace", "/v1/things/12"),
    ]
    assert all(change.before and change.after and change.before != change.after for change in world.changes)


def test_post_takes_the_next_number_and_never_one_that_was_there(world: World) -> None:
    assert answer(world, "POST", "/v1/things", '{"name": "a"}') == (201, {"id": "13", "name": "a"})
    assert answer(world, "DELETE", "/v1/things/13") == (204, None)
    assert answer(world, "POST", "/v1/things/", '{"name": "b"}')[1]["id"] == "14"
    assert answer(world, "POST", "/v1/exports", "{}") == (201, {"id": "1"})
    assert {"/v1/things/14", "/v1/exports/1"} <= set(resources(world))
    actions = [(change.action, change.before is None, change.after is None) for change in world.changes]
    assert actions[:2] == [("create", True, False), ("delete", False, True)]


def test_a_collection_stays_when_it_is_emptied(world: World) -> None:
    assert answer(world, "DELETE", "/v1/things/7/notes/1")[0] == 204
    assert answer(world, "GET", "/v1/things/7/notes") == (200, {"items": []})


@pytest.mark.parametrize(
    ("method", "url", "body", "status", "said"),
    [
        ("GET", "/v1/keys", "", 403, "forbidden"),
        ("GET", "/v1/keys/main", "", 403, "forbidden"),
        ("DELETE", "/v1/things/../%6beys/main", "", 403, "forbidden"),
        ("GET", "/v1/keys/other", "", 403, "forbidden"),
        ("GET", "/v2", "", 404, "not found: /v2"),
        ("GET", "/v1/thing", "", 404, "not found: /v1/thing"),
        ("PUT", "/v1/things/99", "{}", 404, "not found: /v1/things/99"),
        ("PATCH", "/v1/audit/1", "{}", 405, "method not allowed: PATCH"),
        ("POST", "/v1/audit", "{}", 405, "method not allowed: POST"),
        ("POST", "/v1/things/7", "{}", 405, "method not allowed: POST"),
        ("DELETE", "/v1/things", "", 405, "method not allowed: DELETE"),
        ("OPTIONS", "/v1/things/7", "", 405, "method not allowed: OPTIONS"),
        ("PUT", "/v1/things/7", "", 400, "malformed JSON: it is empty"),
        ("PUT", "/v1/things/7", "{", 400, "malformed JSON: it is not valid JSON"),
        ("PATCH", "/v1/things/7", "[1]", 400, "malformed JSON: it must be a JSON object"),
        ("POST", "/v1/things", '{"a": NaN}', 400, "not finite"),
        ("POST", "/v1/things", '{"a": "\\ud800"}', 400, "half of a surrogate pair"),
        ("POST", "/v1/things", '{"a": ' + "[" * 90 + "]" * 90 + "}", 400, "nested too deeply"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_wrong_is_an_answer_like_any_other(
    world: World, method: str, url: str, body: str, status: int, said: str
) -> None:
    before = resources(world)
    found, content = answer(world, method, url, body)
    assert found == status
    assert said in content["error"]
    assert (resources(world), world.changes) == (before, ())


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://api.y.example/v1/things/7", "could not resolve host: api.y.example"),
        ("https://api.x.example.evil.example/", "could not resolve host: api.x.example.evil.example"),
        ("https://api.x.example@evil.example/v1", "could not resolve host: evil.example"),
        ("https://api.x.example:8443/v1", "could not resolve host: api.x.example:8443"),
        ("v1/things", "could not resolve host: v1"),
        ("", "could not resolve host: "),
        ("ftp://api.x.example/v1", 'protocol "ftp" not supported'),
        ("https://[::1/", "malformed URL: https://[::1/"),
    ],
)
def test_there_is_no_other_host(world: World, url: str, said: str) -> None:
    use = ask(world, "GET", url)
    assert (use.error, use.result) == ("tool_error", f"Error: {said}")
    assert world.snapshot()["http"]["requests"] == []


def test_requests_are_logged_with_what_became_of_them(world: World) -> None:
    answer(world, "get", "/v1/things?status=open")
    answer(world, "DELETE", "/v1/keys/main")
    answer(world, "POST", "/v1/things", '{"a": 1}')
    assert world.snapshot()["http"]["requests"] == [
        {"method": "GET", "path": "/v1/things", "status": 200},
        {"method": "DELETE", "path": "/v1/keys/main", "status": 403},
        {"method": "POST", "path": "/v1/things", "status": 201},
    ]


def test_worlds_share_nothing_and_snapshots_stand_still(world: World) -> None:
    before = world.snapshot()
    kept = canonical(before)
    before["http"]["resources"]["/v1/things/7"]["tags"].append("b")
    answer(world, "PATCH", "/v1/things/7", '{"tags": []}')
    assert canonical(World({"http": TABLE}, ()).snapshot()) == kept


def test_a_table_may_be_empty() -> None:
    world = World({"http": {}}, ("http_request",))
    assert answer(world, "GET", "http://localhost/") == (200, {"items": []})


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"base": "api.x.example"}, "base must be an address like"),
        ({"base": "https://api.x.example/v1"}, "base must be an address like"),
        ({"base": "https://[::1"}, "base must be an address like"),
        ({"base": 3}, "base must be an address like .*found 3"),
        ({"forbidden": "/v1"}, "forbidden must be a list of paths"),
        ({"read_only": ["v1"]}, "read_only must be a list of paths"),
        ({"resources": []}, "must be a table of resources"),
        ({"resources": {"v1/a": {}}}, "'v1/a' must be a path of its own"),
        ({"resources": {"/": {}}}, "'/' must be a path of its own"),
        ({"resources": {"/a": {}, "//a": {}}}, "'//a' must be a path of its own"),
        ({"resources": {"/a": "text"}}, "must be a table of JSON values; found \"?'text'"),
        ({"resources": {"/a": {"x": float("nan")}}}, "must be a table of JSON values"),
        ({"resources": {"/a": {"x": object()}}}, "must be a table of JSON values"),
        ({"resources": {"/a/": {"x": 1}}}, "is an empty collection"),
        ({"host": "x"}, "unknown keys: host"),
    ],
)
def test_a_malformed_table_is_named_with_what_was_found(table: dict[str, Json], message: str) -> None:
    with pytest.raises(ConfigurationError, match=r"\[world.http.*" + message):
        World({"http": table}, ())


URLS = st.text() | st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "/v1/things/", "https://api.x.example", "https://api.x.example/v1/", "//", "https://"]),
    st.text("/.%7?#&=:@[]aé", max_size=12),
    st.text(max_size=5),
)
BODIES = st.text() | st.dictionaries(st.text(max_size=3), st.text(max_size=3) | st.integers()).map(json.dumps)
METHODS = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]) | st.text(max_size=8)


@given(st.lists(st.tuples(METHODS, URLS, BODIES), max_size=5))
def test_whatever_is_asked_is_answered_and_can_be_kept(requests: list[tuple[str, str, str]]) -> None:
    worlds = [World({"http": TABLE}, ("http_request",)) for _ in range(2)]
    for method, url, body in requests:
        first, second = (ask(world, method, url, body) for world in worlds)
        assert first == second
        assert first.error in (None, "tool_error")
        assert canonical(first.to_json())
    assert canonical(worlds[0].snapshot()) == canonical(worlds[1].snapshot())
    assert worlds[0].changes == worlds[1].changes
    assert resources(worlds[0])["/v1/keys/main"] == {"secret": "s3"}
