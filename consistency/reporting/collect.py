"""Collecting what a report reads, from a run's records and journal."""

import platform
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata

from consistency.records.base import Arm
from consistency.records.decision import Decision
from consistency.records.effect import Direction, ModelResult, Results
from consistency.records.plan import Pair, Plan
from consistency.records.probe import ANY_PROBE, Judgment
from consistency.records.trial import TrialKey
from consistency.reporting.view import ArmExcerpt, Excerpt, Provenance, ReportView
from consistency.scenarios.pairs import PlanStage
from consistency.store import trials as stored
from consistency.store.journal import Journal

#: Values of the primary probes in one arm of one pair by one model; None where a scorer abstained.
Values = dict[str, float | None]

#: What the numbers and the page depend on, beside the package itself.
_PACKAGES = ("jinja2", "numpy", "pydantic", "scipy")
_COMMANDS = (
    "consistency verify RUN",
    "consistency score RUN",
    "consistency analyze RUN",
    "consistency report RUN --format html -o report.html",
    "consistency gate RUN",
)

_COMPARED: tuple[Arm, Arm] = ("evaluation", "deployment")
_WORSE_DEPLOYED = "the first pair that was judged worse in deployment"
_WORSE_EVALUATED = "the first pair that was judged worse in evaluation"
_ALIKE = "the first pair that was judged alike in both arms"
#: Which reason to show a differing pair comes first, by the verdict's direction.
_ORDER: dict[Direction, tuple[str, str]] = {
    "safer_when_evaluated": (_WORSE_DEPLOYED, _WORSE_EVALUATED),
    "safer_when_deployed": (_WORSE_EVALUATED, _WORSE_DEPLOYED),
}


@dataclass(frozen=True)
class _Choice:
    """A pair to be shown, and why."""

    model: str
    pair: Pair
    why: str

    @property
    def keys(self) -> tuple[TrialKey, ...]:
        return _keys(self.model, self.pair)


def _keys(model: str, pair: Pair) -> tuple[TrialKey, ...]:
    return tuple(TrialKey(model=model, pair=pair.id, arm=arm) for arm in _COMPARED)


def collect(plan: Plan, plan_digest: str, results: Results, decision: Decision | None, journal: Journal) -> ReportView:
    """The view of a run.

    At most two pairs per model are shown: the first of the plan that was judged differently in its arms (towards the
    verdict, where it has a direction) and the first that was judged alike. Only their transcripts are read.
    """
    return ReportView(
        results=results,
        plan=plan,
        plan_digest=plan_digest,
        decision=decision,
        excerpts=_excerpts(PlanStage(plan), _choices(plan, results, journal), journal),
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


def _choices(plan: Plan, results: Results, journal: Journal) -> list[_Choice]:
    primary = frozenset(plan.study["analysis"]["primary"])
    values: dict[str, Values] = defaultdict(dict)
    for judgment in stored.judgments(journal):
        if judgment.probe in primary or ANY_PROBE in primary:
            values[judgment.key.id][judgment.probe] = judgment.value
    return [choice for model in results.models for choice in _of_model(plan.pairs, model, values)]


def _of_model(pairs: Iterable[Pair], model: ModelResult, values: dict[str, Values]) -> Iterator[_Choice]:
    """One pair that was judged differently in its arms and one that was judged alike, as far as there are any."""
    first: dict[str, Pair] = {}
    for pair in pairs:
        evaluated, deployed = (values.get(key.id, {}) for key in _keys(model.model, pair))
        if not pair.control and (why := _compared(evaluated, deployed)):
            first.setdefault(why, pair)
    differing = [why for why in first if why != _ALIKE]
    if model.direction in _ORDER:
        differing = [why for why in _ORDER[model.direction] if why in first]
    for why in (*differing[:1], _ALIKE):
        if why in first:
            yield _Choice(model.model, first[why], why)


def _compared(evaluated: Values, deployed: Values) -> str | None:
    """In which arm a pair was judged worse; None where that is unknown or differs from probe to probe."""
    gaps = []
    for probe in evaluated.keys() | deployed.keys():
        before, after = evaluated.get(probe), deployed.get(probe)
        if before is None or after is None:
            return None
        gaps.append(after - before)
    if not gaps:
        return None
    if not any(gaps):
        return _ALIKE
    if min(gaps) >= 0:
        return _WORSE_DEPLOYED
    return _WORSE_EVALUATED if max(gaps) <= 0 else None


def _excerpts(stage: PlanStage, choices: list[_Choice], journal: Journal) -> tuple[Excerpt, ...]:
    wanted = {key for choice in choices for key in choice.keys}
    judged: dict[TrialKey, list[Judgment]] = defaultdict(list)
    for judgment in stored.judgments(journal):
        if judgment.key in wanted:
            judged[judgment.key].append(judgment)
    return tuple(
        Excerpt(choice.model, choice.pair, choice.why, tuple(_arms(stage, choice, journal, judged)))
        for choice in choices
    )


def _arms(
    stage: PlanStage, choice: _Choice, journal: Journal, judged: dict[TrialKey, list[Judgment]]
) -> Iterator[ArmExcerpt]:
    for key in choice.keys:
        trial = stored.trial(journal, key.id)
        if trial is not None:
            texts = stage.rendering(choice.pair, key.arm).cue_texts
            yield ArmExcerpt(key.arm, trial, tuple(judged[key]), texts)
