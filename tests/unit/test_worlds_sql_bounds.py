"""No statement leaves the database but with an answer, soon, and always with the same one."""

import json
import resource
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consistency.records.base import Json, canonical
from consistency.worlds.services._sql import unfolding
from consistency.worlds.world import World

STAFF: dict[str, Json] = {
    "columns": ["id INTEGER PRIMARY KEY", "name TEXT NOT NULL", "pay REAL"],
    "rows": [[1, "Ann", 10.5], ["2", "Bo", 20], [3, "Cy", None]],
}
LOG: dict[str, Json] = {"columns": ["id INTEGER PRIMARY KEY", "at TEXT DEFAULT CURRENT_TIMESTAMP", "note TEXT"]}
MANY: dict[str, Json] = {"columns": ["n INTEGER", "s TEXT"], "rows": [[n, "x"] for n in range(300)]}
TABLE: dict[str, Json] = {"tables": {"staff": STAFF, "audit": LOG, "t": MANY}, "read_only": ["audit"]}


@pytest.fixture
def world() -> World:
    return World({"sql": TABLE}, ("run_sql",))


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


CROSS = "t a, t b, t c, t d"
BOMBS = {
    "recursion": "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT * FROM r",
    "counting": "WITH RECURSIVE r(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM r LIMIT 1e9) SELECT sum(n) FROM r",
    "hoarding": "WITH RECURSIVE r(n, z) AS (SELECT 1, zeroblob(990) UNION SELECT n + 1, z FROM r) SELECT max(n) FROM r",
    "doubling": "WITH RECURSIVE r(s) AS (SELECT 'x' UNION ALL SELECT s || s FROM r) SELECT max(length(s)) FROM r",
    "crossing": f"SELECT * FROM {CROSS}",
    "sorting": f"SELECT printf('%990d', b.n) FROM {CROSS} ORDER BY 1, a.n",
    "distinct": f"SELECT DISTINCT b.n * 300 + c.n, zeroblob(9000) FROM {CROSS}",
    "union": f"SELECT a.n * 90000 + b.n * 300 + c.n, zeroblob(990) FROM {CROSS} UNION SELECT 1, 2",
    "zeroblob": "SELECT zeroblob(1000000000)",
    "group_concat": f"SELECT group_concat(a.s) FROM {CROSS}",
    "like": f"SELECT * FROM {CROSS} WHERE hex(zeroblob(4000 + a.n)) LIKE '%{'0' * 900}1%'",
    "trim": f"SELECT trim(printf('%9000d', a.n), printf('%9000d', b.n)) FROM {CROSS}",
    "replace": f"SELECT max(replace(printf('%4000d', a.n), ' ', 'xx')) FROM {CROSS}",
    "growing": f"INSERT INTO t SELECT 1, printf('%900d', a.n) FROM {CROSS}",
    "swelling": "UPDATE t SET s = printf('%9900d', n)",
    "copies of tables": "WITH c0 AS (SELECT 1 AS x)"
    + "".join(f", c{n} AS (SELECT a.x FROM c{n - 1} a, 'C{n - 1}' b)" for n in range(1, 60))
    + " SELECT x FROM c59",
    "copies of two": "WITH c0 AS (SELECT 1 x), c1 AS (SELECT 1 x)"
    + "".join(f", c{n}(x)/**/AS MATERIALIZED(SELECT a.x FROM c{n - 1} a, [c{n - 2}])" for n in range(2, 60))
    + " SELECT x FROM c59",
    "copies of columns": "SELECT s||s AS s FROM (" * 30 + "SELECT s FROM t" + ")" * 30,
    "wide copies": f"SELECT {'||'.join(['s'] * 90)} AS s FROM (" * 6 + "SELECT s FROM t" + ")" * 6,
    "odd names": "".join(f'SELECT "desc"||`Desc` AS [DESC] FROM /*{n}*/(' for n in range(30))
    + "SELECT s AS desc FROM t"
    + ")" * 30,
    "parentheses": "SELECT " + "(" * 4000 + "1" + ")" * 4000,
    "sums": "SELECT " + "+".join("1" * 4000),
    "unions": "SELECT 1" + " UNION SELECT 1" * 400,
    "columns": "SELECT " + ", ".join("*" * 200) + " FROM t",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_no_statement_runs_away(world: World, bomb: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    words = refused(world, BOMBS[bomb])
    assert time.monotonic() - started < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000
    assert words in (
        "query cancelled: too much work",
        "string or blob too big",
        "database or disk is full",
        "parser stack overflow",
        "Expression tree is too large (maximum depth 1000)",
        "too many terms in compound SELECT",
        "too many columns in result set",
    )
    assert run(world, "SELECT count(*) AS n FROM t") == "n\n300\n(1 row)"


@pytest.mark.parametrize("width", ["%999999999d", "%.999999999f", "%999999999s"])
def test_wide_formats_come_to_nothing(world: World, width: str) -> None:
    assert "NULL" in run(world, f"SELECT printf('{width}', 1)")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT s.name, (SELECT count(*) FROM staff o WHERE o.pay > s.pay) AS above FROM staff s ORDER BY above",
        """WITH a AS (SELECT id, name FROM staff), b AS (SELECT a.id, a.name FROM a JOIN staff s ON s.id = a.id),
        c AS (SELECT id, name FROM b UNION ALL SELECT id, name FROM a),
        d AS (SELECT name, count(*) AS n FROM c GROUP BY name)
        SELECT d.name, d.n, b.id FROM d JOIN b ON b.name = d.name WHERE d.n > 1 ORDER BY d.n, d.name LIMIT 5""",
        """SELECT sum(CASE WHEN pay > 1 THEN 1 ELSE 0 END), sum(CASE WHEN pay > 2 THEN 1 ELSE 0 END), avg(pay),
        sum(CASE WHEN pay IS NULL THEN 1 ELSE 0 END) FROM (SELECT name, pay FROM staff WHERE name <> '') AS x""",
        "SELECT a.s FROM t a WHERE a.n IN (SELECT b.n FROM t b WHERE b.n < 290 AND a.n <> b.n + 1)",
    ],
)
def test_ordinary_work_is_not_too_much(world: World, query: str) -> None:
    run(world, query)


