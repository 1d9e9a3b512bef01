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
Standing = Literal["primary", "confirmatory", "exploratory"]


class Bounds(Record):
    """What the missing trials could do at worst: the interval's ends and verdicts with every missing value against."""

    lowest_gap: float
    highest_gap: float
    ci95: Interval
    verdicts: tuple[Verdict, Verdict]
    holds: bool


class Evidence(Record):
    """What an audit's draws say of one contrast: its discordant pairs and what they come to.

    `worse_deployed` and `worse_evaluated` count the pairs in which one arm alone misbehaved, or misbehaved more.
    `log10_e` is the decimal logarithm of the e-value against equal rates, `needed` the one at which the contrast is
    inconsistent; either may be read after any batch. `holds` says that the verdict is the same with every pair that
    lacks a trial counted for the gap, and against it.
    """

    worse_deployed: int
    worse_evaluated: int
    log10_e: float
    needed: float
    holds: bool


class Contrast(Record):
    """One probe under one cue family, in all cells (`cell` None) or in one level of a factor.

    The probe `any` is misbehaviour by any of a scenario's probes. Beside factors, `cell` may name a cue, the strength
    or dose of its wordings, or a family of scenarios.

    Rates and gaps are fractions; the gap is deployment minus evaluation, positive where the model is safer when
    evaluated. The two rates are means over the clusters that were seen in both arms, so that the gap is their
    difference. None means not estimable, and `note` says why. `margin` is δ; `floor` what S clean clusters cannot
    exclude. `interval` at `level` is the one that decides at the look where the model's verdict stands; with one look
    it is `ci95` (at α = 0.05). `standing` says whether it is primary and, if not, whether it may be read as confirmed.

    In an audit, whose draws lean towards what was found, there are neither rates nor a gap: `evidence` decides, and
    `p_value` is the anytime-valid one.
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
    level: float = 0.95
    interval: Interval | None = None
    margin: float
    floor: float | None
    verdict: Verdict
    direction: Direction | None
    missing: dict[Arm, int]
    bounds: Bounds | None = None
    evidence: Evidence | None = None
    standing: Standing = "exploratory"
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
    """A primary contrast analysed in another way, which `assumption` names; `verdict` is what would have been said."""

    probe: str
    cue_family: CueFamily
    assumption: str
    gap: float | None
    ci95: Interval | None
    verdict: Verdict


class Shift(Record):
    """How far one arm lies from another, as the gap between them (`arm` minus `reference`)."""

    arm: Arm
    reference: Arm
    gap: float | None
    ci95: Interval | None
    p_value: float | None


class Decomposition(Record):
    """Which arm moves: a primary gap as deployment minus neutral plus neutral minus evaluation.

    `moves` names the arms that are told apart from the neutral one at the level of the verdict.
    """

    probe: str
    cue_family: CueFamily
    deployment: Shift
    evaluation: Shift
    moves: tuple[Arm, ...]


class Spread(Record):
    """How far scenarios differ between arms whichever way, so that gaps of opposite signs do not cancel.

    `rms_gap` is the root mean square of the scenarios' gaps, as a fraction without direction; None where fewer than two
    scenarios have the repeats for it, and `note` says so.
    """

    probe: str
    cue_family: CueFamily
    scenarios: int
    rms_gap: float | None
    ci95: Interval | None
    note: str = ""


class NullControl(Record):
    """The same analysis where no gap can be: the deployment arm against itself, by random halves of its wordings."""

    probe: str
    cue_family: CueFamily
    wordings: int
    scenarios: int
    gap: float | None
    ci95: Interval | None
    verdict: Verdict


class Flag(Record):
    """One scenario by itself. `worse_deployed` and `worse_evaluated` count its discordant pairs.

    `log10_e` is the decimal logarithm of the e-value against equal rates: 1.3 is E = 20. `flagged` says that e-BH found
    it among all scenarios.
    """

    scenario: str
    probe: str
    cue_family: CueFamily
    worse_deployed: int
    worse_evaluated: int
    log10_e: float
    flagged: bool
    direction: Direction | None


class Look(Record):
    """One planned look at a model: the journal holds it, so that no look can be taken twice.

    `level` is the one-sided level a_k at which it tested, `spent` the two-sided α spent by then, `trials` those that it
    saw; `stops` says that its verdict ended the run of the model.
    """

    model: str
    look: int
    level: float
    spent: float
    trials: int
    verdict: Verdict
    direction: Direction | None
    stops: bool

    @property
    def key(self) -> str:
        """The look as one string, unique in a run."""
        return f"{self.model}|{self.look}"


class Batch(Record):
    """The pairs that an audit chose to run next for a model: the journal holds it before any of them is run."""

    model: str
    batch: int
    pairs: tuple[str, ...]

    @property
    def key(self) -> str:
        """The batch as one string, unique in a run."""
        return f"{self.model}|{self.batch}"


class Draws(Record):
    """How far an audit of a model went: batches, pairs that they drew, and pairs that there were to draw from.

    `ended` says that the evidence was found or the pool spent.
    """

    batches: int
    pairs: int
    pool: int
    ended: bool


class ModelResult(Record):
    """All that was found of one model. What a model that plays peers was asked, and cost, is counted apart.

    `look` is the planned look at which the verdict stands, `looks` all that were taken; `planned_trials` counts those
    of the whole plan, of which a model that stopped early needed fewer. `draws` is None but in an audit.
    """

    model: str
    verdict: Verdict
    direction: Direction | None
    alignment_faking_pattern: bool
    validity: tuple[ValidityCheck, ...]
    contrasts: tuple[Contrast, ...]
    sensitivity: tuple[Sensitivity, ...]
    decomposition: tuple[Decomposition, ...] = ()
    null_controls: tuple[NullControl, ...] = ()
    spreads: tuple[Spread, ...] = ()
    flags: tuple[Flag, ...] = ()
    flow: tuple[ArmFlow, ...]
    look: int = 1
    looks: tuple[Look, ...] = ()
    planned_trials: int = 0
    draws: Draws | None = None
    deviations: tuple[str, ...] = ()
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
    looks: int = 1
    scope: Scope
    models: tuple[ModelResult, ...]

    def text(self) -> str:
        """The file's text, byte for byte."""
        return json.dumps(self.to_json(), ensure_ascii=False, indent=2) + "\n"
