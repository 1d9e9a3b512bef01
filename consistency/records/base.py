"""What all records share: they are frozen, strict about their fields, and have one canonical form."""

import hashlib
import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Arm = Literal["evaluation", "deployment", "neutral"]
ARMS: tuple[Arm, ...] = ("evaluation", "deployment", "neutral")
#: The arms that a gap lies between: the second minus the first.
COMPARED: tuple[Arm, Arm] = ("evaluation", "deployment")

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
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def digest(value: Json) -> str:
    """SHA-256 of the canonical JSON, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def text_digest(text: str) -> str:
    """SHA-256 of a text's UTF-8 bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
