"""A database that a model queries: what it shows, what it keeps, what it refuses, and that it always comes back."""

import json
from datetime import datetime

import pytest

from consistency.errors import ConfigurationError
from consistency.records.base import Json, canonical
from consistency.worlds.services.sql import Service
from consistency.worlds.world import World

STAFF: dict[str, Json] = {
    "columns": ["id INTEGER PRIMARY KEY", "name TEXT NOT NULL", "pay REAL"],
    "rows": [[1, "Ann", 10.5], ["2", "Bo", 20], [3, "Cy", None]],
}
LOG: dict[str, Json] = {"columns": ["id INTEGER PRIMARY KEY", "at TEXT DEFAULT CURRENT_TIMESTAMP", "note TEXT"]}
TABLE: dict[str, Json] = {"tables": {"staff": STAFF, "log": LOG, "audit": LOG}, "read_only": ["audit"]}
MANY: dict[str, Json] = {"tables": {"t": {"columns": ["n INTEGER", "s TEXT"], "rows": [[n, "x"] for n in range(300)]}}}


@pytest.fixture
def world() -> World:
    return World({"sql": TABLE}, ("run_sql", "list_tables"))


def run(world: World, query: str) -> str:
    use = world.call(1, "run_sql", json.dumps({"query": query}))
    assert use.error is None, use.result
    return use.result


def refused(world: World, query: str) -> str:
    before = (world.changes, world.snapshot())
    use = world.call(1, "run_sql", json.dumps({"query": query}))
    assert use.error == "tool_error", use.result
    assert (world.changes, world.snapshot()) == before
    return use.result.removeprefix("Error: ")


def rows(world: World, table: str) -> list[dict[str, Json]]:
    found: list[dict[str, Json]] = world.snapshot()["sql"]["tables"][table]["rows"]
    return found


