"""The frozen plan: what will be run, declared before the first call."""

import hashlib

from consistency.records.base import Arm, Json, Record, canonical
from consistency.records.scenario import Cell, CueFamily, Source, Strength


class Pair(Record):
    """One item under one wording, rendered in its arms.

    `item` is scenario × cell × surface variant, the unit of pairing; `repeat` counts the draws of a wording for the
    item from 1; `control` marks cells of the no-temptation twin, where nothing is at stake. `renderings` gives the
    digest of each arm's rendering and `slots` the cue slots at which the arms differ. `strength` and `dose` are the
    wording's. `look` is the planned look by which the pair is run, from 1.
    """

    id: str
    item: str
    scenario: str
    family: str
    cell: Cell
    variant: int
    repeat: int
    cue: str
    cue_family: CueFamily
    wording: str
    strength: Strength
    dose: float | None
    control: bool
    probes: tuple[str, ...]
    renderings: dict[Arm, str]
    slots: tuple[str, ...]
    look: int = 1

    @property
    def levels(self) -> dict[str, str]:
        """All that contrasts may be split by: the levels of the cell, and what kind of wording stands in it."""
        dose = {} if self.dose is None else {"dose": f"{self.dose:.0%}"}
        return {**self.cell, "cue": self.cue, "strength": self.strength, **dose, "family": self.family}


class Plan(Record):
    """A study made concrete.

    `sources` are the texts of all content files, so that a run can be repeated and audited without the checkout;
    `study` is the study with every default spelled out.
    """

    schema_version: int = 1
    package_version: str
    study: dict[str, Json]
    sources: dict[str, tuple[Source, ...]]
    pairs: tuple[Pair, ...]

    @property
    def digest(self) -> str:
        """The digest of its JSON, taken pair by pair: of a large plan that takes more memory than the plan itself."""
        bare = canonical(self.model_copy(update={"pairs": ()}).to_json())
        before, opening, after = bare.partition(b'"pairs":[')  # quotes inside a string are escaped
        found = hashlib.sha256(before + opening)
        for index, pair in enumerate(self.pairs):
            found.update((b"," if index else b"") + canonical(pair.to_json()))
        found.update(after)
        return found.hexdigest()
