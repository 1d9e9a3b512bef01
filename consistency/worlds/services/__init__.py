"""The contract of a service: one part of a world, named as its table `[world.<name>]`.

A plugin has a class `Service(table, record)`, which raises ConfigurationError for a table that it cannot be built from,
with `snapshot()`, and a tuple `TOOLS` of the tools that act on it. `record(action, target, before, after)` logs a
change.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from consistency.errors import ConfigurationError
from consistency.records.base import Json
from consistency.records.exchange import Message
from consistency.worlds.tool import ToolError

PACKAGE = __name__


class Record(Protocol):
    """Logs one change to the world."""

    def __call__(self, action: str, target: str, before: str | None = None, after: str | None = None) -> None:
        """`before` and `after` are digests or short values, None where there was nothing."""
        ...


class Service(Protocol):
    """One part of a world."""

    def snapshot(self) -> dict[str, Json]:
        """Its state as plain JSON, independent of what comes later."""
        ...


@runtime_checkable
class Dependent(Protocol):
    """A service that looks at others: it is shown them once all are built."""

    def meet(self, others: Mapping[str, Service]) -> None:
        """Keeps what it needs of the others. Raises ConfigurationError where that is missing."""
        ...


@runtime_checkable
class Timed(Protocol):
    """A service in which time passes: it is told when the agent takes another turn."""

    def tick(self) -> None:
        """Lets the time of one turn pass."""
        ...


@dataclass(frozen=True)
class PeerTurn:
    """Whose turn it is to speak: the conversation as that peer sees it, and its line where no model plays it.

    The line is empty, and the peer silent, once its written lines are used up.
    """

    peer: str
    messages: tuple[Message, ...]
    line: str


@runtime_checkable
class Inhabited(Protocol):
    """A service in which others speak: after a call they are waited for, one by one."""

    def waiting(self) -> PeerTurn | None:
        """Whose turn it is, or None where nobody is waited for."""
        ...

    def answer(self, text: str) -> str:
        """Takes down what that peer says, silence being the empty text; returns what the agent reads of it."""
        ...


def fingerprint(text: str) -> str:
    """A short digest of a content, for the log of changes."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def texts(service: str, table: dict[str, Json]) -> dict[str, str]:
    """A table whose values are all texts. Raises ConfigurationError for any other."""
    for key, value in table.items():
        if not isinstance(value, str):
            raise ConfigurationError(f"[world.{service}] {key!r} must be a text; found {value!r}")
    return dict(table)


def fields(service: str, name: str, entry: Json) -> dict[str, str]:
    """An entry that is a table of texts. Raises ConfigurationError for any other."""
    if not isinstance(entry, dict) or not all(isinstance(value, str) for value in entry.values()):
        raise ConfigurationError(f"[world.{service}.{name}] must be a table of texts; found {entry!r}")
    return dict(entry)


def known(kind: str, name: str, names: object) -> str:
    """A name that must be among those there are. Raises ToolError with what there is."""
    listed = sorted(map(str, names)) if isinstance(names, (dict, list, set, tuple)) else []
    if name not in listed:
        raise ToolError(f"no {kind} named {name!r}; there are: {', '.join(listed) or 'none'}")
    return name
