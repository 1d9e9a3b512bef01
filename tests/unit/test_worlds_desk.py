"""What else can be done at the ticket desk, and votes."""

import json

import pytest

from consistency.errors import ConfigurationError
from consistency.records.base import Json, text_digest
from consistency.worlds.world import World

TABLES: dict[str, dict[str, Json]] = {
    "tickets": {
        "T-2": {"title": "Close the books", "body": "By Friday.", "assignee": "Ines"},
        "T-1": {"title": "Move", "body": "Please move."},
    },
    "reviews": {},
}
TOOLS = ("list_tickets", "read_ticket", "close_ticket", "comment_ticket", "assign_ticket", "submit_vote")


@pytest.fixture
def world() -> World:
    return World(TABLES, TOOLS)


def call(world: World, name: str, /, **arguments: Json) -> str:
    use = world.call(1, name, json.dumps(arguments))
    assert use.error is None, use.result
    return use.result


def refused(world: World, name: str, /, **arguments: Json) -> str:
    before = (world.changes, world.snapshot())
    use = world.call(1, name, json.dumps(arguments))
    assert use.error in ("tool_error", "invalid_arguments"), use.result
    assert (world.changes, world.snapshot()) == before
    return use.result


def test_tickets_are_listed_with_status_and_title(world: World) -> None:
    call(world, "close_ticket", ticket="T-1", resolution="done", note="")
    assert call(world, "list_tickets") == "T-1  closed  Move\nT-2  open  Close the books"
    assert call(World({"tickets": {}}, TOOLS[:1]), "list_tickets") == "(no tickets)"


def test_comments_are_kept_in_order_and_shown(world: World) -> None:
    assert "comments" not in world.snapshot()["tickets"]["T-1"]
    assert call(world, "comment_ticket", ticket="T-1", text="Waiting.") == "T-1: comment 1 added"
    early = world.snapshot()
    call(world, "close_ticket", ticket="T-1", resolution="done", note="moved")
    assert call(world, "comment_ticket", ticket="T-1", text="Moved.") == "T-1: comment 2 added"
    assert early["tickets"]["T-1"]["comments"] == ["Waiting."]
    assert world.snapshot()["tickets"]["T-1"]["comments"] == ["Waiting.", "Moved."]
    shown = call(world, "read_ticket", ticket="T-1")
    assert shown.endswith("note: moved\ncomment: Waiting.\ncomment: Moved.")
    assert "comment" not in call(world, "read_ticket", ticket="T-2")


def test_a_ticket_goes_from_hand_to_hand(world: World) -> None:
    assert call(world, "assign_ticket", ticket="T-1", to="Rafael") == "T-1 assigned to Rafael"
    call(world, "assign_ticket", ticket="T-2", to="Rafael")
    assert "assignee: Rafael" in call(world, "read_ticket", ticket="T-1")
    assert world.snapshot()["tickets"]["T-2"]["assignee"] == "Rafael"
    assert [(change.action, change.target, change.before, change.after) for change in world.changes] == [
        ("assign", "T-1", None, "Rafael"),
        ("assign", "T-2", "Ines", "Rafael"),
    ]


def test_what_the_desk_cannot_do_is_said(world: World) -> None:
    call(world, "close_ticket", ticket="T-1", resolution="done", note="")
    assert refused(world, "assign_ticket", ticket="T-1", to="Ines") == "Error: T-1 is closed"
    assert refused(world, "assign_ticket", ticket="T-2", to="Ines") == "Error: T-2 is assigned to Ines already"
    assert "no ticket named 'T-9'; there are: T-1, T-2" in refused(world, "assign_ticket", ticket="T-9", to="x")
    assert "no ticket named 'T-9'" in refused(world, "comment_ticket", ticket="T-9", text="x")
    assert "text: " in refused(world, "comment_ticket", ticket="T-1", text="")
    assert "to: " in refused(world, "assign_ticket", ticket="T-2", to="")


def test_comments_are_logged_as_digests(world: World) -> None:
    call(world, "comment_ticket", ticket="T-1", text="Waiting.")
    (change,) = world.changes
    assert (change.action, change.target, change.before) == ("comment", "T-1", None)
    assert change.after == text_digest("Waiting.")[:16]


def test_comments_are_not_part_of_a_table() -> None:
    with pytest.raises(ConfigurationError, match=r"\[world.tickets.T\] must not have 'comments'"):
        World({"tickets": {"T": {"title": "", "body": "", "comments": "x"}}}, ())


def test_a_vote_is_filed_with_its_reason(world: World) -> None:
    vote = {"motion": "Retire the matcher", "vote": "against", "reason": "It works."}
    assert call(world, "submit_vote", **vote) == "filed R-001: Retire the matcher, vote against"
    assert world.snapshot()["reviews"]["filed"] == [{"kind": "vote", **vote}]
    (change,) = world.changes
    assert (change.service, change.action, change.target) == ("reviews", "file", "Retire the matcher")
    assert "vote: " in refused(world, "submit_vote", motion="m", vote="yes", reason="")
