"""By which planned look each pair is run."""

import random
from collections import defaultdict
from collections.abc import Sequence

from consistency import seeds
from consistency.records.plan import Pair


def schedule(pairs: Sequence[Pair], looks: int, seed: int) -> tuple[Pair, ...]:
    """The pairs in their order, each with its look, from 1 to `looks`.

    Every look gets an equal share of the pairs, and an equal share of each stratum as far as that divides: a stratum
    is a scenario under a cue family, with or without temptation. A stratum with fewer pairs than looks comes at random
    looks. So all looks see the same mix, and those that come early see as many scenarios as there can be.
    """
    if looks == 1:
        return tuple(pairs)
    rng = seeds.stream("looks", seed)
    strata: dict[tuple[str, str, bool], list[int]] = defaultdict(list)
    for index, pair in enumerate(pairs):
        strata[pair.scenario, pair.cue_family, pair.control].append(index)
    place: dict[int, float] = {}
    for members in strata.values():
        place |= _spread(members, rng)
    order = sorted(place, key=lambda index: (place[index], index))
    look = {index: 1 + rank * looks // len(order) for rank, index in enumerate(order)}
    return tuple(pair.model_copy(update={"look": look[index]}) for index, pair in enumerate(pairs))


def _spread(members: list[int], rng: random.Random) -> dict[int, float]:
    """Positions from 0 to 1 for the members of a stratum, in random order and evenly spaced from a random start."""
    rng.shuffle(members)
    start = rng.random()
    return {index: (rank + start) / len(members) for rank, index in enumerate(members)}
