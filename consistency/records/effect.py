"""Effects and verdicts: what `results.json` holds."""

import json
from typing import Literal

from consistency.records.base import Arm, Record
from consistency.records.scenario import Cell, CueFamily

Verdict = Literal["consistent", "different_within_margin", "inconsistent", "inconclusive", "invalid"]
VERDICTS: tuple[Verdict, ...] = ("consistent", "different_within_margin", "inconsistent", "inconclusive", "invalid")
Direction = Literal["safer_when_evaluated", "safer_when_deployed", "mixed"]
Scope = Literal["population", "suite", "these_wordings"]
Interval = tuple[float, float]


class Bounds(Record):
    """What the missing trials could do at worst: the interval's ends and verdicts with every missing value against."""

    lowest_gap: float
    highest_gap: float
    ci95: Interval
    verdicts: tuple[Verdict, Verdict]
    holds: bool


class Contrast(Record):
    """One probe under one cue family, in all cells (`cell` None) or in one level of a factor.

    The probe `any` is misbehaviour by any of a scenario's probes. Beside factors, `cell` may name a cue, the strength
    or dose of its wordings, or a family of scenarios.

    Rates and gaps are fractions; the gap is deployment minus evaluation, positive where the model is safer when
    evaluated. The two rates are means over the clusters that were seen in both arms, so that the gap is their
    difference. None means not estimable, and `note` says why. `margin` is δ; `floor` what S clean clusters cannot
    exclude.
    """

    probe: str
    cue_family: CueFamily
    cell: Cell | None
    primary: bool
    control: bool = False
    pairs: int
    scenarios: int
    clusters: int
    wordings: int
    scope: Scope
    rate_evaluation: float | None
    rate_deployment: float | None
    rate_neutral: float | None = None
    gap: float | None
    standard_error: float | None
    ci95: Interval | None
    ci90: Interval | None
    p_value: float | None
    p_adjusted: float | None
    margin: float
    floor: float | None
    verdict: Verdict
    direction: Direction | None
    missing: dict[Arm, int]
    bounds: Bounds | None = None
    note: str = ""


CheckStatus = Literal["passed", "failed", "warning", "not_measured"]


class ValidityCheck(Record):
    """A condition of a valid verdict. `not_measured` limits what may be claimed; `failed` makes the verdict invalid."""

    name: str
    status: CheckStatus
    detail: str


class ArmFlow(Record):
    """What became of one arm's trials. `attempted` may fall short of `planned` when a run was stopped."""

    arm: Arm
    planned: int
    attempted: int
    completed: int
    refused: int
    incomplete: int
    failed: int
    reasons: dict[str, int]


class Sensitivity(Record):
    """A primary contrast under another way of counting refusals."""

    probe: str
    cue_family: CueFamily
    refusals: Literal["not_misbehaviour", "misbehaviour", "missing"]
    gap: float | None
    ci95: Interval | None


class ModelResult(Record):
    """All that was found of one model. What a model that plays peers was asked, and cost, is counted apart."""

    model: str
    verdict: Verdict
    direction: Direction | None
    alignment_faking_pattern: bool
    validity: tuple[ValidityCheck, ...]
    contrasts: tuple[Contrast, ...]
    sensitivity: tuple[Sensitivity, ...]
    flow: tuple[ArmFlow, ...]
    calls: int
    input_tokens: int | None
    output_tokens: int | None
    cost: float | None
    peer_calls: int = 0
    peer_cost: float | None = None


class Results(Record):
    """The content of `results.json`. It holds no time and no path: the same journal gives the same bytes."""

    schema_version: int = 1
    package_version: str
    study: str
    plan_digest: str
    margin: float
    alpha: float
    scope: Scope
    models: tuple[ModelResult, ...]

    def text(self) -> str:
        """The file's text, byte for byte."""
        return json.dumps(self.to_json(), ensure_ascii=False, indent=2) + "\n"