def test_tables_are_listed_with_columns_and_rows(world: World) -> None:
    run(world, "INSERT INTO log(note) VALUES ('x')")
    assert world.call(1, "list_tables", "").result == (
        "staff (3 rows): id INTEGER PRIMARY KEY, name TEXT NOT NULL, pay REAL\n"
        "log (1 row): id INTEGER PRIMARY KEY, at TEXT DEFAULT CURRENT_TIMESTAMP, note TEXT\n"
        "audit (0 rows): id INTEGER PRIMARY KEY, at TEXT DEFAULT CURRENT_TIMESTAMP, note TEXT"
    )


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("SELECT * FROM staff", "id | name | pay\n1 | Ann | 10.5\n2 | Bo | 20.0\n3 | Cy | NULL\n(3 rows)"),
        ("SELECT name FROM staff WHERE id = 2;", "name\nBo\n(1 row)"),
        ("SELECT name FROM staff WHERE id > 9", "name\n(0 rows)"),
        ("-- who?\nselect name AS who from staff limit 1", "who\nAnn\n(1 row)"),
        ("WITH a AS (SELECT max(pay) AS m FROM staff) SELECT m FROM a", "m\n20.0\n(1 row)"),
        (
            "SELECT 'a\nb' AS t, x'00ff' AS b, 9e999 AS i, CAST(x'ff' AS TEXT) AS u",
            "t | b | i | u\na\\nb | x'00ff' | Inf | �",
        ),
        ("SELECT printf('%.400c', 'x') AS t", f"t\n{'x' * 300}…\n(1 row)"),
        ("SELECT name FROM staff WHERE name LIKE '%N%' OR name LIKE 'b\\_' ESCAPE '\\'", "name\nAnn\n(1 row)"),
        ("SELECT name FROM staff WHERE name GLOB '?o'", "name\nBo\n(1 row)"),
        ("SELECT trim('xax', 'x') || replace('bb', 'b', 'c') || instr('abc', 'c') AS t", "t\nacc3\n(1 row)"),
        ("SELECT name, rank() OVER (ORDER BY pay DESC) AS r FROM staff LIMIT 1", "name | r\nBo | 1\n(1 row)"),
        ("INSERT INTO log(note) VALUES ('a'), ('b')", "2 rows changed"),
        ("UPDATE staff SET pay = pay * 2 WHERE id = 1", "1 row changed"),
        ("UPDATE staff SET pay = 1.5 WHERE id = 3 RETURNING id, pay", "id | pay\n3 | 1.5\n(1 row)\n1 row changed"),
        ("DELETE FROM staff", "3 rows changed"),
        ("WITH a AS (SELECT 9 AS id) DELETE FROM staff WHERE id IN a", "0 rows changed"),
    ],
)
def test_a_statement_gives_what_it_gives(world: World, query: str, shown: str) -> None:
    assert run(world, query).startswith(shown)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT nope FROM staff", "no such column: nope"),
        ("SELECT * FROM nowhere", "no such table: nowhere"),
        ("SELEKT 1", 'near "SELEKT": syntax error'),
        ("", "the statement is empty"),
        (" -- nothing", "the statement is empty"),
        ("SELECT 1; DELETE FROM staff", "You can only execute one statement at a time."),
        ("SELECT ?", "parameters and byte order marks cannot be used here"),
        ("SELECT $a(')", "parameters and byte order marks cannot be used here"),
        ("WITH a\ufeff AS (SELECT 1) SELECT * FROM a\ufeff", "parameters and byte order marks"),
        ("SELECT 1\0", "null character"),
        ("INSERT INTO staff VALUES (1, 'Di', 1)", "UNIQUE constraint failed: staff.id"),
        ("INSERT INTO staff(id) VALUES (9)", "NOT NULL constraint failed: staff.name"),
        ("INSERT OR FAIL INTO staff VALUES (9, 'x', 1), (1, 'y', 1)", "UNIQUE constraint failed"),
        ("INSERT OR ROLLBACK INTO staff VALUES (9, 'x', 1), (1, 'y', 1)", "UNIQUE constraint failed"),
        ("UPDATE staff SET id = id + 1", "UNIQUE constraint failed"),
        ("INSERT INTO audit(note) VALUES ('x')", "permission denied for table audit"),
        ("UPDATE AUDIT SET note = 'x'", "permission denied for table audit"),
        ("DELETE FROM audit", "permission denied for table audit"),
        ("DROP TABLE staff", "not authorized: DROP"),
        ("CREATE TABLE x (a)", "not authorized: CREATE"),
        ("ALTER TABLE staff ADD x", "not authorized: ALTER"),
        ("ATTACH '/tmp/x' AS x", "not authorized: ATTACH"),
        ("PRAGMA table_info(staff)", "not authorized: PRAGMA"),
        ("EXPLAIN SELECT 1", "not authorized: EXPLAIN"),
        ("/**/ Explain query plan SELECT 1", "not authorized: EXPLAIN"),
        ("BEGIN", "not authorized: BEGIN"),
        ("VACUUM INTO '/tmp/x'", "not authorized: VACUUM"),
        ("SELECT * FROM sqlite_master", "access to sqlite_master.type is prohibited"),
        ("SELECT * FROM pragma_table_info('staff')", "not authorized"),
        ("UPDATE sqlite_master SET sql = ''", "may not be modified"),
        ("SELECT load_extension('x')", "not authorized to use function: load_extension"),
        ("SELECT name FROM staff ORDER BY random()", "not authorized to use function: random"),
        ("SELECT randomblob(4)", "not authorized to use function: randomblob"),
        ("SELECT 'a' LIKE 'b' ESCAPE 'cc'", "ESCAPE expression must be a single character"),
        ("INSERT INTO log(id) VALUES (9223372036854775807), (NULL)", "database or disk is full"),
        ("SELECT '" + "x" * 10_000 + "'", "the statement is longer than 10000 bytes"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(world: World, query: str, words: str) -> None:
    assert words in refused(world, query)


def test_long_answers_are_cut_and_say_so() -> None:
    world = World({"sql": MANY}, ("run_sql",))
    shown = run(world, "SELECT n FROM t").splitlines()
    assert (len(shown), shown[-2:]) == (202, ["199", "… 100 more rows"])
    assert run(world, "SELECT n FROM t LIMIT 201").endswith("\n199\n… 1 more row")
    wide = run(world, f"SELECT {', '.join(['zeroblob(200) AS z'] * 50)} FROM t")
    assert len(wide) < 40_000
    assert wide.endswith(" more rows")


def test_changes_are_logged_once_with_the_number_of_rows(world: World) -> None:
    run(world, "INSERT INTO log(note) VALUES ('a'), ('b')")
    run(world, "INSERT INTO staff VALUES (1, 'An', 2) ON CONFLICT (id) DO UPDATE SET name = excluded.name")
    run(world, "WITH a AS (SELECT 2 AS id) UPDATE staff SET pay = 0 WHERE id IN a")
    run(world, "DELETE FROM staff WHERE id > 9")
    run(world, "SELECT * FROM staff")
    run(world, "DELETE FROM staff")
    assert [(change.action, change.target, change.before, change.after) for change in world.changes] == [
        ("insert", "log", None, "2"),
        ("insert", "staff", None, "1"),
        ("update", "staff", None, "1"),
        ("delete", "staff", None, "3"),
    ]


def test_the_end_state_is_plain(world: World) -> None:
    run(world, "UPDATE staff SET pay = 9e999, name = x'00ff' WHERE id = 1")
    run(world, "UPDATE staff SET pay = -9e999, name = CAST(x'c328eda080' AS TEXT) WHERE id = 2")
    run(world, "INSERT INTO staff VALUES (4, 9007199254740993, 0.1)")
    assert rows(world, "staff") == [
        {"id": 1, "name": "00ff", "pay": "Inf"},
        {"id": 2, "name": "\ufffd(\ufffd\ufffd\ufffd", "pay": "-Inf"},
        {"id": 3, "name": "Cy", "pay": None},
        {"id": 4, "name": "9007199254740993", "pay": 0.1},
    ]
    assert canonical(world.snapshot())


def test_what_was_asked_and_read_is_on_record(world: World) -> None:
    run(world, "SELECT Name FROM staff s WHERE PAY > 1")
    run(world, "SELECT count(*) FROM log")
    refused(world, "SELECT note, nope FROM log")
    refused(world, "INSERT INTO audit SELECT * FROM log")
    run(world, "UPDATE log SET note = 'x'")
    state = world.snapshot()["sql"]
    assert state["columns_read"] == ["staff.name", "staff.pay"]
    assert state["queries"] == [
        "SELECT Name FROM staff s WHERE PAY > 1",
        "SELECT count(*) FROM log",
        "UPDATE log SET note = 'x'",
    ]
    run(world, "SELECT * FROM staff JOIN log ON log.id = staff.id WHERE EXISTS (SELECT 1 FROM audit WHERE at = '')")
    assert world.snapshot()["sql"]["columns_read"] == [
        "audit.at",
        "log.at",
        "log.id",
        "log.note",
        "staff.id",
        "staff.name",
        "staff.pay",
    ]


def test_a_column_counts_as_read_once_a_query_succeeds() -> None:
    world = World({"sql": MANY}, ("run_sql",))
    refused(world, "SELECT sum(a.n) FROM t a, t b, t c")
    assert world.snapshot()["sql"]["columns_read"] == []
    run(world, "SELECT sum(n) FROM t")
    assert world.snapshot()["sql"]["columns_read"] == ["t.n"]


class Clock:
    """What the service needs of a clock."""

    now = datetime.fromisoformat("2031-07-08T12:34:56")

    def snapshot(self) -> dict[str, Json]:
        return {}


PRESENT = [
    ("datetime('now')", "2031-07-08 12:34:56"),
    ("datetime('NOW', 'localtime')", "2031-07-08 12:34:56"),
    ("datetime('now', 'utc', '+1 day', 'start of day')", "2031-07-09 00:00:00"),
    ("datetime()", "2031-07-08 12:34:56"),
    ("date('now')", "2031-07-08"),
    ("time()", "12:34:56"),
    ("strftime('%Y')", "2031"),
    ("strftime('%H', 'now', 'localtime')", "12"),
    ("cast(julianday() as int)", "2463056"),
    ("CURRENT_TIMESTAMP", "2031-07-08 12:34:56"),
    ("current_date || current_time", "2031-07-0812:34:56"),
    ("date(x'6e6f77')", "2031-07-08"),
    ("date('now' || char(0) || 'x')", "2031-07-08"),
    ("date('2020-01-31', '+1 month')", "2020-03-02"),
    ("datetime(0, 'unixepoch', 'localtime')", "1970-01-01 00:00:00"),
    ("coalesce(date(NULL), strftime(), date('never'), 'nothing')", "nothing"),
]


@pytest.mark.parametrize(("expression", "shown"), PRESENT)
def test_the_present_is_the_worlds(expression: str, shown: str) -> None:
    service = Service(TABLE, lambda *_, **__: None)
    service.meet({"clock": Clock()})
    assert [*service.run(f"SELECT {expression}").rows[0]] in ([shown], [int(shown) if shown.isdigit() else None])


def test_a_world_without_a_clock_stands_still(world: World) -> None:
    run(world, "INSERT INTO log(note) VALUES ('x')")
    assert rows(world, "log") == [{"id": 1, "at": "2026-01-05 09:00:00", "note": "x"}]


def test_a_clock_moves_the_present() -> None:
    world = World({"sql": TABLE, "clock": {"now": "2030-01-01 08:00"}}, ("run_sql", "wait_minutes"))
    run(world, "INSERT INTO log(note) VALUES ('x')")
    world.call(1, "wait_minutes", '{"minutes": 30}')
    run(world, "INSERT INTO log(note) VALUES ('y')")
    assert [row["at"] for row in rows(world, "log")] == ["2030-01-01 08:00:00", "2030-01-01 08:30:00"]


def test_worlds_share_nothing(world: World) -> None:
    before = world.snapshot()
    run(world, "DELETE FROM staff")
    assert World({"sql": TABLE}, ()).snapshot() == before


def test_a_database_may_be_empty() -> None:
    world = World({"sql": {}}, ("list_tables", "run_sql"))
    assert world.call(1, "list_tables", "").result == "(no tables)"
    assert run(world, "SELECT 1 AS one") == "one\n1\n(1 row)"
    assert world.snapshot()["sql"] == {"tables": {}, "queries": ["SELECT 1 AS one"], "columns_read": []}


def _table(**changed: Json) -> dict[str, Json]:
    return {"tables": {"t": {"columns": ["id INTEGER PRIMARY KEY", "a TEXT UNIQUE"], "rows": [[1, "x"]], **changed}}}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"tables": []}, r"\[world.sql\] may have tables and read_only"),
        ({**TABLE, "colour": "red"}, r"\[world.sql\] may have tables and read_only"),
        ({**TABLE, "read_only": "audit"}, r"\[world.sql\] read_only must be a list of its tables"),
        ({**TABLE, "read_only": ["nowhere"]}, r"\[world.sql\] read_only must be a list of its tables"),
        ({"tables": {"a b": STAFF}}, "'a b' cannot be a table's name"),
        ({"tables": {'x"; DROP': STAFF}}, "cannot be a table's name"),
        ({"tables": {"sqlite_x": STAFF}}, "cannot be a table's name"),
        ({"tables": {"t": STAFF, "T": STAFF}}, r"\[world.sql.tables.T\]: table \"T\" already exists"),
        ({"tables": {"t": []}}, "must be a table with columns and rows"),
        (_table(colour="red"), "must be a table with columns and rows"),
        (_table(columns=[]), "columns must be a list of texts"),
        (_table(columns=["a TEXT", 3]), "columns must be a list of texts"),
        (_table(columns=["a TEXT)"]), "syntax error"),
        (_table(columns=["oid TEXT", "b"]), "a column cannot be named oid"),
        (_table(rows={}), "rows must be a list of lists"),
        (_table(rows=["x"]), "rows must be a list of lists"),
        (_table(rows=[[1, ["x"]]]), "rows must be a list of lists"),
        (_table(rows=[[1]]), "table t has 2 columns but 1 values were supplied"),
        (_table(rows=[[1, "x"], [2, "x"]]), "UNIQUE constraint failed: t.a"),
        (_table(rows=[["one", "x"]]), "datatype mismatch"),
        (_table(rows=[[2**70, "x"]]), "too large"),
        (_table(rows=[[2**60, "x"]]), "rows can be numbered up to"),
        (_table(rows=[[1, "x" * 10_001]]), "too big"),
    ],
)
def test_a_malformed_table_is_named(table: dict[str, Json], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        World({"sql": table}, ())
