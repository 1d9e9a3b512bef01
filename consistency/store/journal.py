"""The journal: one SQLite file per run, append-only, each entry hashed over its predecessor.

An entry is a call, a trial, a look at a model, or a batch of pairs drawn for one. Long texts that recur (messages, tool
lists, bodies sent, end states of worlds) are kept once, by digest. What was appended is safe when `append` returns: a
kill at any instant loses at most the calls in flight. (WAL with `synchronous=NORMAL`: a crash of the process loses
nothing; a power cut may lose the last moments, never the order.)
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from consistency.errors import ChainBroken, RunLocked, StoreError
from consistency.records.base import Json

Kind = Literal["call", "trial", "look", "batch"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries (
    sequence INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    digest TEXT NOT NULL,
    UNIQUE (kind, key)
);
CREATE TABLE IF NOT EXISTS blobs (digest TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS judgments (body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS outcomes ON entries (
    json_extract(body, '$.key.model'), json_extract(body, '$.key.arm'), json_extract(body, '$.outcome')
) WHERE kind = 'trial';
"""


#: Digests that are remembered, so that a text that recurs is not written again; more would be memory for nothing.
_MOST_KNOWN = 20_000


class Entry(NamedTuple):
    """One entry to be: `body` is canonical JSON, `texts` by digest are those that it refers to.

    `cost` is what a call cost in US dollars, None where nobody knows; it stands in the body too.
    """

    kind: Kind
    key: str
    body: str
    texts: dict[str, str]
    cost: float | None = 0.0

    @property
    def model(self) -> str:
        """The model that the entry is about, with which every key begins."""
        return self.key.partition("|")[0]


