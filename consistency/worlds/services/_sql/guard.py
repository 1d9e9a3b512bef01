"""What one statement may do, what it does, and what it costs."""

import sqlite3

TOO_MUCH = "query cancelled: too much work"
#: A statement ends after so many steps of SQLite's machine.
MOST_STEPS = 1_000_000

_WRITES = {sqlite3.SQLITE_INSERT: "insert", sqlite3.SQLITE_UPDATE: "update", sqlite3.SQLITE_DELETE: "delete"}
_FUNCTIONS = frozenset(
    """
    abs avg ceil ceiling char coalesce concat concat_ws count cume_dist current_date current_time
    current_timestamp date datetime dense_rank exp first_value floor format glob group_concat hex ifnull iif
    instr julianday lag last_value lead length like ln log log10 log2 lower ltrim max min mod nth_value ntile
    nullif octet_length percent_rank pow power printf quote rank replace round row_number rtrim sign sqrt
    strftime string_agg substr substring sum time total trim trunc typeof unicode unixepoch upper zeroblob
    """.split()  # noqa: SIM905 — as a list it would fill the page
)


class Guard:
    """Stands beside a connection: `begin` before every statement, `authorize` as SQLite's authorizer."""

    def __init__(self) -> None:
        self.begin(frozenset(), frozenset(), "")

    def begin(self, tables: frozenset[str], read_only: frozenset[str], now: str) -> None:
        """Forgets the statement before. `now` is what the date functions take for the present."""
        self.now = now
        self.work = 0
        self.refusal: str | None = None
        self.read: set[str] = set()
        self.writes: dict[str, str] = {}
        self._tables = tables
        self._read_only = read_only

    def charge(self, work: int) -> bool:
        """Counts work; whether it is too much by now."""
        self.work += work
        if self.work > MOST_STEPS:
            self.refusal = TOO_MUCH
        return self.work > MOST_STEPS

    def authorize(self, action: int, first: str | None, second: str | None, *_: str | None) -> int:
        """Answers what SQLite asks while it prepares a statement; keeps which columns are read, and what is written."""
        allowed = not self.charge(10) and self._may(action, first or "", second or "")
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY

    def _may(self, action: int, first: str, second: str) -> bool:
        if action in _WRITES:
            if first in self._read_only:
                self.refusal = f"permission denied for table {first}"
            self.writes.setdefault(_WRITES[action], first)
            return first in self._tables - self._read_only
        if action == sqlite3.SQLITE_READ and second:
            self.read.add(f"{first}.{second}")
            return first in self._tables
        if action == sqlite3.SQLITE_FUNCTION:
            return second.lower() in _FUNCTIONS
        return action in (sqlite3.SQLITE_READ, sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE)
