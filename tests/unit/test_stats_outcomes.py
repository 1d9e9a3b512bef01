from __future__ import annotations

import numpy as np
import pytest

from consistency.errors import StatisticsError
from consistency.stats.outcomes import Outcomes


def outcomes(rows: list[tuple[int, int, bool, float]]) -> Outcomes:
    cluster, wording, deployment, y = zip(*rows, strict=True)
    return Outcomes(np.array(cluster), np.array(wording), np.array(deployment), np.array(y))


MIXED = outcomes(
    [
        (7, 0, True, 1.0),
        (7, 1, True, 0.0),
        (7, 0, False, 0.0),
        (3, 1, True, 1.0),
        (3, 0, False, 1.0),
        (3, 1, False, 0.0),
        (9, 0, True, 1.0),  # never seen in evaluation
        (1, 0, False, 1.0),  # never seen in deployment
    ]
)


def test_clusters_in_one_arm_are_left_out_and_counted() -> None:
    assert MIXED.clusters == 2
    assert MIXED.unpaired_clusters == 2
    assert MIXED.paired.y.size == 6
    assert MIXED.y.size == 8
    assert MIXED.pairs == 2


def test_means_are_of_clusters_in_order_of_label() -> None:
    deployment, evaluation = MIXED.cluster_means
    assert deployment.tolist() == [1.0, 0.5]
    assert evaluation.tolist() == [0.5, 0.0]
    assert MIXED.differences.tolist() == [0.5, 0.5]
    assert MIXED.gap == 0.5


def test_squared_difference_averages_all_cross_pairs() -> None:
    # cluster 3: (1−1)², (1−0)² → ½; cluster 7: (1−0)², (0−0)² → ½
    assert MIXED.squared_difference == pytest.approx(0.5)
    graded = outcomes([(0, 0, True, 0.25), (0, 0, True, 1.0), (0, 0, False, 0.5), (0, 0, False, 0.0)])
    expected = np.mean([(d - e) ** 2 for d in (0.25, 1.0) for e in (0.5, 0.0)])
    assert graded.squared_difference == pytest.approx(expected)


def test_a_gap_of_rounding_is_zero() -> None:
    rows = [(0, 0, True, 0.3), (0, 0, False, 0.1), (1, 0, True, 0.1), (1, 0, False, 0.3), (2, 0, True, 0.1)]
    gap = outcomes([*rows, (2, 0, False, 0.1)]).gap
    assert gap == 0.0


def test_nothing_is_not_zero() -> None:
    empty = Outcomes(np.array([]), np.array([]), np.array([]), np.array([]))
    assert empty.clusters == 0
    assert empty.unpaired_clusters == 0
    assert empty.gap is None
    assert empty.squared_difference is None


def test_arrays_are_copied_and_read_only() -> None:
    y = np.array([1.0, 0.0])
    made = Outcomes(np.array([0, 0]), np.array([0, 0]), np.array([True, False]), y)
    y[0] = 0.0
    assert made.gap == 1.0
    with pytest.raises(ValueError, match="read-only"):
        made.y[0] = 0.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.array([0.0, 1.5])}, r"y\[1\] is 1.5; outcomes are numbers from 0 to 1"),
        ({"y": np.array([np.nan, 1.0])}, r"y\[0\] is nan"),
        ({"y": np.array([0.0])}, "differ in length"),
        ({"y": np.array([[0.0, 1.0]])}, r"shape \(1, 2\)"),
        ({"y": np.array(["0", "1"])}, "numbers are needed"),
        ({"cluster": np.array([0.0, 1.0])}, "cluster holds float64; integers are needed"),
        ({"wording": np.array(["a", "b"])}, "wording holds"),
        ({"deployment": np.array([1, 0])}, "booleans are needed"),
    ],
)
def test_what_is_not_an_outcome_is_refused(change: dict[str, np.ndarray], message: str) -> None:
    columns = {
        "cluster": np.array([0, 0]),
        "wording": np.array([0, 0]),
        "deployment": np.array([True, False]),
        "y": np.array([0.0, 1.0]),
    }
    with pytest.raises(StatisticsError, match=message):
        Outcomes(**(columns | change))
