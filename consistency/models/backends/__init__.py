"""The contract of a backend: how one kind of model is asked.

A plugin is a module with a docstring and

- `open_backend(name, settings) -> Backend`, where `name` is the model's name without the backend's prefix; it raises
  ConfigurationError for a name that it cannot serve;
- `USES_PLAYBOOK = True`, only in simulated models: they act out a script, which real models are never given;
- `REMOTE = True`, in backends whose models answer from elsewhere: their calls are throttled;
- `USES_RECORDINGS = True`, only in backends that answer from what was recorded earlier.

Other packages add backends through entry points in the group `consistency.backends`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from consistency.records.exchange import Message, Reply, Request, TokenPrice
from consistency.records.scenario import Part

#: The folder's name, as `consistency.plugins` knows it.
PACKAGE = __name__


class Backend(Protocol):
    """One model, ready to be asked; calls may run at the same time in one event loop."""

    async def complete(self, request: Request) -> Reply:
        """One attempt, without retries. Raises CallFailed, and nothing else, where no usable reply came."""
        ...

    async def close(self) -> None:
        """Let go of connections. The backend is not used afterwards; closing twice does no harm."""
        ...


class Playbook(Protocol):
    """Which rendering is being acted; for simulated models only."""

    def part(self, messages: Sequence[Message], seed: int | None) -> Part | None:
        """The part that the opening of a conversation belongs to; None for a conversation that is not in the plan.

        The request's seed tells items apart that open alike; it tells nothing of the arm.
        """
        ...

    def lines(self, messages: Sequence[Message], seed: int | None) -> tuple[str, ...] | None:
        """What the peer whose persona opens a conversation says, turn by turn; None where that is no peer."""
        ...


class Recordings(Protocol):
    """Replies that were recorded earlier."""

    def reply(self, request: Request) -> Reply | None:
        """What was answered to exactly this request; None where nothing is recorded."""
        ...


@dataclass(frozen=True)
class BackendSettings:
    """How a model is reached.

    `api_base` is the endpoint's address, None for the provider's own; `timeout` the deadline of one call in seconds;
    `tools_supported` overrides what is believed of the model's tool calling, `price` what is believed of its cost.
    `playbook` and `recordings` reach only those backends that declare their use.
    """

    api_base: str | None = None
    timeout: float = 120.0
    tools_supported: bool | None = None
    price: TokenPrice | None = None
    playbook: Playbook | None = None
    recordings: Recordings | None = None