WORDS = """
SELECT FROM WHERE WITH RECURSIVE AS ( ) , * UNION ALL INSERT INTO VALUES UPDATE SET DELETE staff audit t id name
n s a b JOIN ON = || LIKE '%a%' 'x' 1 2 1e9 count(*) group_concat(s) zeroblob(1e9) random()
printf('%9999999d',1) hex( replace( trim( date('now') now ORDER BY LIMIT OFFSET GROUP HAVING CASE WHEN THEN ELSE
END NULL EXPLAIN ; -- /* */ " ' ` [ ] ? :a $b x'00' ' PRAGMA ATTACH REPLACE RETURNING OVER PARTITION IN EXISTS
NOT IS . sqlite_master rowid \0 \ufeff é
""".split(" ")  # noqa: SIM905 — as a list it would fill the page
ANY = st.one_of(
    st.text(max_size=200),
    st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join),
    st.lists(st.sampled_from(WORDS), max_size=30).map(lambda words: " ".join(["SELECT", *words])),
    st.tuples(
        st.sampled_from(["name", "*", "a.name || b.name", "group_concat(a.name)", "DISTINCT a.pay", "max(b.id), a.*"]),
        st.integers(1, 6),
        st.sampled_from(["", "WHERE a.id < 3", "WHERE name LIKE '%n%'", "GROUP BY 1 ORDER BY 1", "LIMIT 3"]),
    ).map(
        lambda made: f"SELECT {made[0]} FROM {', '.join(f'staff {alias}' for alias in 'abcdef'[: made[1]])} {made[2]}"
    ),
)


@settings(max_examples=300, deadline=None)
@given(queries=st.lists(ANY, min_size=1, max_size=3))
def test_whatever_is_asked_there_is_an_answer_and_always_the_same(queries: list[str]) -> None:
    def outcome() -> bytes:
        world = World({"sql": TABLE}, ("run_sql",))
        uses = [world.call(1, "run_sql", json.dumps({"query": query})).to_json() for query in queries]
        return canonical([uses, world.snapshot(), [change.to_json() for change in world.changes]])

    started = time.monotonic()
    assert outcome() == outcome()
    assert time.monotonic() - started < 10


@given(text=st.text(max_size=300))
def test_any_text_has_tokens(text: str) -> None:
    assert unfolding.copies(unfolding.tokens(text)) >= 0


@pytest.mark.parametrize(
    ("query", "copies"),
    [
        ("SELECT s FROM t", 1),
        ("SELECT s||s AS s FROM (SELECT s||s AS s FROM t)", 9),
        ("SELECT ')', s FROM (SELECT 1)", 1),
        (
            "WITH a AS (SELECT 1), b(x, y) AS NOT MATERIALIZED (SELECT 1 FROM a, a z) SELECT a.x, 1 FROM \"B\", 'b', a",
            12,
        ),
        ("WITH left AS (SELECT 1) SELECT 1 FROM left, [left], `LEFT`, left", 4),
        ("SELECT *, * FROM (SELECT *, t.* FROM t) -- s s s", 16),
    ],
)
def test_copies_are_counted_before_they_are_made(query: str, copies: int) -> None:
    assert unfolding.copies(unfolding.tokens(query)) == copies
