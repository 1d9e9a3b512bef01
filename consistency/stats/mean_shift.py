"""Whether the mean of categories, scores or embeddings differs between arms, by sign flips of whole clusters.

Every cluster s has a vector d_s, its mean over deployment trials less its mean over evaluation trials: of category
indicators, of rank scores, or of embedded texts. The statistic is the squared length of their mean. Where the arms do
not differ, and d_s is distributed as −d_s, a random choice of signs gives a mean as long as the one observed as often
as any other. In one dimension this is `sign_flip`, squared. The statistic is the squared maximum mean discrepancy
(Gretton et al. 2012) of the arms, paired by cluster.

What is flipped is what the conclusion reaches over. With scenarios as clusters it is new scenarios, with wordings as at
hand. Where scenarios share wordings and those have effects of their own, flips of scenarios reject too often, just as
`sign_flip` does (40 scenarios × 5 repeats, both texts of a set with effects of half the noise: a true null is rejected
in 74, 39 and 16 of 100 studies with 8, 20 and 60 sets). `placebo_adjusted_energy` swaps wordings, and so does this test
if the wording sets are the clusters (3 to 5 of 100 on the same studies).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from consistency.errors import StatisticsError
from consistency.stats.methods import NotEstimable
from consistency.stats.outcomes import BoolArray, FloatArray, IntArray
from consistency.stats.signflip import sign_choices

_ROUNDING = 1e-9
"""Statistics this close, relative to the observed one or to its expectation without a shift, are ties."""


@dataclass(frozen=True)
class MeanShift:
    """Deployment minus evaluation, in as many dimensions as the vectors had.

    statistic: ‖mean_s d_s‖². It is above 0 even without a shift: chance alone adds mean_s ‖d_s‖² / S to it.
    squared_shift: the statistic without that, an unbiased estimate of the squared length; it may be negative.
    p_value: the share of choices of signs with a statistic as large, the observed choice among them.
    exact: whether these are all choices there are.
    clusters: S.
    """

    statistic: float
    squared_shift: float
    p_value: float
    exact: bool
    clusters: int


def mean_shift(
    differences: ArrayLike, *, rng: np.random.Generator | None = None, draws: int = 9_999
) -> MeanShift | NotEstimable:
    """Test that the mean of the cluster differences is the zero vector.

    differences: array (S, dimensions), row s being d_s = deployment mean − evaluation mean; see `cluster_differences`.
    All choices of signs are tried where at most 15 rows are not zero (a choice and its opposite are one, so there are
    2^14); else `draws` are drawn from `rng` and the observed one is added (Phipson and Smyth 2010).

    NotEstimable below two clusters. The p value is 1 where all differences are zero. StatisticsError for another shape,
    numbers that are not finite, or an `rng` that is needed and missing.
    """
    d = np.asarray(differences, dtype=np.float64)
    if d.ndim != 2 or not np.isfinite(d).all():
        raise StatisticsError(f"mean shift: found shape {d.shape}; finite numbers, one row per cluster, are needed")
    if d.shape[0] <= d.shape[1]:
        return mean_shift_from_gram(d @ d.T, rng=rng, draws=draws)
    moving = d[(d != 0.0).any(axis=1)]
    return _tested(
        lambda signs: np.square(signs @ moving).sum(axis=1), np.square(moving).sum(axis=1), d.shape[0], rng, draws
    )


def mean_shift_from_gram(
    gram: ArrayLike, *, rng: np.random.Generator | None = None, draws: int = 9_999
) -> MeanShift | NotEstimable:
    """`mean_shift` from nothing but the inner products of the cluster differences.

    gram: array (S, S), symmetric and positive semidefinite, gram[s, t] = ⟨d_s, d_t⟩; see `gram_of_differences`. The
    vectors may have any number of dimensions, or be known through a kernel alone.
    """
    inner = np.asarray(gram, dtype=np.float64)
    if inner.ndim != 2 or inner.shape[0] != inner.shape[1] or not np.isfinite(inner).all():
        raise StatisticsError(f"mean shift: found shape {inner.shape}; a square matrix of finite numbers is needed")
    if not np.allclose(inner, inner.T, rtol=1e-5, atol=1e-6 * float(np.abs(inner).max(initial=0.0))):
        raise StatisticsError("mean shift: the matrix of inner products is not symmetric")
    kept = np.diagonal(inner) > 0.0
    moving = inner[np.ix_(kept, kept)]
    return _tested(
        lambda signs: np.asarray(np.einsum("ps,ps->p", signs @ moving, signs), dtype=np.float64),
        np.diagonal(moving),
        inner.shape[0],
        rng,
        draws,
    )


def cluster_differences(features: ArrayLike, cluster: ArrayLike, deployment: ArrayLike) -> FloatArray:
    """d_s of every cluster seen in both arms, in order of label: array (S, dimensions).

    features: array (trials, dimensions), one vector per trial. cluster: integer label of each trial's cluster.
    deployment: True in the deployment arm. Clusters seen in one arm alone are left out; S may be 0.
    """
    vectors = np.asarray(features)
    index, in_deployment, clusters = _paired(vectors.shape[0] if vectors.ndim == 2 else -1, cluster, deployment)
    if vectors.dtype.kind not in "biuf" or not np.isfinite(vectors).all():
        raise StatisticsError("mean shift: a feature is not a finite number")
    differences = np.zeros((clusters, vectors.shape[1]))
    for arm, sign in ((in_deployment, 1.0), (~in_deployment, -1.0)):
        rows = np.flatnonzero(arm & (index >= 0))
        rows = rows[np.argsort(index[rows], kind="stable")]
        counts = np.bincount(index[rows], minlength=clusters)
        if clusters:
            starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
            sums = np.add.reduceat(vectors[rows], starts, axis=0, dtype=np.float64)
            differences += sign * sums / counts[:, None]
    return differences


def gram_of_differences(kernel: ArrayLike, cluster: ArrayLike, deployment: ArrayLike) -> FloatArray:
    """⟨d_s, d_t⟩ of the clusters seen in both arms, array (S, S), from a kernel matrix (trials, trials)."""
    between = np.asarray(kernel, dtype=np.float64)
    square = between.ndim == 2 and between.shape[0] == between.shape[1]
    once = cluster_differences(between if square else np.zeros(0), cluster, deployment)
    return cluster_differences(once.T, cluster, deployment)


def _paired(trials: int, cluster: ArrayLike, deployment: ArrayLike) -> tuple[IntArray, BoolArray, int]:
    """Each trial's position among the clusters seen in both arms (−1 for others), its arm, and how many these are."""
    labels, arm = np.asarray(cluster), np.asarray(deployment)
    if labels.shape != (trials,) or arm.shape != (trials,) or (trials and arm.dtype.kind != "b"):
        raise StatisticsError(
            f"mean shift: found clusters {labels.shape} and arms {arm.shape} of {arm.dtype}; "
            "one row of features, one label and one boolean are needed for each trial"
        )
    index = np.unique(labels, return_inverse=True)[1]
    arm = arm.astype(np.bool_)
    both = (np.bincount(index[arm], minlength=index.size + 1) > 0) & (
        np.bincount(index[~arm], minlength=index.size + 1) > 0
    )
    position = np.where(both, np.cumsum(both) - 1, -1)
    return position[index], arm, int(both.sum())


def _tested(
    squared_sums: Callable[[FloatArray], FloatArray],
    squares: FloatArray,
    clusters: int,
    rng: np.random.Generator | None,
    draws: int,
) -> MeanShift | NotEstimable:
    """Compare the observed signs with the others.

    squared_sums: ‖Σ_s ε_s d_s‖² for rows of signs ε. squares: ‖d_s‖² of the rows that are not zero.
    """
    if clusters < 2:
        return NotEstimable(f"{clusters} cluster(s) were seen in both arms; at least 2 are needed")
    exact, blocks = sign_choices(squares.size, rng, draws)
    total = float(squares.sum())
    sums = np.concatenate([squared_sums(signs) for signs in blocks])
    observed = max(float(sums[0]), 0.0)
    p_value = float(np.mean(sums >= sums[0] - _ROUNDING * max(total, observed)))
    unbiased = (observed - total) / (clusters * (clusters - 1))
    return MeanShift(observed / clusters**2, unbiased, p_value, exact, clusters)
