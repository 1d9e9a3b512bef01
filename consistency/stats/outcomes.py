"""The outcomes of one contrast: two arms, paired by cluster, with the wording of every trial."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consistency.errors import StatisticsError

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]

RESOLUTION = 1e-12
"""Differences of rates below this are rounding, not data."""


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Trials of one contrast, one entry per trial in each of four arrays of equal length.

    cluster: label of the unit that the arms share (the scenario, or the item); any integers.
    wording: label of the wording the trial used; any integers.
    deployment: True in the deployment arm, False in the evaluation arm.
    y: outcome in [0, 1], 1 being misbehaviour.

    The arrays are copied and made read-only. They may be empty. A cluster seen in one arm alone says nothing of
    the gap: every estimate leaves it out, and `unpaired_clusters` counts it.

    Raises StatisticsError for arrays of another shape or type, unequal lengths, or outcomes outside [0, 1].
    """

    cluster: IntArray
    wording: IntArray
    deployment: BoolArray
    y: FloatArray

    def __post_init__(self) -> None:
        columns = {
            "cluster": _column("cluster", self.cluster, "iu", np.int64),
            "wording": _column("wording", self.wording, "iu", np.int64),
            "deployment": _column("deployment", self.deployment, "b", np.bool_),
            "y": _column("y", self.y, "biuf", np.float64),
        }
        lengths = {name: column.size for name, column in columns.items()}
        if len(set(lengths.values())) > 1:
            raise StatisticsError(f"outcomes: the arrays differ in length: {lengths}; each needs one entry per trial")
        y = columns["y"]
        outside = ~((y >= 0.0) & (y <= 1.0))
        if outside.any():
            first = int(np.argmax(outside))
            raise StatisticsError(f"outcomes: y[{first}] is {y[first]}; outcomes are numbers from 0 to 1")
        for name, column in columns.items():
            column.setflags(write=False)
            object.__setattr__(self, name, column)

    @cached_property
    def paired(self) -> Outcomes:
        """The trials of the clusters that were seen in both arms."""
        labels, index = np.unique(self.cluster, return_inverse=True)
        in_deployment = np.bincount(index[self.deployment], minlength=labels.size) > 0
        in_evaluation = np.bincount(index[~self.deployment], minlength=labels.size) > 0
        both = in_deployment & in_evaluation
        if both.all():
            return self
        return self._select(both[index])

    @property
    def unpaired_clusters(self) -> int:
        """How many clusters were seen in one arm alone."""
        return int(np.unique(self.cluster).size) - self.clusters

    @property
    def clusters(self) -> int:
        """S, how many clusters were seen in both arms."""
        return int(self._index[0].size)

    @property
    def pairs(self) -> int:
        """How many pairs of trials the paired clusters hold: the smaller arm of each, added up."""
        return int(np.minimum(*self.trials_per_cluster).sum())

    @property
    def pairs_without_copies(self) -> int:
        """`pairs`, divided by g where every trial of the paired clusters occurs g times, or a multiple of g, with the
        same cluster, wording, arm and outcome: such data cannot be told from g copies of fewer.
        """
        copies = np.gcd.reduce(np.concatenate(self.trials_per_cluster), initial=0)
        if copies > 1:
            trials = self.paired
            columns = (self.cluster_index, trials.wording, trials.deployment, trials.y)
            row = np.zeros(trials.y.size, dtype=np.int64)
            for column in columns:
                values, index = np.unique(column, return_inverse=True)
                row = np.unique(row * values.size + index, return_inverse=True)[1]
            copies = np.gcd.reduce(np.bincount(row))
        return self.pairs // max(int(copies), 1)

    @cached_property
    def cluster_means(self) -> tuple[FloatArray, FloatArray]:
        """Mean outcome of every paired cluster (in order of label): of its deployment arm, of its evaluation arm."""
        deployment, evaluation = self.trials_per_cluster
        return self._sums(self.paired.y, True) / deployment, self._sums(self.paired.y, False) / evaluation

    @property
    def differences(self) -> FloatArray:
        """d_s = deployment mean − evaluation mean of every paired cluster, in order of label."""
        deployment, evaluation = self.cluster_means
        return deployment - evaluation

    @property
    def gap(self) -> float | None:
        """Δ, the mean of d_s (positive: more misbehaviour in deployment); None without a paired cluster."""
        if self.clusters == 0:
            return None
        gap = float(self.differences.mean())
        return 0.0 if abs(gap) < RESOLUTION else gap

    @property
    def squared_difference(self) -> float | None:
        """A, the mean over clusters of (y_D − y_E)² averaged over all cross pairs of the cluster; None without one.

        For outcomes 0 and 1 it is the rate of discordance.
        """
        if self.clusters == 0:
            return None
        deployment, evaluation = self.cluster_means
        counts_deployment, counts_evaluation = self.trials_per_cluster
        squares = self.paired.y**2
        by_cluster = (
            self._sums(squares, True) / counts_deployment
            + self._sums(squares, False) / counts_evaluation
            - 2.0 * deployment * evaluation
        )
        return max(float(by_cluster.mean()), 0.0)

    @property
    def cluster_index(self) -> IntArray:
        """For every trial of `paired`, the position of its cluster in the order of labels, from 0 to S − 1."""
        return self._index[1]

    @cached_property
    def trials_per_cluster(self) -> tuple[IntArray, IntArray]:
        """Trials of every paired cluster (in order of label): in its deployment arm, in its evaluation arm."""
        ones = np.ones(self.paired.y.size)
        return self._sums(ones, True).astype(np.int64), self._sums(ones, False).astype(np.int64)

    @cached_property
    def _index(self) -> tuple[IntArray, IntArray]:
        labels, index = np.unique(self.paired.cluster, return_inverse=True)
        return labels, index.astype(np.int64)

    def _sums(self, values: FloatArray, deployment: bool) -> FloatArray:
        """Sum of `values` (one per trial of `paired`) over every paired cluster, in one arm."""
        labels, index = self._index
        arm = self.paired.deployment == deployment
        return np.bincount(index[arm], weights=values[arm], minlength=labels.size).astype(np.float64)

    def _select(self, rows: BoolArray) -> Outcomes:
        return Outcomes(self.cluster[rows], self.wording[rows], self.deployment[rows], self.y[rows])


def _column(name: str, values: ArrayLike, kinds: str, dtype: type[np.generic]) -> NDArray[Any]:
    """A one-dimensional copy of `values` as `dtype`; `kinds` are the numpy kinds that are accepted."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise StatisticsError(f"outcomes: {name} has shape {array.shape}; one dimension is needed, one entry per trial")
    if array.size and array.dtype.kind not in kinds:
        wanted = {"iu": "integers", "b": "booleans", "biuf": "numbers"}[kinds]
        raise StatisticsError(f"outcomes: {name} holds {array.dtype}; {wanted} are needed")
    return array.astype(dtype, copy=True)
