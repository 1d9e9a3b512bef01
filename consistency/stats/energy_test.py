"""Placebo-adjusted energy: whether the answers of two arms differ by more than those to two wordings of one arm do.

A permutation test that takes answers for independent calls every study a difference, since answers share scenarios and
wordings. Here what an arm was given to, a wording, is what is relabelled, and the distance between the wordings of one
arm is the placebo that the distance between arms is measured against.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

import numpy as np
from numpy.typing import ArrayLike

from consistency.errors import StatisticsError
from consistency.stats.energy import ROWS, Single, centred, euclidean_distances, finite_vectors
from consistency.stats.methods import NotEstimable, Wordings
from consistency.stats.outcomes import BoolArray, FloatArray, IntArray
from consistency.stats.signflip import sign_choices

_ROUNDING = 1e-9  # gaps as close as this, relative to the distances that they are made from, are equal


@dataclass(frozen=True)
class PlaceboAdjustedEnergy:
    """How much farther apart the arms are than two wordings of one arm, on average over scenarios.

    gap: G = between − within_deployment/2 − within_evaluation/2; 0 on average where the arms do not differ, and it may
    be negative. between: mean distance of answers to a deployment and to an evaluation wording. within_deployment,
    within_evaluation: mean distance of answers to two wordings of one arm, the placebo.
    p_value: the share of relabellings with a gap as large, the observed labels among them; `exact` says whether these
    are all there are. scenarios: how many entered. wordings: the sets (matched), wordings (nested) or answers
    (ignored) that were relabelled.
    """

    gap: float
    between: float
    within_deployment: float
    within_evaluation: float
    p_value: float
    exact: bool
    scenarios: int
    wordings: int


def placebo_adjusted_energy(
    features: ArrayLike,
    cluster: ArrayLike,
    wording: ArrayLike,
    deployment: ArrayLike,
    *,
    wordings: Wordings = "matched",
    rng: np.random.Generator | None = None,
    draws: int = 999,
) -> PlaceboAdjustedEnergy | NotEstimable:
    """Test whether the arms differ in any scenario by more than wordings of one arm do.

    features: array (trials, dimensions), a vector for each answer. cluster: integer label of its scenario. wording:
    integer label of its wording. deployment: True in the deployment arm.

    G = ρ(D, E) − ½ρ(D_w, D_w′) − ½ρ(E_w, E_w′), in each scenario, then averaged. ρ is the mean Euclidean distance of
    the answers of two *cells*, a cell being all answers of one scenario to one wording in one arm; every pair of cells
    with different wordings counts once, so that answers to one wording are never compared with each other. It is the
    energy distance (Székely and Rizzo) without the part that the wordings cause. What is relabelled is whole cells:

    "matched" (the shipped design: a set of texts, one per arm, drawn for each item and repeat and used in both arms).
    A set has two cells in a scenario. ρ(D, E) too leaves out the two cells of one set, which share a carrier; with
    them, equal arms would have G < 0. The two cells of a set swap arms, in all scenarios that use the set at once: its
    effect is the same draw in each. A set that a scenario has in one arm alone is left out there. All swaps are tried
    up to 15 sets (2^14, as swapping all sets changes nothing). Only scenarios with 2 or more sets tell anything.
    "nested" (imported data: each arm has wordings of its own). A wording has one cell in a scenario. Arms are permuted
    among wordings, again with all cells of a wording at once, and among those wordings alone that scenarios link: where
    no two scenarios share a wording, within each scenario. Only scenarios with 2 or more wordings in each arm tell
    anything; a relabelling leaves out those that it does not give 2 in each.
    "ignored": as "nested", with each answer a cell of its own. The conclusion is then about these wordings alone.

    Where each scenario has wordings of its own, this is the permutation of cells within scenarios. With H shared sets p
    is at least 2^(1 − H), so that fewer than 6 sets cannot give p < .05.

    NotEstimable where no scenario tells anything. StatisticsError for columns of other shapes or types, or an `rng`
    that is needed and missing (always, but for few matched sets).
    """
    trials = _trials(features, cluster, wording, deployment)
    match wordings:
        case "matched":
            return _swapped(*trials, rng, draws)
        case "nested":
            vectors, scenario, words, arm = trials
            return _permuted(vectors, scenario, 2 * words + arm, arm, rng, draws)
        case "ignored":
            vectors, scenario, words, arm = trials
            return _permuted(vectors, scenario, np.arange(words.size), arm, rng, draws)
        case _:
            assert_never(wordings)


def _swapped(
    vectors: Single, scenario: IntArray, words: IntArray, arm: BoolArray, rng: np.random.Generator | None, draws: int
) -> PlaceboAdjustedEnergy | NotEstimable:
    """The test of matched wordings: signs of sets."""
    forms: list[tuple[IntArray, FloatArray]] = []
    means = []
    for rows in _groups(scenario):
        cells, distances = _cells(vectors[rows], 2 * words[rows] + ~arm[rows])
        sets, sizes = np.unique(cells // 2, return_counts=True)
        sets = sets[sizes == 2]
        if sets.size < 2:
            continue
        in_deployment = np.searchsorted(cells, 2 * sets)
        in_evaluation = in_deployment + 1
        between = distances[np.ix_(in_deployment, in_evaluation)]
        between = (between + between.T) / 2
        within = [distances[np.ix_(side, side)] for side in (in_deployment, in_evaluation)]
        pairs = sets.size * (sets.size - 1)
        means.append([(form.sum() - np.trace(form)) / pairs for form in (between, *within)])
        form = (between - within[0] / 2 - within[1] / 2) / pairs
        np.fill_diagonal(form, 0.0)
        forms.append((sets, form))
    if not forms:
        return NotEstimable("no scenario has 2 wording sets that were used in both arms")
    used = np.unique(np.concatenate([sets for sets, _ in forms]))
    exact, blocks = sign_choices(used.size, rng, draws)
    gaps = []
    for signs in blocks:
        totals = np.zeros(signs.shape[0])
        for sets, form in forms:
            own = signs[:, np.searchsorted(used, sets)]
            totals += np.einsum("ph,ph->p", own @ form, own)
        gaps.append(totals / len(forms))
    return _result(np.concatenate(gaps), means, exact, used.size)


def _permuted(
    vectors: Single, scenario: IntArray, words: IntArray, arm: BoolArray, rng: np.random.Generator | None, draws: int
) -> PlaceboAdjustedEnergy | NotEstimable:
    """The test of wordings that have one arm each: arms of wordings that scenarios link."""
    forms: list[tuple[IntArray, FloatArray]] = []
    arm_of = dict(zip(words.tolist(), arm.tolist(), strict=True))
    for rows in _groups(scenario):
        cells, distances = _cells(vectors[rows], words[rows])
        in_deployment = sum(arm_of[cell] for cell in cells.tolist())
        if min(in_deployment, cells.size - in_deployment) >= 2:
            np.fill_diagonal(distances, 0.0)
            forms.append((cells, distances))
    if not forms:
        return NotEstimable("no scenario has 2 wordings in each arm")
    if rng is None or draws < 1:
        raise StatisticsError(f"placebo-adjusted energy: pass rng, and at least 1 draw; found {draws}")
    used = np.unique(np.concatenate([cells for cells, _ in forms]))
    forms = [(np.searchsorted(used, cells), distances) for cells, distances in forms]
    observed = np.array([arm_of[word] for word in used.tolist()])
    labels = _relabelled(observed, _linked([cells for cells, _ in forms], used.size), rng, draws)
    sums, counted = np.zeros(draws + 1), np.zeros(draws + 1)
    means = []
    for cells, distances in forms:
        parts = _mean_distances(labels[:, cells].astype(np.float64), distances)
        means.append(parts[:, 0].tolist())
        gaps = parts[0] - parts[1] / 2 - parts[2] / 2
        told = np.isfinite(gaps)
        sums[told] += gaps[told]
        counted += told
    gaps = np.divide(sums, counted, out=np.full(draws + 1, np.inf), where=counted > 0)
    return _result(gaps, means, exact=False, wordings=used.size)


def _result(gaps: FloatArray, means: list[list[float]], exact: bool, wordings: int) -> PlaceboAdjustedEnergy:
    """The first of `gaps` is the observed one; `means` has ρ between arms, within deployment, within evaluation."""
    between, within_deployment, within_evaluation = np.mean(means, axis=0).tolist()
    ties = _ROUNDING * (between + within_deployment + within_evaluation)
    p_value = float(np.mean(gaps >= gaps[0] - ties))
    parts = (between, within_deployment, within_evaluation)
    return PlaceboAdjustedEnergy(float(gaps[0]), *parts, p_value, exact, len(means), wordings)


def _mean_distances(labels: FloatArray, distances: FloatArray) -> FloatArray:
    """Means between and within arms for rows of labels (1.0 deployment): array (3, rows), nan where no pair is left."""
    inside = labels @ distances
    deployment = np.einsum("pc,pc->p", inside, labels)
    between = inside.sum(axis=1) - deployment
    evaluation = distances.sum() - deployment - 2 * between
    many = labels.sum(axis=1)
    few = labels.shape[1] - many
    pairs = np.stack([many * few, many * (many - 1), few * (few - 1)])
    sums = np.stack([between, deployment, evaluation])
    means: FloatArray = np.divide(sums, pairs, out=np.full(sums.shape, np.nan), where=pairs > 0)
    return means


def _relabelled(observed: BoolArray, linked: IntArray, rng: np.random.Generator, draws: int) -> BoolArray:
    """Rows of labels: the observed ones, then `draws` permutations of them within each linked group."""
    order = np.argsort(linked, kind="stable")
    keys = linked + rng.random((draws, linked.size))
    labels = np.empty((draws + 1, linked.size), dtype=np.bool_)
    labels[0] = observed
    np.put_along_axis(labels[1:], np.argsort(keys, axis=1), np.broadcast_to(observed[order], keys.shape), axis=1)
    return labels


def _linked(scenarios: list[IntArray], wordings: int) -> IntArray:
    """For each wording the number of its group; wordings of one scenario are in one group."""
    group = np.arange(wordings)
    changed = True
    while changed:
        changed = False
        for cells in scenarios:
            least = group[cells].min()
            if (group[cells] != least).any():
                group[cells] = least
                changed = True
    return group


def _cells(vectors: Single, labels: IntArray) -> tuple[IntArray, FloatArray]:
    """The cells of one scenario, in order of label, and the mean distance of the answers of every two."""
    order = np.argsort(labels, kind="stable")
    cells, starts, sizes = np.unique(labels[order], return_index=True, return_counts=True)
    ordered = vectors[order]
    blocks = (euclidean_distances(ordered[start : start + ROWS], ordered) for start in range(0, order.size, ROWS))
    sums = np.concatenate([np.add.reduceat(block, starts, axis=1, dtype=np.float64) for block in blocks])
    return cells, np.add.reduceat(sums, starts, axis=0) / np.outer(sizes, sizes)


def _groups(labels: IntArray) -> list[IntArray]:
    """The rows of each label."""
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1) if order.size else []


def _trials(
    features: ArrayLike, cluster: ArrayLike, wording: ArrayLike, deployment: ArrayLike
) -> tuple[Single, IntArray, IntArray, BoolArray]:
    vectors = finite_vectors(features)
    columns = [np.asarray(column) for column in (cluster, wording, deployment)]
    for column, kinds, wanted in zip(columns, ("iu", "iu", "b"), ("integers", "integers", "booleans"), strict=True):
        if column.shape != (vectors.shape[0],) or (column.size and column.dtype.kind not in kinds):
            raise StatisticsError(
                f"placebo-adjusted energy: found {column.dtype} of shape {column.shape}; "
                f"{wanted} are needed, one for each of {vectors.shape[0]} rows of features"
            )
    scenario, words = (np.unique(column, return_inverse=True)[1].astype(np.int64) for column in columns[:2])
    single = centred(vectors) if vectors.size else vectors.astype(np.float32)
    return single, scenario, words, columns[2].astype(np.bool_)
