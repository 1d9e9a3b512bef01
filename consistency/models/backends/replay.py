"""`replay/MODEL`: answers with what was recorded earlier, and with nothing else.

A request is found by the digest of its canonical JSON, so that the smallest change of a prompt, a tool, a sampling
setting or a seed is a different request.
"""

from collections.abc import Iterable

from consistency.errors import CallFailed, ConfigurationError
from consistency.models.backends import BackendSettings, Recordings
from consistency.records.base import digest
from consistency.records.exchange import Reply, Request

USES_RECORDINGS = True


class RepliesByDigest:
    """Recordings held in memory; of equal requests the first reply counts."""

    def __init__(self, exchanges: Iterable[tuple[Request, Reply]]) -> None:
        self._replies: dict[str, Reply] = {}
        for request, reply in exchanges:
            self._replies.setdefault(digest(request.to_json()), reply)

    def reply(self, request: Request) -> Reply | None:
        """What was answered to exactly this request; None where nothing is recorded."""
        return self._replies.get(digest(request.to_json()))


class ReplayBackend:
    """A model that repeats itself."""

    def __init__(self, name: str, recordings: Recordings) -> None:
        self._name = name
        self._recordings = recordings

    async def complete(self, request: Request) -> Reply:
        """The recorded reply. Raises CallFailed (`bad_request`) for a request that was never answered."""
        reply = self._recordings.reply(request)
        if reply is None:
            found = digest(request.to_json())
            raise CallFailed("bad_request", f"nothing is recorded of {self._name} for the request {found[:16]}…")
        return reply

    async def close(self) -> None:
        """Nothing is held open."""


def open_backend(name: str, settings: BackendSettings) -> ReplayBackend:
    """The recorded model `name`. Raises ConfigurationError where there are no recordings."""
    if settings.recordings is None:
        raise ConfigurationError(f"replay/{name}: there are no recordings to answer from")
    return ReplayBackend(name, settings.recordings)
