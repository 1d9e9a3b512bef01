"""What there is to do, and in which order."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from consistency import seeds
from consistency.records.base import Arm
from consistency.records.plan import Pair, Plan
from consistency.records.trial import TrialKey, attempt_name, trial_id

#: Pairs whose trials are shuffled together, so that drift of an endpoint meets all arms alike.
_PAIRS_IN_BLOCK = 8


@dataclass(frozen=True)
class Task:
    """One trial to be run. `seed` is its own; it tells nothing of the arm. `attempt` counts from 1: a trial that failed
    may be run again.
    """

    key: TrialKey
    pair: Pair
    arm: Arm
    seed: int
    attempt: int = 1

    @property
    def name(self) -> str:
        """What the attempt is called in the journal."""
        return attempt_name(self.key.id, self.attempt)


@dataclass(frozen=True)
class Round:
    """What is run before the next look at the data: a number, from 1, and by model the pairs, in the plan's order."""

    number: int
    pairs: dict[str, Sequence[Pair]]


def over(due: Round, done: Collection[str]) -> bool:
    """Whether all trials of a round are done."""
    return all(
        trial_id(model, pair.id, arm) in done
        for model, pairs in due.pairs.items()
        for pair in pairs
        for arm in pair.renderings
    )


def tasks(plan: Plan, due: Round, done: Collection[str]) -> list[Task]:
    """The trials of a round that are not done yet, in shuffled blocks that interleave arms and models.

    The order comes from the study's seed, so that a resumed run goes on where it was. A trial's seed does not depend on
    the model: two models, or one model by two routes, are asked with the same seeds.
    """
    study_seed = int(plan.study["seed"])
    rng = seeds.stream("order", study_seed, due.number)
    models = {model: {pair.id for pair in chosen} for model, chosen in due.pairs.items()}
    pairs = [pair for pair in plan.pairs if any(pair.id in chosen for chosen in models.values())]
    rng.shuffle(pairs)
    ordered: list[Task] = []
    for start in range(0, len(pairs), _PAIRS_IN_BLOCK):
        block = [
            Task(
                key=TrialKey(model=model, pair=pair.id, arm=arm),
                pair=pair,
                arm=arm,
                seed=seeds.of_trial(study_seed, pair.id, arm),
            )
            for pair in pairs[start : start + _PAIRS_IN_BLOCK]
            for model, chosen in models.items()
            if pair.id in chosen
            for arm in pair.renderings
        ]
        rng.shuffle(block)
        ordered += block
    return [task for task in ordered if task.key.id not in done]


def again(plan: Plan, failed: Mapping[str, int]) -> list[Task]:
    """Failed trials to be run again: `failed` has their ids, and how often each was run."""
    if not failed:
        return []
    models = [str(model["name"]) for model in plan.study["models"]]
    whole = tasks(plan, Round(1, dict.fromkeys(models, plan.pairs)), ())
    return [replace(task, attempt=failed[task.key.id] + 1) for task in whole if task.key.id in failed]
