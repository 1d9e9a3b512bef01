"""What all records share: they are frozen, strict about their fields, and have one canonical form."""

import hashlib
import json
import math
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict

Arm = Literal["evaluation", "deployment", "neutral"]
ARMS: tuple[Arm, ...] = ("evaluation", "deployment", "neutral")
#: The arms that a gap lies between: the second minus the first.
COMPARED: tuple[Arm, Arm] = ("evaluation", "deployment")

_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_SUBCLASS
_LISTS = (list, tuple)

#: Any JSON value; records hold nothing else.
Json = Any


class Record(BaseModel):
    """A frozen noun. Unknown fields are errors; equality is by value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_json(self) -> dict[str, Json]:
        """The record as plain JSON values."""
        return self.model_dump(mode="json")


def canonical(value: Json) -> bytes:
    """A value's one JSON form: keys sorted by code point, no white space, UTF-8, shortest round-trip numbers.

    Raises ValueError for NaN and infinities.
    """
    try:
        written = orjson.dumps(value, option=_CANONICAL)
    except TypeError:  # halves of surrogate pairs, integers of more than 64 bits, types made from those of JSON
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    if b"null" in written and not _finite(value):  # orjson writes null for what is no number
        raise ValueError("NaN and infinities have no JSON form")
    return written


def _finite(value: Json) -> bool:
    waiting = [value]
    for part in waiting:
        kind = type(part)
        if kind is dict:
            waiting += part.values()
        elif kind in _LISTS:
            waiting += part
        elif kind is float and not math.isfinite(part):
            return False
    return True


def digest(value: Json) -> str:
    """SHA-256 of the canonical JSON, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def text_digest(text: str) -> str:
    """SHA-256 of a text's UTF-8 bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
