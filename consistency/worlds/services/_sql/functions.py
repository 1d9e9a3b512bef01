"""SQLite's functions that must be tamed: those that know the host's time, and those whose work is not counted.

They do what SQLite's own do, since a second connection carries them out. They hold the guard and that connection, never
the one that they are made for: it would hold itself, and never end.
"""

import sqlite3
from collections.abc import Callable, Sequence

from consistency.records.base import Json
from consistency.worlds.services._sql.guard import TOO_MUCH, Guard

_DATES = ("date", "time", "datetime", "julianday", "unixepoch", "strftime")
_CURRENT = {"current_timestamp": "datetime", "current_date": "date", "current_time": "time"}
#: Functions whose work grows with the product of their arguments' lengths, and how many arguments they take.
_COSTLY = {"like": (2, 3), "glob": (2,), "instr": (2,), "replace": (3,), "trim": (2,), "ltrim": (2,), "rtrim": (2,)}


def tame(connection: sqlite3.Connection, pristine: sqlite3.Connection, guard: Guard) -> None:
    """Puts the tamed functions in the place of SQLite's."""
    for name in _DATES:
        connection.create_function(name, -1, _date(name, pristine, guard), deterministic=True)
    for name, same in _CURRENT.items():
        connection.create_function(name, 0, _date(same, pristine, guard), deterministic=True)
    for name, counts in _COSTLY.items():
        for count in counts:
            connection.create_function(name, count, _costly(name, pristine, guard), deterministic=True)


def _costly(name: str, pristine: sqlite3.Connection, guard: Guard) -> Callable[..., Json]:
    def act(*given: Json) -> Json:
        first, second = (len(value) if isinstance(value, str | bytes) else 20 for value in given[:2])
        return _ask(pristine, guard, 10 + first * second // 16, name, given)

    return act


def _date(name: str, pristine: sqlite3.Connection, guard: Guard) -> Callable[..., Json]:
    place = 1 if name == "strftime" else 0

    def act(*given: Json) -> Json:
        words = [_text(value) for value in given]
        if len(words) == place:
            words.append(guard.now)
        elif len(words) > place and _is(words[place], "now", "subsec", "subsecond"):
            words[place] = guard.now
        return _ask(pristine, guard, 10, name, [word for word in words if not _is(word, "localtime", "utc")])

    return act


def _text(value: Json) -> Json:
    """A value as the date functions read it: bytes are a text, and a text ends at its first zero."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return text.partition("\0")[0] if isinstance(text, str) else text


def _is(value: Json, *words: str) -> bool:
    return isinstance(value, str) and value.strip().lower() in words


def _ask(pristine: sqlite3.Connection, guard: Guard, work: int, name: str, given: Sequence[Json]) -> Json:
    """What SQLite's own function says. Its error is kept: the connection that called only says that one failed."""
    if guard.charge(work):
        raise ValueError(TOO_MUCH)
    try:
        return pristine.execute(f"SELECT {name}({', '.join('?' * len(given))})", tuple(given)).fetchone()[0]
    except sqlite3.Error as error:
        guard.refusal = guard.refusal or str(error)
        raise
