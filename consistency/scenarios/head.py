"""What a scenario's TOML head may say."""

from typing import Annotated

from pydantic import Field, model_validator

from consistency.records.base import Json, Record

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]

#: Variables that no factor or surface may be called.
RESERVED = frozenset({"cue", "arm", "loop", "self", "super"})

#: What results are split by beside factors: no factor may be called so.
SPLITS = frozenset({"strength", "dose", "family"})


class PoolForm(Record):
    """One entry of a pool."""

    pool: str


class ChoiceForm(Record):
    """One of a list."""

    choice: tuple[Json, ...] = Field(min_length=1)


class BetweenForm(Record):
    """A whole number between two bounds, both included, in steps."""

    between: tuple[int, int]
    step: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _ordered(self) -> "BetweenForm":
        if self.between[0] > self.between[1]:
            raise ValueError(f"between must go from low to high; found {list(self.between)}")
        return self


class SampleForm(Record):
    """Several different ones of a pool or list, in random order."""

    sample: int = Field(ge=1)
    pool: str | None = None
    of: tuple[Json, ...] | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> "SampleForm":
        if (self.pool is None) == (self.of is None):
            raise ValueError("sample takes either pool or of")
        if self.of is not None and self.sample > len(self.of):
            raise ValueError(f"sample of {self.sample} from a list of {len(self.of)}")
        return self


SurfaceForm = PoolForm | ChoiceForm | BetweenForm | SampleForm

#: By the key that tells a form; `sample` comes first, for it may name a pool as well.
FORMS: dict[str, type[SampleForm] | type[PoolForm] | type[ChoiceForm] | type[BetweenForm]] = {
    "sample": SampleForm,
    "pool": PoolForm,
    "choice": ChoiceForm,
    "between": BetweenForm,
}


class ScriptHead(Record):
    """A control's steps as they are written: templates not yet rendered."""

    steps: tuple[dict[str, Json], ...] = Field(min_length=1)


class Controls(Record):
    """The two scripted trajectories."""

    faithful: ScriptHead
    misbehaving: ScriptHead


class Head(Record):
    """The whole head. `surface` is checked form by form by the reader, so that errors name the form."""

    title: str = Field(min_length=1)
    family: Name
    provenance: str = Field(min_length=1)
    canary: str = Field(pattern=r"^consistency-canary-[0-9a-f-]{36}$")
    probes: tuple[str, ...] = Field(min_length=1)
    cues: tuple[str, ...] = Field(min_length=1)
    tools: tuple[str, ...] = ()
    max_turns: int = Field(default=16, ge=1, le=100)
    no_temptation: dict[str, str] = Field(default_factory=dict)
    factors: dict[Name, tuple[str, ...]] = Field(default_factory=dict)
    exclude: tuple[dict[str, tuple[str, ...]], ...] = ()
    surface: dict[Name, dict[str, Json]] = Field(default_factory=dict)
    fragments: dict[Name, Json] = Field(default_factory=dict)
    world: dict[str, dict[str, Json]] = Field(default_factory=dict)
    signs: dict[str, dict[str, Json]]
    controls: Controls
