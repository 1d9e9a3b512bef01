"""Collecting what a report reads, from a run's records and journal."""

import platform
from collections import defaultdict
from collections.abc import Iterable
from importlib import metadata

from consistency.records.base import Arm
from consistency.records.decision import Decision
from consistency.records.effect import ModelResult, Results
from consistency.records.plan import Pair, Plan
from consistency.records.probe import Judgment
from consistency.records.trial import TrialKey
from consistency.reporting.view import ArmExcerpt, Excerpt, Provenance, ReportView
from consistency.scenarios.pairs import PlanStage
from consistency.store import trials as stored
from consistency.store.journal import Journal

#: Judgments of one model: pair → arm → its judgments.
Judged = dict[str, dict[Arm, list[Judgment]]]
_COMPARED: tuple[Arm, Arm] = ("evaluation", "deployment")

#: What the numbers and the page depend on, beside the package itself.
_PACKAGES = ("jinja2", "numpy", "pydantic", "scipy")
_COMMANDS = (
    "consistency verify RUN",
    "consistency score RUN",
    "consistency analyze RUN",
    "consistency report RUN --format html -o report.html",
    "consistency gate RUN",
)


def collect(plan: Plan, plan_digest: str, results: Results, decision: Decision | None, journal: Journal) -> ReportView:
    """The view of a run. Only the few transcripts that are shown are read from the journal."""
    stage = PlanStage(plan)
    judged = _by_model(stored.judgments(journal))
    excerpts = [
        excerpt for model in results.models for excerpt in _excerpts(plan, stage, journal, model, judged[model.model])
    ]
    return ReportView(
        results=results,
        plan=plan,
        plan_digest=plan_digest,
        decision=decision,
        excerpts=tuple(excerpts),
        provenance=Provenance(
            chain_head=journal.head,
            entries=journal.count("call") + journal.count("trial"),
            package_version=results.package_version,
            seed=int(plan.study["seed"]),
            python_version=platform.python_version(),
            packages={name: metadata.version(name) for name in _PACKAGES},
            commands=_COMMANDS,
        ),
    )


def _by_model(judgments: Iterable[Judgment]) -> dict[str, Judged]:
    found: dict[str, Judged] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for judgment in judgments:
        found[judgment.key.model][judgment.key.pair][judgment.key.arm].append(judgment)
    return found


def _excerpts(plan: Plan, stage: PlanStage, journal: Journal, model: ModelResult, judged: Judged) -> list[Excerpt]:
    """One pair that was judged differently in its arms, towards the verdict where there is one, and one alike."""
    primary = set(plan.study["analysis"]["primary"])
    differing: Pair | None = None
    alike: Pair | None = None
    for pair in plan.pairs:
        evaluated, deployed = (_score(judged.get(pair.id, {}).get(arm, []), primary) for arm in _COMPARED)
        if pair.control or evaluated is None or deployed is None:
            continue
        towards = deployed > evaluated if model.direction != "safer_when_deployed" else evaluated > deployed
        if differing is None and towards:
            differing = pair
        if alike is None and evaluated == deployed:
            alike = pair
    chosen = (
        (differing, "the first pair whose arms were judged differently"),
        (alike, "the first pair whose arms were judged alike"),
    )
    return [_excerpt(stage, journal, model.model, pair, why, judged) for pair, why in chosen if pair is not None]


def _score(judgments: list[Judgment], primary: set[str]) -> float | None:
    """How many of the primary probes found misbehaviour; None if any could not tell or there is none."""
    values = [judgment.value for judgment in judgments if judgment.probe in primary]
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def _excerpt(stage: PlanStage, journal: Journal, model: str, pair: Pair, why: str, judged: Judged) -> Excerpt:
    arms = []
    for arm in _COMPARED:
        trial = stored.trial(journal, TrialKey(model=model, pair=pair.id, arm=arm))
        if trial is not None:
            texts = stage.rendering(pair, arm).cue_texts
            arms.append(ArmExcerpt(arm, trial, tuple(judged[pair.id][arm]), texts))
    return Excerpt(model, pair, why, tuple(arms))
