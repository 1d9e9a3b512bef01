"""Study files: which scenarios, cues, arms and models are run, how, and by what rules they are judged."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from consistency import frontmatter, resources
from consistency.errors import ConfigurationError, ContentError, Problem
from consistency.frontmatter import Document
from consistency.records.base import ARMS, Arm, Json, Record
from consistency.records.exchange import Sampling

Mode = Literal["planned", "audit"]
Fraction = Annotated[float, Field(gt=0, lt=1)]


class Price(Record):
    """US dollars for a million tokens read, and for a million written."""

    read: float = Field(ge=0)
    written: float = Field(ge=0)


class ModelEntry(Record):
    """A model of the study. `tools_supported` and `price` override what the price map believes."""

    name: str = Field(min_length=1)
    api_base: str | None = None
    tools_supported: bool | None = None
    price: Price | None = None


class Limits(Record):
    """How hard endpoints are driven; the same for all arms. Times in seconds.

    `concurrency` is the most calls at once, `timeout` the deadline of a call and `trial_timeout` of a trial.
    `patience` is how long a call that is turned away goes on asking, and how long an endpoint may be down before the
    run stops.
    """

    concurrency: int = Field(default=16, ge=1, le=4096)
    timeout: float = Field(default=120.0, gt=0)
    trial_timeout: float | None = Field(default=None, gt=0)
    attempts: int = Field(default=5, ge=1, le=20)
    backoff: float = Field(default=1.0, ge=0)
    patience: float = Field(default=900.0, ge=0)
    requests_per_minute: float | None = Field(default=None, gt=0)
    tokens_per_minute: float | None = Field(default=None, gt=0)


class Analysis(Record):
    """What is declared before the run.

    `margin` δ is the largest acceptable gap; None takes each probe's own. `cluster` is the unit that inference is
    over; `auto` takes the scenario where the study has enough of them for the margin, else the item. `mode` `audit`
    looks for a gap with as few calls as can be: it draws `batch` pairs at a time from the plan where gaps are likely,
    and never says `consistent`. `refusals` says what a refused trial counts as; `max_missing` the largest share of
    trials that may be missing in an arm.
    """

    primary: tuple[str, ...] = Field(min_length=1)
    mode: Mode = "planned"
    batch: Annotated[int, Field(ge=1, le=1000)] = 8
    margin: Fraction | None = None
    alpha: Fraction = 0.05
    looks: Annotated[int, Field(ge=1, le=10)] = 1
    manipulation: str | None = None
    cluster: Literal["auto", "item", "scenario"] = "auto"
    refusals: Literal["not_misbehaviour", "misbehaviour", "missing"] = "not_misbehaviour"
    max_missing: Annotated[float, Field(ge=0, le=1)] = 0.2

    @model_validator(mode="after")
    def _looks_or_audit(self) -> "Analysis":
        if self.mode == "audit" and self.looks > 1:
            raise ValueError(f"an audit looks after every batch: leave out looks = {self.looks}")
        if self.mode == "audit" and self.manipulation:
            raise ValueError("an audit never says consistent, which alone needs the manipulation check: leave it out")
        return self


class Study(Record):
    """One study. `scenarios` are ids or globs over ids; `factors` keeps some levels of a factor, all by default.

    `peer` is the model that plays the members of channels, the same for all models and arms; without one they say the
    lines that their scenario has for them.
    """

    name: str
    title: str = Field(min_length=1)
    scenarios: tuple[str, ...] = Field(min_length=1)
    cues: tuple[str, ...] = Field(min_length=1)
    arms: tuple[Arm, ...] = ("evaluation", "deployment")
    variants: int = Field(default=1, ge=1, le=1000)
    repeats: int = Field(default=1, ge=1, le=1000)
    seed: int = Field(default=1, ge=0)
    factors: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    models: tuple[ModelEntry, ...] = ()
    peer: ModelEntry | None = None
    sampling: Sampling = Sampling()
    limits: Limits = Limits()
    analysis: Analysis

    @model_validator(mode="after")
    def _declared_once(self) -> "Study":
        for field in ("scenarios", "cues", "arms"):
            values = getattr(self, field)
            if len(set(values)) < len(values):
                raise ValueError(f"{field} names something twice: {', '.join(values)}")
        names = [model.name for model in self.models]
        if len(set(names)) < len(names):
            raise ValueError(f"models names something twice: {', '.join(names)}")
        if not {"evaluation", "deployment"} <= set(self.arms):
            raise ValueError("arms must hold both evaluation and deployment; neutral is optional")
        if self.analysis.mode == "audit" and "neutral" in self.arms:
            raise ValueError("an audit draws pairs of evaluation and deployment: leave out the neutral arm")
        return self

    @property
    def ordered_arms(self) -> tuple[Arm, ...]:
        """The arms in their canonical order."""
        return tuple(arm for arm in ARMS if arm in self.arms)


def read(study: str, prompts: tuple[Path, ...]) -> tuple[Study, Document]:
    """A study by path or by the name of a shipped one.

    Raises ConfigurationError if there is none of that name, ContentError with lines for what is wrong inside.
    """
    path = Path(study)
    if path.suffix == ".toml" or path.is_file():
        document = frontmatter.parse(study, resources.read(path))
        return _validate(document, path.stem), document
    shipped = {Path(source.path).stem: source for source in resources.sources(prompts, "studies/*.toml")}
    if study not in shipped:
        raise ConfigurationError(
            f"no study {study!r}: neither a file nor one of the shipped ones ({', '.join(sorted(shipped)) or 'none'})"
        )
    document = frontmatter.parse(shipped[study].shown("prompts"), shipped[study].text)
    return _validate(document, study), document


def _validate(document: Document, name: str) -> Study:
    try:
        return Study.model_validate({**document.data, "name": name})
    except ValidationError as error:
        raise ContentError(problems(document, error)) from error


def problems(document: Document, error: ValidationError, *root: str | int) -> list[Problem]:
    """What pydantic found, in plain words, each at its line. `root` is where in the document validation began."""
    return [document.problem(explain(found), *root, *found["loc"]) for found in error.errors(include_url=False)]


def explain(found: Json, noun: str = "key") -> str:
    """One of pydantic's errors in plain words; `noun` is what a field is called where it stands."""
    place = ".".join(str(part) for part in found["loc"])
    match found["type"]:
        case "extra_forbidden":
            return f"unknown {noun} {place!r}"
        case "missing":
            return f"missing {noun} {place!r}"
        case "value_error":
            return f"{place + ': ' if place else ''}{found['ctx']['error']}"
        case "tuple_type" | "list_type":
            return f"{place} must be a list; found {found['input']!r}"
        case "dict_type" | "model_type" | "model_attributes_type":
            return f"{place} must be a table; found {found['input']!r}"
        case "string_type":
            return f"{place} must be a text; found {found['input']!r}"
        case _:
            return f"{place}: {found['msg'][0].lower()}{found['msg'][1:]}; found {found['input']!r}"
