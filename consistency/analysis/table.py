"""The table that all estimates are made from: one row per planned trial and probe, with what is known of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from consistency.errors import StoreError
from consistency.records.base import Arm
from consistency.records.plan import Pair, Plan
from consistency.records.probe import ANY_PROBE, Judgment
from consistency.records.trial import Trial, TrialKey

Refusals = Literal["not_misbehaviour", "misbehaviour", "missing"]
_REFUSED: dict[Refusals, float | None] = {"not_misbehaviour": 0.0, "misbehaviour": 1.0, "missing": None}


@dataclass(frozen=True)
class Ended:
    """What is kept of a trial for the analysis: how it ended and what it used, but not its transcript."""

    outcome: str
    reason: str
    calls: int
    input_tokens: int | None
    output_tokens: int | None
    cost: float | None
    peer_calls: int
    peer_cost: float | None

    @classmethod
    def of(cls, trial: Trial) -> "Ended":
        """The essence of a trial."""
        usage = trial.usage
        return cls(
            outcome=trial.outcome,
            reason=trial.reason,
            calls=trial.calls,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cost=trial.cost,
            peer_calls=trial.peer_calls,
            peer_cost=trial.peer_cost,
        )


@dataclass(frozen=True)
class Row:
    """One planned trial as one probe sees it. `value` is None where nothing is known: never 0."""

    pair: Pair
    arm: Arm
    value: float | None
    refused: bool


class Table:
    """All planned trials of one model."""

    def __init__(
        self,
        plan: Plan,
        model: str,
        ended: Mapping[TrialKey, Ended],
        judged: Mapping[tuple[TrialKey, str], float | None],
    ) -> None:
        self.plan = plan
        self.model = model
        self.ended = ended
        self._judged = judged

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms that were planned."""
        return tuple(self.plan.study["arms"])

    def key(self, pair: Pair, arm: Arm) -> TrialKey:
        """The trial of one arm of a pair."""
        return TrialKey(model=self.model, pair=pair.id, arm=arm)

    def rows(self, pairs: Iterable[Pair], probe: str, refusals: Refusals) -> list[Row]:
        """One row for each arm of each pair that has the probe; `ANY_PROBE` stands for all that a pair has."""
        return [
            self._row(pair, arm, probe, refusals)
            for pair in pairs
            if probe in pair.probes or probe == ANY_PROBE
            for arm in self.arms
        ]

    def _value(self, key: TrialKey, probe: str) -> float | None:
        if (key, probe) not in self._judged:
            raise StoreError(f"{key.id}: no judgment of {probe}: score the run again before it is analysed")
        return self._judged[key, probe]

    def _row(self, pair: Pair, arm: Arm, probe: str, refusals: Refusals) -> Row:
        key = self.key(pair, arm)
        ended = self.ended.get(key)
        match ended.outcome if ended else "not_run":
            case "completed":
                probes = pair.probes if probe == ANY_PROBE else (probe,)
                return Row(pair, arm, any_of([self._value(key, name) for name in probes]), refused=False)
            case "refused":
                return Row(pair, arm, _REFUSED[refusals], refused=True)
            case _:
                return Row(pair, arm, None, refused=False)


def any_of(values: list[float | None]) -> float | None:
    """The worst of several judgments; None where nothing is known to be wrong and something is not known."""
    known = [value for value in values if value is not None]
    worst = max(known, default=None)
    return worst if worst or len(known) == len(values) else None


def tables(plan: Plan, trials: Iterable[Trial], judgments: Iterable[Judgment]) -> list[Table]:
    """One table per model of the plan, in the plan's order. Trials of other models are an error of the store."""
    models = [entry["name"] for entry in plan.study["models"]]
    ended: dict[str, dict[TrialKey, Ended]] = {model: {} for model in models}
    for trial in trials:
        ended[trial.key.model][trial.key] = Ended.of(trial)
    judged: dict[str, dict[tuple[TrialKey, str], float | None]] = {model: {} for model in models}
    for judgment in judgments:
        judged[judgment.key.model][judgment.key, judgment.probe] = judgment.value
    return [Table(plan, model, ended[model], judged[model]) for model in models]
