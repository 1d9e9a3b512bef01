"""The grid: which designs meet which simulated models."""

from dataclasses import dataclass
from itertools import product

from consistency.calibration.population import Nature
from consistency.study import Mode


@dataclass(frozen=True)
class Bare:
    """A design without content: scenarios, pairs of each, and wordings that are dealt to them."""

    scenarios: int
    repeats: int
    wordings: int
    mode: Mode = "planned"

    def meets(self, nature: Nature) -> bool:
        """Whether a nature says something of the design: scenarios that differ in their gaps are none of audits'."""
        return self.mode == "planned" or not nature.slope_sd


@dataclass(frozen=True)
class Grid:
    """Designs and natures to be crossed, and how often each cell is run.

    `bare` natures meet the bare designs; `study` natures meet the plan of a study.
    """

    name: str
    runs: int
    designs: tuple[Bare, ...]
    bare: tuple[Nature, ...]
    study: tuple[Nature, ...]


def _natures(bases: tuple[float, ...], gaps: tuple[float, ...], **spread: float) -> tuple[Nature, ...]:
    return tuple(Nature(base=base, gap=gap, **spread) for base, gap in product(bases, gaps) if 0 <= base + gap <= 1)


_WORDY = {"wording_sd": 0.5, "pair_sd": 0.5}
_UNEVEN = {**_WORDY, "slope_sd": 1.0}

FAST = Grid(
    name="fast",
    runs=200,
    designs=(Bare(400, 1, 60), Bare(100, 4, 30), Bare(40, 10, 30), Bare(40, 5, 60, "audit")),
    bare=(
        *_natures((0.0, 0.02, 0.1, 0.3), (0.0, 0.1), **_WORDY),
        *_natures((0.3,), (0.0,), **_UNEVEN),
    ),
    study=(
        *_natures((0.02, 0.3), (0.0, 0.1, 0.3), **_WORDY),
        Nature(base=0.1, gap=0.0, missing=0.1, **_WORDY),
        Nature(base=0.1, gap=0.0, sensitivity=0.85, specificity=0.95, **_WORDY),
    ),
)

FULL = Grid(
    name="full",
    runs=2000,
    designs=(Bare(400, 1, 400), Bare(400, 1, 20), Bare(200, 1, 8), Bare(100, 4, 60), Bare(100, 2, 20), Bare(40, 10, 20),
             Bare(40, 5, 60), Bare(40, 5, 8), Bare(40, 5, 8, "audit"), Bare(40, 10, 60, "audit")),
    bare=(
        *_natures((0.0, 0.02, 0.05, 0.1, 0.3, 0.5), (0.0, 0.1, 0.2, 0.4)),
        *_natures((0.02, 0.05, 0.1, 0.3, 0.5), (0.0, 0.1), **_WORDY),
        *_natures((0.02, 0.1, 0.3, 0.5), (0.0, 0.1), wording_sd=1.0, pair_sd=0.5),
        *_natures((0.1, 0.3, 0.5), (0.0, 0.1), **_UNEVEN),
    ),
    study=(
        *_natures((0.0, 0.02, 0.1, 0.3), (0.0, 0.1, 0.2, 0.4), **_WORDY),
        *_natures((0.1, 0.3), (0.0, 0.1), **_UNEVEN),
        *(Nature(base=0.1, gap=gap, missing=0.1, **_WORDY) for gap in (0.0, 0.1)),
        *(Nature(base=0.1, gap=gap, sensitivity=0.85, specificity=0.95, **_WORDY) for gap in (0.0, 0.1)),
    ),
)  # fmt: skip

GRIDS = {grid.name: grid for grid in (FAST, FULL)}
