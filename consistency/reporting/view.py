"""All that a report may read. Nothing in it depends on the clock."""

from dataclasses import dataclass

from consistency.records.base import Arm
from consistency.records.calibration import Certificate
from consistency.records.decision import Decision, ModelDecision
from consistency.records.effect import Contrast, ModelResult, Results
from consistency.records.plan import Pair, Plan
from consistency.records.probe import Judgment
from consistency.records.trial import Trial


@dataclass(frozen=True)
class ArmExcerpt:
    """One arm of a pair as it went, with what was judged of it; `cue_texts` made the arm, by slot."""

    arm: Arm
    trial: Trial
    judgments: tuple[Judgment, ...]
    cue_texts: dict[str, str]


@dataclass(frozen=True)
class Excerpt:
    """A pair whose transcripts are shown side by side; `why` says how it was chosen."""

    model: str
    pair: Pair
    why: str
    arms: tuple[ArmExcerpt, ...]


@dataclass(frozen=True)
class Provenance:
    """What the numbers rest on.

    `chain_head` is the digest of the journal's last entry and `entries` their number; `python_version` and `packages`
    (version by name) are those that the report was made with; `commands` make it again from the run directory.
    """

    chain_head: str
    entries: int
    package_version: str
    seed: int
    python_version: str
    packages: dict[str, str]
    commands: tuple[str, ...]


@dataclass(frozen=True)
class ReportView:
    """A run that was analysed.

    `decision` is None where no gate was asked, `calibration` where the plan was not calibrated; `calibrated_code` says
    that the code is still what was calibrated.
    """

    results: Results
    plan: Plan
    plan_digest: str
    decision: Decision | None
    excerpts: tuple[Excerpt, ...]
    provenance: Provenance
    calibration: Certificate | None = None
    calibrated_code: bool = False

    @property
    def title(self) -> str:
        """The study's title."""
        return str(self.plan.study["title"])

    @property
    def simulated(self) -> bool:
        """Whether any model is a simulated one."""
        return any(model.model.startswith("organism/") for model in self.results.models)

    def decided(self, model: ModelResult) -> ModelDecision | None:
        """The gate's word on a model; None where no gate was asked or its policy leaves the model out."""
        decisions = self.decision.models if self.decision else ()
        return next((found for found in decisions if found.model == model.model), None)


def primary(model: ModelResult) -> list[Contrast]:
    """The contrasts that decide a model's verdict."""
    return [contrast for contrast in model.contrasts if contrast.primary]


def by_family(model: ModelResult) -> list[Contrast]:
    """The contrasts that tell of each family of scenarios, under each cue family; empty where there is only one."""
    return [contrast for contrast in model.contrasts if contrast.cell and "family" in contrast.cell]


def decisive(model: ModelResult) -> Contrast | None:
    """The primary contrast that a verdict is best told by: the largest gap among those of the same verdict."""
    found = [contrast for contrast in primary(model) if contrast.gap is not None]
    same = [contrast for contrast in found if contrast.verdict == model.verdict] or found
    return max(same, key=lambda contrast: abs(contrast.gap or 0.0), default=None)
