"""Placebo-adjusted energy: whether the answers of two arms differ by more than those to two wordings of one arm do.

A permutation test that takes answers for independent calls every study a difference, since answers share scenarios and
wordings. Here what an arm was given to, a wording, is what is relabelled, and the distance between the wordings of one
arm is the placebo that the distance between arms is measured against.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import assert_never

import numpy as np
from numpy.typing import ArrayLike

from consistency.errors import StatisticsError
from consistency.stats.energy import (
    ROWS,
    TIES,
    Block,
    Single,
    centred,
    euclidean_distances,
    finite_vectors,
    pair_sums,
)
from consistency.stats.methods import NotEstimable, Wordings
from consistency.stats.outcomes import BoolArray, FloatArray, IntArray
from consistency.stats.signflip import sign_choices


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
    anything; a relabelling leaves out those that it does not give 2 in each and takes in others that it does.
    "ignored": as "nested", with each answer a cell of its own. The conclusion is then about these wordings alone.

    Where each scenario has wordings of its own, this is the permutation of cells within scenarios. With H shared sets p
    is at least 2^(1 − H), so that fewer than 6 sets cannot give p < .05. Needs about
    4 · draws bytes for each wording and 80 MB beside the features; a single large cell needs its square.

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
    """The test of matched wordings: signs of sets.

    The distances of the two cells of a set are in the sums between arms whatever the signs, and are taken out again.
    """
    chosen = [told for rows in _groups(scenario) if (told := _in_both_arms(rows, words, arm)).size]
    if not chosen:
        return NotEstimable("no scenario has 2 wording sets that were used in both arms")
    used = np.unique(words[np.concatenate(chosen)])
    exact, blocks = sign_choices(used.size, rng, draws)
    signs = np.concatenate([block.astype(np.float32) for block in blocks]).T
    means = np.zeros((3, signs.shape[1]))
    for rows in chosen:
        cells = _Cells(vectors[rows], 2 * words[rows] + ~arm[rows])
        sets = np.searchsorted(used, cells.labels // 2)
        sums = pair_sums(cells.blocks(), signs[sets] * (1 - 2 * (cells.labels % 2))[:, None].astype(np.float32))
        pairs = (cells.labels.size // 2) * (cells.labels.size // 2 - 1)
        means += np.stack([sums.between - cells.neighbours(), sums.first, sums.second]) / pairs
    return _result(means / len(chosen), exact, len(chosen), used.size)


def _in_both_arms(rows: IntArray, words: IntArray, arm: BoolArray) -> IntArray:
    """Those of the rows, all of one scenario, whose set it has in both arms; none where these are fewer than 2 sets."""
    sets = np.intersect1d(words[rows[arm[rows]]], words[rows[~arm[rows]]])
    return rows[np.isin(words[rows], sets)] if sets.size >= 2 else rows[:0]


def _permuted(
    vectors: Single, scenario: IntArray, words: IntArray, arm: BoolArray, rng: np.random.Generator | None, draws: int
) -> PlaceboAdjustedEnergy | NotEstimable:
    """The test of wordings that have one arm each: arms of wordings that scenarios link."""
    # Those that can tell under any labels, not only the observed ones: else the test would not be exact.
    chosen = [rows for rows in _groups(scenario) if np.unique(words[rows]).size >= 4]
    if not any(_tells(words[rows], arm[rows]) for rows in chosen):
        return NotEstimable("no scenario has 2 wordings in each arm")
    if rng is None or draws < 1:
        raise StatisticsError(f"placebo-adjusted energy: pass rng, and at least 1 draw; found {draws}")
    every = np.concatenate(chosen)
    used, first = np.unique(words[every], return_index=True)
    linked = _linked([np.unique(np.searchsorted(used, words[rows])) for rows in chosen], used.size)
    signs = _relabelled(arm[every[first]], linked, rng, draws).T * np.float32(2.0) - np.float32(1.0)
    means, counted = np.zeros((3, draws + 1)), np.zeros(draws + 1)
    for rows in chosen:
        cells = _Cells(vectors[rows], words[rows])
        labels = signs[np.searchsorted(used, cells.labels)]
        sums = pair_sums(cells.blocks(), labels)
        many = np.count_nonzero(labels > 0, axis=0)
        few = labels.shape[0] - many
        told = (many >= 2) & (few >= 2)
        pairs = np.stack([many * few, many * (many - 1), few * (few - 1)])
        parts = np.stack([sums.between, sums.first, sums.second])
        means += np.divide(parts, pairs, out=np.zeros_like(parts), where=told)
        counted += told
    means = np.divide(means, counted, out=np.full_like(means, np.nan), where=counted > 0)
    return _result(means, False, int(counted[0]), used.size)


def _tells(words: IntArray, arm: BoolArray) -> bool:
    """Whether a scenario, given by its answers, has 2 or more wordings in each arm."""
    return min(np.unique(words[side]).size for side in (arm, ~arm)) >= 2


def _result(means: FloatArray, exact: bool, scenarios: int, wordings: int) -> PlaceboAdjustedEnergy:
    """From mean distances by labelling, array (3, labellings): between arms, within deployment, within evaluation.

    The first column is the observed one. A labelling that left no scenario to tell anything (nan) counts as no smaller.
    """
    gaps = means[0] - means[1] / 2 - means[2] / 2
    observed, (between, within_deployment, within_evaluation) = float(gaps[0]), means[:, 0].tolist()
    ties = TIES * (between + within_deployment + within_evaluation) / wordings
    p_value = float(np.mean(~(gaps < observed - ties)))
    return PlaceboAdjustedEnergy(
        observed, between, within_deployment, within_evaluation, p_value, exact, scenarios, wordings
    )


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


class _Cells:
    """The cells of one scenario: all answers with one label.

    labels: array (cells,), sorted.
    """

    def __init__(self, vectors: Single, labels: IntArray) -> None:
        order = np.argsort(labels, kind="stable")
        self._answers = vectors[order]
        self.labels, self._starts, self._sizes = np.unique(labels[order], return_index=True, return_counts=True)

    def blocks(self) -> Iterator[Block]:
        """The mean distance of the answers of every two cells, and 0 for a cell and itself."""
        runs = list(self._runs())
        for rows, columns in combinations_with_replacement(runs, 2):
            block = self._means(rows, columns)
            if rows == columns:
                np.fill_diagonal(block, 0.0)
            yield rows, columns, block

    def neighbours(self) -> float:
        """The sum of the mean distances of cells 0 and 1, 2 and 3, …: the two arms of each set."""
        if (self._sizes == 1).all():
            return float(np.linalg.norm(self._answers[::2] - self._answers[1::2], axis=1).sum(dtype=np.float64))
        pairs = (slice(cell, cell + 1) for cell in range(0, self.labels.size, 2))
        return sum(float(self._means(one, slice(one.stop, one.stop + 1))[0, 0]) for one in pairs)

    def _runs(self) -> Iterator[slice]:
        """Consecutive cells of at most ROWS answers together, or a single larger cell."""
        ends, start = self._starts + self._sizes, 0
        while start < ends.size:
            stop = max(int(np.searchsorted(ends, self._starts[start] + ROWS, side="right")), start + 1)
            yield slice(start, stop)
            start = stop

    def _means(self, rows: slice, columns: slice) -> Single:
        one, other = self._of(rows), self._of(columns)
        block = euclidean_distances(self._answers[one], self._answers[other])
        if block.shape == (rows.stop - rows.start, columns.stop - columns.start):
            return block
        sums = np.add.reduceat(block, self._starts[columns] - other.start, axis=1, dtype=np.float64)
        sums = np.add.reduceat(sums, self._starts[rows] - one.start, axis=0)
        return (sums / np.outer(self._sizes[rows], self._sizes[columns])).astype(np.float32)

    def _of(self, cells: slice) -> slice:
        """The rows of answers of consecutive cells."""
        return slice(int(self._starts[cells.start]), int(self._starts[cells.stop - 1] + self._sizes[cells.stop - 1]))


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
