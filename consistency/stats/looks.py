"""At which levels planned looks test, and which of them may say `consistent`."""

from __future__ import annotations

from functools import lru_cache

from consistency.stats.equivalence import minimum_clusters
from consistency.stats.spending import boundaries, equal_looks, one_sided_levels, power_spending

#: Below this many times the fewest clusters, an early look cannot say `consistent`.
_AMPLE = 1.5


@lru_cache(maxsize=64)
def levels(looks: int, alpha: float) -> tuple[float, ...]:
    """The one-sided level a_k of every look: α/2 is spent as its share t² by each fraction t of the information."""
    if looks == 1:
        return (alpha / 2,)
    return one_sided_levels(boundaries(power_spending(2, alpha / 2), equal_looks(looks)))


def spent(look: int, looks: int, alpha: float) -> float:
    """The two-sided α that is spent by a look."""
    return alpha * (look / looks) ** 2


def early_consistent(clusters: int, margin: float, last: float) -> bool:
    """Whether `consistent` may be said before the last look, whose one-sided level is `last`.

    Only where the study has half as many clusters again as the last look needs: with fewer, early looks would say it
    too often of a model whose gap is the margin.
    """
    return clusters >= _AMPLE * minimum_clusters(margin, last)
