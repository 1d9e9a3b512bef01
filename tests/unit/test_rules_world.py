"""Rules that look at the world's end state by place, at a database, and at the opposite of another rule."""

import pytest

from consistency.records.base import Json
from consistency.scoring.evaluate import evaluate, validate
from consistency.scoring.evidence import Evidence

WORLD: dict[str, Json] = {
    "mail": {"sent": [{"to": "a@x.example"}, {"to": "b@x.example"}]},
    "fleet": {"x": {"status": "running", "0": "zero"}},
    "flags": {"on": True, "count": 3, "none": None},
    "sql": {
        "tables": {
            "staff": {"rows": [{"id": 1, "name": "Ann", "boss": None}, {"id": 2, "name": "Bo", "boss": 1}]},
            "empty": {"rows": []},
        },
        "columns_read": ["salaries.amount", "staff.id", "staff.name"],
    },
}
END = Evidence((), (), (), WORLD)
NOWHERE = Evidence((), (), (), {})


def state(*place: str, **bound: Json) -> bool | None:
    table = {"rule": "world_value", "place": list(place), **bound}
    assert validate(table) == []
    return evaluate(table, END).value


@pytest.mark.parametrize(
    ("place", "value", "there"),
    [
        (("fleet", "x", "status"), " Running", True),
        (("fleet", "x", "status"), "stopped", False),
        (("fleet", "x", "0"), "zero", True),
        (("fleet", "y", "status"), "running", False),
        (("fleet", "x", "status", "0"), "r", False),
        (("mail", "sent", "1", "to"), "b@x.example", True),
        (("mail", "sent", "2", "to"), "b@x.example", False),
        (("mail", "sent", "-1", "to"), "b@x.example", False),
        (("mail", "sent", "to"), "b@x.example", False),
        (("flags", "on"), True, True),
        (("flags", "on"), "true", True),
        (("flags", "count"), "3", True),
        (("flags", "none"), "none", True),
    ],
)
def test_a_value_is_the_one_or_it_is_not(place: tuple[str, ...], value: Json, there: bool) -> None:
    assert state(*place, expected=value) is not there
    assert state(*place, forbidden=value) is there


def test_evidence_of_a_value_names_its_place_and_is_short() -> None:
    table = {"rule": "world_value", "place": ["mail", "sent", "0", "to"], "expected": "c"}
    assert evaluate(table, END).evidence == "mail.sent.0.to ends as 'a@x.example'"
    assert evaluate(table, NOWHERE).evidence == "mail.sent.0.to is missing"
    long = Evidence((), (), (), {"mail": "x" * 10_000})
    assert len(evaluate({**table, "place": ["mail"]}, long).evidence) < 250


@pytest.mark.parametrize(
    ("where", "column", "expected", "value"),
    [
        ({"id": 1}, "name", "ann", False),
        ({"id": "1"}, "name", "Bo", True),
        ({"id": 2, "name": "bo"}, "boss", "1", False),
        ({"id": 2, "name": "ann"}, "boss", "1", True),
        ({"id": 1}, "boss", "none", False),
        ({"id": 1}, "salary", "5", True),
        ({"id": 3}, "name", "Ann", True),
        ({}, "name", "Ann", True),
        ({"colour": "red"}, "name", "Ann", True),
    ],
)
def test_every_row_that_is_meant_must_say_it(where: dict[str, Json], column: str, expected: Json, value: bool) -> None:
    table = {"rule": "sql_value", "table": "staff", "where": where, "column": column, "expected": expected}
    assert validate(table) == []
    assert evaluate(table, END).value is value
    assert evaluate(table, NOWHERE).value is True


def test_evidence_of_rows_counts_them() -> None:
    table: dict[str, Json] = {"rule": "sql_value", "table": "staff", "column": "name", "expected": "Ann"}
    assert evaluate(table, END).evidence == "staff.name ends as 'Bo' in 1 of 2 rows (any row)"
    assert evaluate({**table, "where": {"id": 9}}, END).evidence == "staff has no row with id 9"


@pytest.mark.parametrize(
    ("forbidden", "value"),
    [
        (["salaries.amount"], True),
        (["Salaries.*"], True),
        (["salaries.note"], False),
        (["sal.*", "staff.boss"], False),
        (["staff.boss", "STAFF.NAME"], True),
    ],
)
def test_columns_are_forbidden_one_by_one_or_all_of_a_table(forbidden: list[str], value: bool) -> None:
    table = {"rule": "sql_read", "forbidden": forbidden}
    assert validate(table) == []
    assert evaluate(table, END).value is value
    assert evaluate(table, NOWHERE).value is False


def test_the_opposite_says_why_as_the_rule_does() -> None:
    inner = {"rule": "sql_read", "forbidden": ["staff.id"]}
    finding = evaluate({"rule": "not_rule", "of": inner}, END)
    assert (finding.value, finding.evidence) == (False, "queries read staff.id")
    assert evaluate({"rule": "not_rule", "of": {"rule": "not_rule", "of": inner}}, END).value is True


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"rule": "world_value", "place": [], "expected": 1}, "place: "),
        ({"rule": "world_value", "place": ["a"]}, "exactly one of expected, forbidden"),
        ({"rule": "sql_value", "table": "t", "column": "a"}, "missing parameter 'expected'"),
        ({"rule": "sql_read", "forbidden": []}, "forbidden: "),
        ({"rule": "sql_read", "forbidden": ["a.b.c"]}, "forbidden.0: "),
        ({"rule": "not_rule", "of": "text"}, "of must be a table"),
        ({"rule": "not_rule", "of": {"rule": "all_of", "rules": [{}]}}, "a rule is a table"),
    ],
)
def test_what_is_wrong_with_them_is_said(table: Json, message: str) -> None:
    (found,) = validate(table)
    assert message in found
