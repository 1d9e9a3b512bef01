"""Reading the arguments of a tool call from the text that a model wrote, which may be anything."""

import json

from consistency.records.base import Json, canonical

#: Nesting beyond this is refused: no tool needs it, and deep values break the JSON readers that come after.
DEEPEST = 64


def parse(text: str) -> dict[str, Json]:
    """The arguments in a text; an empty text means none.

    What is returned can be kept as canonical JSON. Raises ValueError, phrased for the model that wrote the text, for
    anything but a JSON object, for numbers that JSON does not know (NaN, infinities), for characters that no UTF-8
    text holds (lone surrogates), and for nesting beyond `DEEPEST`.
    """
    if not text.strip():
        return {}
    try:
        given = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"the arguments are not valid JSON: {error}") from error
    except RecursionError as error:
        raise ValueError("the arguments are nested too deeply") from error
    except ValueError as error:
        raise ValueError("the arguments are not valid JSON: a number has too many digits") from error
    if not isinstance(given, dict):
        raise ValueError("the arguments must be a JSON object")
    if _deeper_than(DEEPEST, given):
        raise ValueError("the arguments are nested too deeply")
    try:
        canonical(given)
    except UnicodeEncodeError as error:
        raise ValueError("the arguments are not valid JSON: a text holds half of a surrogate pair") from error
    except ValueError as error:
        raise ValueError("the arguments are not valid JSON: a number is not finite") from error
    return given


def _deeper_than(limit: int, value: Json) -> bool:
    level = [value]
    for _ in range(limit):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return True


def _inside(value: Json) -> list[Json]:
    match value:
        case dict():
            return [*value.values()]
        case list():
            return value
        case _:
            return []
