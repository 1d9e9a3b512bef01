"""A relational database: tables that are read and changed in SQL."""

import re
from collections.abc import Mapping
from datetime import datetime
from math import isfinite

from pydantic import Field

from consistency.errors import ConfigurationError
from consistency.records.base import Json
from consistency.worlds.services import Record, clock
from consistency.worlds.services._sql.database import Answer, Database
from consistency.worlds.tool import Arguments, Tool

_NAME = re.compile(r"(?!sqlite_)[a-z_]\w*", re.ASCII | re.IGNORECASE)
#: What time it is for a database in a world without a clock.
_TIME = datetime.fromisoformat(clock.START)
_LONGEST_CELL = 300
_LONGEST_ANSWER = 20_000


class Service:
    """Tables by name. A statement is carried out wholly or not at all."""

    def __init__(self, table: dict[str, Json], record: Record) -> None:
        tables, read_only = table.get("tables", {}), table.get("read_only", [])
        if not isinstance(tables, dict) or set(table) - {"tables", "read_only"}:
            raise ConfigurationError(f"[world.sql] may have tables and read_only; found {table!r}")
        if not isinstance(read_only, list) or not all(name in tables for name in read_only):
            raise ConfigurationError(f"[world.sql] read_only must be a list of its tables; found {read_only!r}")
        self.database = Database()
        self.columns: dict[str, list[str]] = {}
        self.queries: list[str] = []
        self._read: set[str] = set()
        self._read_only = frozenset(read_only)
        self._record = record
        self._clock: object = None
        self._names = {name: self._build(name, entry) for name, entry in tables.items()}

    def _build(self, name: str, entry: Json) -> tuple[str, ...]:
        place = f"[world.sql.tables.{name}]"
        if not _NAME.fullmatch(name):
            raise ConfigurationError(f"{place}: {name!r} cannot be a table's name")
        if not isinstance(entry, dict) or set(entry) - {"columns", "rows"}:
            raise ConfigurationError(f"{place} must be a table with columns and rows; found {entry!r}")
        columns, rows = entry.get("columns"), entry.get("rows", [])
        if not isinstance(columns, list) or not columns or not all(isinstance(column, str) for column in columns):
            raise ConfigurationError(f"{place} columns must be a list of texts; found {columns!r}")
        if not isinstance(rows, list) or not all(isinstance(row, list) and _flat(row) for row in rows):
            raise ConfigurationError(f"{place} rows must be a list of lists of values; found {rows!r}")
        self.columns[name] = columns
        try:
            names = self.database.build(name, columns, rows)
        except ValueError as error:
            raise ConfigurationError(f"{place}: {error}") from error
        if taken := {"rowid", "oid", "_rowid_"} & {column.lower() for column in names}:
            raise ConfigurationError(f"{place}: a column cannot be named {', '.join(taken)}")
        return names

    def meet(self, others: Mapping[str, object]) -> None:
        """Finds the clock, if the world has one."""
        self._clock = others.get("clock")

    def snapshot(self) -> dict[str, Json]:
        """Rows by table, the statements that succeeded, in order, and the columns that they read (`table.column`)."""
        tables = {
            name: {"rows": [dict(zip(columns, map(_json, row), strict=True)) for row in self.database.rows(name)]}
            for name, columns in self._names.items()
        }
        return {"tables": tables, "queries": list(self.queries), "columns_read": sorted(self._read)}

    def run(self, query: str) -> Answer:
        """Carries out a statement and logs what it changed. Raises ToolError where that cannot be done."""
        now = getattr(self._clock, "now", _TIME)
        answer = self.database.run(query, frozenset(self._names), self._read_only, f"{now:%Y-%m-%d %H:%M:%S}")
        self.queries.append(query)
        self._read |= answer.read
        if answer.action and answer.changed:
            self._record(answer.action, answer.table, None, str(answer.changed))
        return answer


def _flat(row: list[Json]) -> bool:
    return all(value is None or isinstance(value, str | int | float) for value in row)


def _json(value: Json) -> Json:
    """A value as plain JSON: bytes in hexadecimal, an infinite number as a word."""
    if isinstance(value, bytes):
        return value.hex()
    return _shown(value) if isinstance(value, float) and not isfinite(value) else value


def _shown(value: Json) -> str:
    match value:
        case None:
            text = "NULL"
        case bytes():
            text = f"x'{value[:_LONGEST_CELL].hex()}'"
        case float() if not isfinite(value):
            text = "Inf" if value > 0 else "-Inf"
        case _:
            text = str(value).replace("\r", "\\r").replace("\n", "\\n")
    return text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]}…"


def _table(answer: Answer) -> list[str]:
    lines, room = [" | ".join(map(_shown, answer.columns))], _LONGEST_ANSWER
    for row in answer.rows:
        lines.append(" | ".join(map(_shown, row)))
        room -= len(lines[-1])
        if room < 0:
            break
    left = len(answer.rows) + answer.more - (len(lines) - 1)
    return [*lines, f"… {left} more {'row' if left == 1 else 'rows'}" if left else f"({_rows(len(lines) - 1)})"]


def _rows(count: int) -> str:
    return f"{count} {'row' if count == 1 else 'rows'}"


class ListTables(Arguments):
    """Arguments of `list_tables`."""


class RunSql(Arguments):
    """Arguments of `run_sql`."""

    query: str = Field(description="One SELECT, WITH, INSERT, UPDATE or DELETE statement, in SQLite's dialect.")


def _list(store: Service, _: ListTables) -> str:
    lines = [
        f"{name} ({_rows(store.database.count(name))}): {', '.join(columns)}" for name, columns in store.columns.items()
    ]
    return "\n".join(lines) or "(no tables)"


def _run(store: Service, asked: RunSql) -> str:
    answer = store.run(asked.query)
    lines = _table(answer) if answer.columns else []
    return "\n".join([*lines, f"{_rows(answer.changed)} changed"] if answer.action else lines)


TOOLS = (
    Tool("list_tables", "List the tables of the database, with columns and numbers of rows.", ListTables, _list),
    Tool("run_sql", "Run one SQL statement on the database (SQLite).", RunSql, _run),
)
