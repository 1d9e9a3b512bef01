"""Surface variants: names, numbers and domains, drawn from a seed."""

from collections.abc import Mapping
from random import Random

from consistency.records.base import Json
from consistency.scenarios.head import BetweenForm, ChoiceForm, PoolForm, SampleForm, SurfaceForm

Pools = Mapping[str, tuple[dict[str, Json], ...]]


def draw(forms: Mapping[str, SurfaceForm], pools: Pools, rng: Random) -> dict[str, Json]:
    """A value for every variable, in the order of the head.

    Variables that draw single entries from one pool never get the same one. Raises KeyError for an unknown pool and
    ValueError where a pool is too small; the lint reports both before.
    """
    decks: dict[str, list[dict[str, Json]]] = {}
    values: dict[str, Json] = {}
    for name, form in forms.items():
        match form:
            case PoolForm():
                if form.pool not in decks:
                    decks[form.pool] = rng.sample(pools[form.pool], len(pools[form.pool]))
                if not decks[form.pool]:
                    raise ValueError(f"pool {form.pool!r} has too few entries")
                values[name] = decks[form.pool].pop()
            case ChoiceForm():
                values[name] = rng.choice(form.choice)
            case BetweenForm():
                low, high = form.between
                values[name] = rng.randrange(low, high + 1, form.step)
            case SampleForm():
                source = form.of if form.of is not None else pools[form.pool or ""]
                values[name] = rng.sample(source, form.sample)
    return values
