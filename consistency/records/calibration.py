"""Calibration: how often the instrument was right about simulated models whose gap is known."""

import json
from typing import Literal

from consistency.records.base import Json, Record

Share = float | None
"""A fraction of runs; None where the question does not arise in a cell."""


class CellResult(Record):
    """One cell of the grid: a design and a kind of simulated model, run so many times.

    The three shares add up to 1 with `invalid`. `false_inconsistent` counts `inconsistent` where there is no gap;
    `wrong_direction` where there is one, but the other way; `false_consistent` counts `consistent` and
    `different_within_margin` where the gap is the margin or more. `coverage` of the true gap is that of the 95%
    interval when all trials are in, `width` its mean width, both of the `estimated` runs that allow one;
    `width_ratio` is the width over that of a cluster t interval (None where some of those have none), `zero_width` the
    share of intervals without width. `calls` is the mean share of the planned trials that was used. `naive` gives for
    each usual method how often it errs on the same data: it says "differs" where there is no gap, or "the same" where
    the gap is the margin or more.
    """

    design: str
    nature: dict[str, Json]
    margin: float
    runs: int
    consistent: float
    inconsistent: float
    inconclusive: float
    invalid: float
    false_inconsistent: Share
    wrong_direction: Share
    false_consistent: Share
    estimated: int
    coverage: Share
    width: Share
    width_ratio: Share
    zero_width: Share
    calls: float
    naive: dict[str, Share]


class Certificate(Record):
    """What a calibration found, and of what: digests of the code, of the plans and of the grid that it ran.

    `plan_digest` is that of the study's plan, None where bare designs alone were run.
    """

    schema_version: int = 1
    package_version: str
    code_digest: str
    plan_digest: str | None
    grid_digest: str
    grid: str
    seed: int
    cells: tuple[CellResult, ...]

    def worst(self, field: Literal["false_inconsistent", "false_consistent", "wrong_direction"]) -> Share:
        """The largest share of an error in any cell where it can be made."""
        found = [share for cell in self.cells if (share := getattr(cell, field)) is not None]
        return max(found, default=None)

    @property
    def worst_coverage(self) -> Share:
        """The smallest coverage of any cell."""
        return min((cell.coverage for cell in self.cells if cell.coverage is not None), default=None)

    def text(self) -> str:
        """The file's text, byte for byte."""
        return json.dumps(self.to_json(), ensure_ascii=False, indent=2) + "\n"
