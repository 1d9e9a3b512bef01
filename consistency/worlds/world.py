"""A world: the services of one trial, behind the tools that the scenario offers."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import cast

from pydantic import ValidationError

from consistency import plugins
from consistency.errors import ConfigurationError
from consistency.records.base import Json
from consistency.records.exchange import ToolSpec
from consistency.records.trial import Change, ToolUse
from consistency.worlds import services
from consistency.worlds.parsing import parse
from consistency.worlds.services import Dependent, Inhabited, PeerTurn, Service, Timed
from consistency.worlds.tool import Tool, ToolError


@cache
def _catalogue() -> Mapping[str, tuple[str, Tool]]:
    """Every tool with the service that it belongs to."""
    catalogue: dict[str, tuple[str, Tool]] = {}
    for service in plugins.names(services.PACKAGE):
        for tool in plugins.load(services.PACKAGE, service).TOOLS:
            if tool.name in catalogue:
                raise ConfigurationError(
                    f"two services have a tool {tool.name!r}: {catalogue[tool.name][0]}, {service}"
                )
            catalogue[tool.name] = (service, tool)
    return catalogue


def tool_names() -> dict[str, str]:
    """The service of every tool."""
    return {name: service for name, (service, _) in _catalogue().items()}


def check_arguments(tool: str, arguments: dict[str, Json]) -> str | None:
    """What is wrong with a tool's arguments, or None. Raises KeyError for an unknown tool."""
    return _catalogue()[tool][1].wrong(arguments)


class World:
    """One trial's world, built from the tables of its rendering. Nothing is shared between two of them.

    Raises ConfigurationError for a table that no service can be built from, and for a tool that is unknown or whose
    service has no table.
    """

    def __init__(self, tables: Mapping[str, dict[str, Json]], tools: Sequence[str]) -> None:
        self._tools = {name: _offered(name, tables) for name in tools}
        self._changes: list[Change] = []
        self._turn = 0
        self._services: dict[str, Service] = {name: self._build(name, table) for name, table in tables.items()}
        built = list(self._services.values())
        self._inhabited = cast(list[Inhabited], [service for service in built if _has(type(service), Inhabited)])
        self._timed = cast(list[Timed], [service for service in built if _has(type(service), Timed)])
        for dependent in cast(list[Dependent], [service for service in built if _has(type(service), Dependent)]):
            dependent.meet(self._services)

    def _build(self, name: str, table: dict[str, Json]) -> Service:
        if not isinstance(table, dict):
            raise ConfigurationError(f"[world.{name}] must be a table; found {table!r}")

        def record(action: str, target: str, before: str | None = None, after: str | None = None) -> None:
            change = Change(turn=self._turn, service=name, action=action, target=target, before=before, after=after)
            self._changes.append(change)

        service: Service = plugins.load(services.PACKAGE, name).Service(table, record)
        return service

    @property
    def changes(self) -> tuple[Change, ...]:
        """All changes so far, in order."""
        return tuple(self._changes)

    def specs(self) -> tuple[ToolSpec, ...]:
        """The tools as they are offered, in the scenario's order."""
        return tuple(tool.spec() for _, tool in self._tools.values())

    def snapshot(self) -> dict[str, Json]:
        """The state of every service."""
        return {name: service.snapshot() for name, service in self._services.items()}

    def waiting(self) -> PeerTurn | None:
        """Whose turn it is to speak after the last call, or None."""
        turns = (service.waiting() for service in self._inhabited)
        return next((turn for turn in turns if turn is not None), None)

    def answer(self, text: str) -> str:
        """Lets the peer that is waited for say something; returns what the agent reads of it."""
        for service in self._inhabited:
            if service.waiting() is not None:
                return service.answer(text)
        raise LookupError("nobody is waited for")

    def call(self, turn: int, name: str, arguments: str) -> ToolUse:
        """Carries out one call as a model wrote it; whatever is wrong with it becomes the result that it reads."""
        for timed in self._timed:
            for _ in range(turn - max(1, self._turn)):
                timed.tick()
        self._turn = turn
        try:
            given = parse(arguments)
        except ValueError as error:
            return _failed(turn, name, None, "malformed_arguments", str(error))
        if name not in self._tools:
            known = ", ".join(self._tools) or "none"
            return _failed(turn, name, given, "unknown_tool", f"there is no tool {name!r}; there are: {known}")
        service, tool = self._tools[name]
        try:
            result = tool.act(self._services[service], tool.arguments.model_validate(given))
        except ValidationError:
            return _failed(turn, name, given, "invalid_arguments", tool.wrong(given) or "invalid arguments")
        except ToolError as error:
            return _failed(turn, name, given, "tool_error", str(error))
        return ToolUse(turn=turn, name=name, arguments=given, result=result)


@cache
def _has(kind: type, ability: type) -> bool:
    """Whether a kind of service has an ability; asking a protocol is slow, and the answer never changes."""
    return issubclass(kind, ability)


def _offered(name: str, tables: Mapping[str, dict[str, Json]]) -> tuple[str, Tool]:
    if name not in _catalogue():
        raise ConfigurationError(f"unknown tool {name!r}; there are: {', '.join(_catalogue())}")
    service, tool = _catalogue()[name]
    if service not in tables:
        raise ConfigurationError(f"tool {name!r} belongs to the service {service!r}, and there is no [world.{service}]")
    return service, tool


def _failed(turn: int, name: str, arguments: dict[str, Json] | None, error: str, message: str) -> ToolUse:
    return ToolUse(turn=turn, name=name, arguments=arguments, result=f"Error: {message}", error=error)
