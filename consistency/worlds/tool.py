"""A tool: what a model is offered, and what happens when it is called."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from consistency.records.base import Json
from consistency.records.exchange import ToolSpec


class ToolError(Exception):
    """What a tool tells a model that it could not do; part of the world, not a fault of the harness."""


class Arguments(BaseModel):
    """Base of all tools' arguments: what is not named is refused, and numbers are finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Tool:
    """A tool as a service defines it; `act` takes the service and the parsed arguments, and returns what is shown."""

    name: str
    description: str
    arguments: type[Arguments]
    act: Callable[[Any, Any], str]

    def spec(self) -> ToolSpec:
        """The tool as it is offered to a model."""
        return _spec(self)

    def wrong(self, arguments: Json) -> str | None:
        """What is wrong with arguments, field by field, or None."""
        try:
            self.arguments.model_validate(arguments)
        except ValidationError as error:
            return "; ".join(_explain(found) for found in error.errors(include_url=False))
        return None


@cache
def _spec(tool: Tool) -> ToolSpec:
    schema = _without_titles(tool.arguments.model_json_schema())
    schema.pop("description", None)
    return ToolSpec(name=tool.name, description=tool.description, parameters=schema)


def _without_titles(schema: Json) -> Json:
    match schema:
        case dict():
            return {
                key: _without_titles(value)
                for key, value in schema.items()
                if key != "title" or isinstance(value, dict)
            }
        case list():
            return [_without_titles(value) for value in schema]
        case _:
            return schema


def _explain(found: Json) -> str:
    name = ".".join(str(part) for part in found["loc"]) or "arguments"
    match found["type"]:
        case "missing":
            return f"{name} is required"
        case "extra_forbidden":
            return f"{name} is not a parameter of this tool"
        case _:
            return f"{name}: {found['msg'][0].lower()}{found['msg'][1:]}"
