"""What there is to do, and in which order."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from consistency import seeds
from consistency.records.base import Arm
from consistency.records.plan import Pair, Plan
from consistency.records.trial import TrialKey

#: Pairs whose trials are shuffled together, so that drift of an endpoint meets all arms alike.
_PAIRS_IN_BLOCK = 8


@dataclass(frozen=True)
class Task:
    """One trial to be run. `seed` is its own; it tells nothing of the arm."""

    key: TrialKey
    pair: Pair
    arm: Arm
    seed: int


def tasks(plan: Plan, models: Sequence[str], done: Collection[str], look: int = 1) -> list[Task]:
    """The trials due by a look that are not done yet, in shuffled blocks that interleave arms and models.

    The order comes from the study's seed, so that a resumed run goes on where it was. A trial's seed does not depend on
    the model: two models, or one model by two routes, are asked with the same seeds.
    """
    study_seed = int(plan.study["seed"])
    rng = seeds.stream("order", study_seed, look)
    pairs = [pair for pair in plan.pairs if pair.look == look]
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
            for model in models
            for arm in pair.renderings
        ]
        rng.shuffle(block)
        ordered += block
    return [task for task in ordered if task.key.id not in done]
