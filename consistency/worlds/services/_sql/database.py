"""An SQLite database in memory, whose statements are untrusted: work is counted, not timed, and memory is bounded."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from consistency.records.base import Json
from consistency.worlds.services._sql import unfolding
from consistency.worlds.services._sql.functions import tame
from consistency.worlds.services._sql.guard import TOO_MUCH, Guard
from consistency.worlds.tool import ToolError

#: Rows that an answer keeps.
MOST_ROWS = 200
#: A statement, and a cell, hold no more bytes than this.
LONGEST = 10_000
#: What takes more than a few steps may only handle shorter cells from there on: it could pile them up.
_FEW_STEPS, _LONGEST_LATER = 10_000, 1_000
_TICK = 1_000
#: SQLite may make about so many copies of a part of a statement before it runs.
_MOST_COPIES = 100_000
#: Pages that a database may grow by.
_GROWTH = 512
#: Somewhere beyond, SQLite numbers new rows at random.
_HIGHEST_ROW = 2**53

#: Statements that SQLite knows, and that are refused in words of our own.
_REFUSED = frozenset(
    """
    alter analyze attach begin commit create detach drop end explain pragma reindex release replace rollback savepoint
    vacuum values
    """.split()  # noqa: SIM905 — as a list it would fill the page
)
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: LONGEST,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: LONGEST,
    sqlite3.SQLITE_LIMIT_COLUMN: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 50,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 100_000,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1_000,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}


@dataclass(frozen=True)
class Answer:
    """What a statement gave: the first of its rows, how many more there are, and what it changed and read."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Json, ...], ...]
    more: int
    action: str | None
    table: str
    changed: int
    read: frozenset[str]


class Database:
    """Tables that `build` makes, and that statements then read and change one by one."""

    def __init__(self) -> None:
        self._guard = Guard()
        self._connection, self._pristine = _connect(), _connect()
        tame(self._connection, self._pristine, self._guard)

    def __del__(self) -> None:
        self._connection.close()
        self._pristine.close()

    def build(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Json]]) -> tuple[str, ...]:
        """Makes a table; returns the names of its columns. Raises ValueError with SQLite's words where it cannot."""
        try:
            self._connection.execute(f'CREATE TABLE "{name}" ({", ".join(columns)})')
            for row in rows:
                marks = ", ".join("?" * len(row))
                self._connection.execute(_on(name, "INSERT INTO {} VALUES ({})", marks), tuple(row))
            if self._is_full(name):
                raise ValueError(f"rows can be numbered up to {_HIGHEST_ROW}")
            pages = self._connection.execute("PRAGMA page_count").fetchone()[0]
            self._connection.execute(f"PRAGMA max_page_count = {pages + _GROWTH}")
        except (sqlite3.Error, OverflowError) as error:
            raise ValueError(str(error)) from error
        return tuple(column[1] for column in self._connection.execute(_on(name, "PRAGMA table_info({})")))

    def rows(self, name: str) -> list[tuple[Json, ...]]:
        """All rows of a table."""
        self._guard.begin(frozenset(), frozenset(), "")
        return self._connection.execute(_on(name, "SELECT * FROM {}")).fetchall()

    def count(self, name: str) -> int:
        """How many rows a table has."""
        found: int = self._connection.execute(_on(name, "SELECT count(*) FROM {}")).fetchone()[0]
        return found

    def run(self, query: str, tables: frozenset[str], read_only: frozenset[str], now: str) -> Answer:
        """Carries out one statement, wholly or not at all. Raises ToolError with SQLite's words where it fails."""
        _check(query)
        self._guard.begin(tables, read_only, now)
        self._connection.execute("BEGIN")
        try:
            answer = self._guarded(query)
            if answer.action and self._is_full(answer.table):
                raise sqlite3.OperationalError("database or disk is full")
        except (sqlite3.Error, sqlite3.Warning, MemoryError, OverflowError, ValueError) as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise ToolError(self._guard.refusal or self._words(error)) from error
        self._connection.execute("COMMIT")
        return answer

    def _guarded(self, query: str) -> Answer:
        connection, guard = self._connection, self._guard
        changes = connection.total_changes
        connection.set_authorizer(guard.authorize)
        connection.set_progress_handler(self._tick, _TICK)
        try:
            with closing(connection.execute(query)) as cursor:
                columns = tuple(column[0] for column in cursor.description or ())
                rows = tuple(cursor.fetchmany(MOST_ROWS))
                more = sum(1 for _ in cursor)
        finally:
            connection.set_progress_handler(None, 0)
            connection.set_authorizer(None)
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
        action = "insert" if "insert" in guard.writes else next(iter(guard.writes), None)
        changed = connection.total_changes - changes
        return Answer(columns, rows, more, action, guard.writes.get(action or "", ""), changed, frozenset(guard.read))

    def _tick(self) -> bool:
        if self._guard.work > _FEW_STEPS:
            self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_LATER)
        return self._guard.charge(_TICK)

    def _is_full(self, name: str) -> bool:
        highest: int | None = self._connection.execute(_on(name, "SELECT max(_rowid_) FROM {}")).fetchone()[0]
        return highest is not None and highest > _HIGHEST_ROW

    def _words(self, error: BaseException) -> str:
        piled = isinstance(error, sqlite3.DataError) and self._guard.work > _FEW_STEPS
        return TOO_MUCH if piled or isinstance(error, MemoryError) else str(error)[:300]


def _connect() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, cached_statements=0)
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    connection.execute("PRAGMA temp_store = MEMORY")
    for limit, most in _LIMITS.items():
        connection.setlimit(limit, most)
    return connection


def _on(table: str, statement: str, *parts: str) -> str:
    """A statement about a table, whose name was checked."""
    return statement.format(f'"{table}"', *parts)


def _check(query: str) -> None:
    """Raises ToolError for other kinds of statements, and for what is too much for SQLite's parser already."""
    if len(query.encode("utf-8", "replace")) > LONGEST:
        raise ToolError(f"the statement is longer than {LONGEST} bytes")
    found = unfolding.tokens(query)
    if not found:
        raise ToolError("the statement is empty")
    if found[0] in _REFUSED:
        raise ToolError(f"not authorized: {found[0].upper()}; use SELECT, WITH, INSERT, UPDATE or DELETE")
    if "\ufeff" in query or not set("?:@$#").isdisjoint(found):
        raise ToolError("parameters and byte order marks cannot be used here")
    if unfolding.copies(found) > _MOST_COPIES:
        raise ToolError(TOO_MUCH)