class Journal:
    """An open journal. A `writer` holds the run's lock until it is closed or its process ends.

    The first entry is hashed over the plan's digest, so that a journal and its plan belong together; None takes the one
    that is there. `about` says in a few words what is planned, for those who will not read the plan. Raises StoreError
    where there is no journal and none is to be made, RunLocked while another process writes.
    """

    def __init__(
        self, path: Path, plan_digest: str | None, *, writer: bool, create: bool = False, about: Json = None
    ) -> None:
        if not create and not path.exists():
            raise StoreError(f"{path.parent} has no journal: nothing was run in it yet")
        self.path = path
        self._lock = _take_lock(path.with_name("writer.lock")) if writer else None
        self._known: set[str] = set()
        try:
            self._database = sqlite3.connect(path, isolation_level=None)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=NORMAL")
            self._database.executescript(_SCHEMA)
            self.plan_digest = self._bind(plan_digest, about)
        except sqlite3.DatabaseError as error:
            self.close()
            raise StoreError(f"{path}: {error}") from error
        last = self._database.execute("SELECT digest FROM entries ORDER BY sequence DESC LIMIT 1").fetchone()
        self.head: str = last[0] if last else self.plan_digest

    def _bind(self, plan_digest: str | None, about: Json) -> str:
        """The digest of the plan that the journal belongs to, which is settled when it is made."""
        if plan_digest is not None:
            self._database.execute("INSERT OR IGNORE INTO meta VALUES ('plan_digest', ?)", (plan_digest,))
        if about is not None:
            self._database.execute("INSERT OR IGNORE INTO meta VALUES ('about', ?)", (json.dumps(about),))
        found = self._meta("plan_digest")
        if found is None or plan_digest not in (None, found):
            raise StoreError(f"{self.path} belongs to plan {str(found)[:12]}, not to plan {str(plan_digest)[:12]}")
        return found

    def _meta(self, name: str) -> str | None:
        row = self._database.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    @property
    def about(self) -> Json:
        """What was said of the plan when the journal was made; None where nothing was."""
        found = self._meta("about")
        return None if found is None else json.loads(found)

    def close(self) -> None:
        """Closes the file and gives up the lock."""
        if hasattr(self, "_database"):
            self._database.close()
        if self._lock is not None:
            self._lock.close()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, *entries: Entry) -> None:
        """Adds entries with the texts that they refer to, all or none, durably. Raises StoreError for a key that is
        there.
        """
        head = self.head
        rows: list[tuple[Kind, str, str, str]] = []
        blobs: dict[str, str] = {}
        for kind, key, body, texts, _ in entries:
            head = _link(head, kind, key, body)
            rows.append((kind, key, body, head))
            blobs.update((name, text) for name, text in texts.items() if name not in self._known)
        try:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany("INSERT OR IGNORE INTO blobs VALUES (?, ?)", blobs.items())
            self._database.executemany("INSERT INTO entries (kind, key, body, digest) VALUES (?, ?, ?, ?)", rows)
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            named = ", ".join(f"{kind} {key}" for kind, key, *_ in rows[:3])
            raise StoreError(f"{self.path}: {named}: {error}") from error
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        self._known.update(blobs)
        self.head = head

    def find(self, kind: Kind, key: str) -> Json | None:
        """The body of one entry, or None."""
        row = self._database.execute("SELECT body FROM entries WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        return json.loads(row[0]) if row else None

    def keys(self, kind: Kind, like: str = "*") -> list[str]:
        """Keys of all entries of a kind, in the order in which they were made; `like` is a glob over them."""
        query = "SELECT key FROM entries WHERE kind = ? AND key GLOB ? ORDER BY sequence"
        rows = self._database.execute(query, (kind, like))
        return [key for (key,) in rows]

    def sequence(self) -> list[tuple[str, str]]:
        """Kind and key of all entries, in the order in which they were made."""
        return self._database.execute("SELECT kind, key FROM entries ORDER BY sequence").fetchall()

    def entries(self, kind: Kind) -> Iterator[tuple[str, Json]]:
        """Keys and bodies of all entries of a kind, sorted by key."""
        rows = self._database.execute("SELECT key, body FROM entries WHERE kind = ? ORDER BY key", (kind,))
        return ((key, json.loads(body)) for key, body in rows)

    def extracts(self, kind: Kind, *paths: str) -> Iterator[list[Json]]:
        """Some fields of all entries of a kind, sorted by key, without reading the rest; `paths` as SQLite has them."""
        query = (
            "SELECT (SELECT json_group_array(json_extract(body, value)) FROM json_each(?)) "
            "FROM entries WHERE kind = ? ORDER BY key"
        )
        return (json.loads(row) for (row,) in self._database.execute(query, (json.dumps(paths), kind)))

    def blob(self, name: str) -> str:
        """A text by its digest. Raises ChainBroken if it is missing."""
        row = self._database.execute("SELECT body FROM blobs WHERE digest = ?", (name,)).fetchone()
        if row is None:
            raise ChainBroken(f"{self.path}: the text {name[:12]} that an entry refers to is missing")
        body: str = row[0]
        return body

    def sums(self, kind: Kind, amount: str, unless: str) -> list[tuple[str, int, float | None, int]]:
        """By the first part of the key (the model): entries, the sum of a number in them, and how many lack it; those
        that have something at `unless` lack nothing. Places as SQLite has them.
        """
        query = (
            "SELECT substr(key, 1, instr(key, '|') - 1), count(*), sum(json_extract(body, ?)), "
            "sum(json_extract(body, ?) IS NULL AND json_extract(body, ?) IS NULL) "
            "FROM entries WHERE kind = ? GROUP BY 1"
        )
        return self._database.execute(query, (amount, amount, unless, kind)).fetchall()

    def outcomes(self) -> list[tuple[str, str, str, int]]:
        """Model, arm and outcome of the trials that have ended, and how many there are of each; fast, however many.

        The index holds all of it, and is named: left to itself, SQLite may choose the one on keys and read every body.
        """
        return self._database.execute(
            "SELECT json_extract(body, '$.key.model'), json_extract(body, '$.key.arm'), "
            "json_extract(body, '$.outcome'), count(*) "
            "FROM entries INDEXED BY outcomes WHERE kind = 'trial' GROUP BY 1, 2, 3"
        ).fetchall()

    def count(self, kind: Kind) -> int:
        """How many entries of a kind there are."""
        (number,) = self._database.execute("SELECT count(*) FROM entries WHERE kind = ?", (kind,)).fetchone()
        return int(number)

    def replace_judgments(self, bodies: Iterator[str]) -> None:
        """Puts these judgments in the place of all earlier ones; judgments can always be made again."""
        self._write_judgments(bodies, anew=True)

    def add_judgments(self, bodies: Iterator[str]) -> None:
        """Adds judgments to those that there are."""
        self._write_judgments(bodies, anew=False)

    def _write_judgments(self, bodies: Iterator[str], *, anew: bool) -> None:
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            if anew:
                self._database.execute("DELETE FROM judgments")
            self._database.executemany("INSERT INTO judgments VALUES (?)", ((body,) for body in bodies))

    def judgments(self) -> Iterator[str]:
        """The judgments as they were put in."""
        return (body for (body,) in self._database.execute("SELECT body FROM judgments ORDER BY rowid"))

    def verify(self) -> int:
        """Recomputes the whole chain and every text's digest; returns the number of entries. Raises ChainBroken."""
        head, number = self.plan_digest, 0
        rows = self._database.execute("SELECT sequence, kind, key, body, digest FROM entries ORDER BY sequence")
        for number, (sequence, kind, key, body, found) in enumerate(rows, start=1):
            head = _link(head, kind, key, body)
            if sequence != number or found != head:
                raise ChainBroken(f"{self.path}: entry {sequence} ({kind} {key}) does not match the chain")
        for name, body in self._database.execute("SELECT digest, body FROM blobs"):
            if hashlib.sha256(body.encode()).hexdigest() != name:
                raise ChainBroken(f"{self.path}: the text {name[:12]} was changed")
        return number


def _link(previous: str, kind: str, key: str, body: str) -> str:
    return hashlib.sha256(f"{previous}\n{kind}\n{key}\n{body}".encode()).hexdigest()


def _take_lock(path: Path) -> sqlite3.Connection:
    """An exclusive lock that the operating system frees when the process ends, on every platform SQLite runs on."""
    lock = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        lock.close()
        raise RunLocked(f"{path.parent} is being written to by another process; wait for it or stop it") from error
    return lock
