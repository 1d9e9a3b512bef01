"""Figures as plain geometry; templates in `reports/charts/` draw them as static SVG, one strip per row of a table.

Horizontal places are percentages of a strip's width, so that a figure fits any page without being scaled; vertical
places are pixels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from consistency.records.base import Arm
from consistency.records.effect import Contrast, Interval, ModelResult, Verdict
from consistency.reporting import words
from consistency.reporting.view import primary

#: Where an axis begins, and how far it reaches: marks at its ends stay inside the strip.
_START, _LENGTH = 4.0, 92.0

#: Arms lie on lines of their own inside a strip, so that equal rates do not hide each other.
_LINES: dict[Arm, int] = {"evaluation": 9, "deployment": 31, "neutral": 20}

_DISC = "M -5 0 a 5 5 0 1 0 10 0 a 5 5 0 1 0 -10 0 z"
_DIAMOND = "M 0 -6.5 L 6.5 0 L 0 6.5 L -6.5 0 z"
#: SVG paths around (0, 0): what colour tells, shape tells too.
_SHAPES: dict[Verdict | Arm, str] = {
    "consistent": _DISC,
    "different_within_margin": "M -5 0 a 5 5 0 1 0 10 0 a 5 5 0 1 0 -10 0 z M 0 -3.5 a 3.5 3.5 0 0 1 0 7 z",
    "inconsistent": _DIAMOND,
    "inconclusive": "M 0 -6 L 6 5 L -6 5 z",
    "invalid": "M -5 0 a 5 5 0 1 0 10 0 a 5 5 0 1 0 -10 0 z M -3 0 a 3 3 0 1 0 6 0 a 3 3 0 1 0 -6 0 z",
    "evaluation": _DISC,
    "deployment": _DIAMOND,
    "neutral": "M -4 -4 H 4 V 4 H -4 z",
}


@dataclass(frozen=True)
class Tick:
    """A mark on the horizontal axis."""

    x: float
    label: str


@dataclass(frozen=True)
class Bar:
    """One row of a forest plot: estimate, 95% and 90% intervals, None where not estimable, and the margin's band."""

    contrast: Contrast
    label: str
    x: float | None
    outer: tuple[float, float] | None
    inner: tuple[float, float] | None
    band: tuple[float, float]
    told: str


@dataclass(frozen=True)
class Forest:
    """Gaps of a model's primary contrasts, each before its margin."""

    zero: float
    ticks: tuple[Tick, ...]
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Dot:
    """A rate in one arm."""

    arm: Arm
    x: float
    y: int


@dataclass(frozen=True)
class DotRow:
    """Rates of all arms in some cells; `compared` are the two that a gap lies between, if both are known."""

    contrast: Contrast
    label: str
    dots: tuple[Dot, ...]
    compared: tuple[Dot, ...]
    told: str


@dataclass(frozen=True)
class DotGroup:
    """Rows under one heading."""

    heading: str
    rows: tuple[DotRow, ...]


@dataclass(frozen=True)
class Dots:
    """Rates per arm of each primary contrast, in all cells and by level of a factor."""

    ticks: tuple[Tick, ...]
    groups: tuple[DotGroup, ...]


def shape(kind: Verdict | Arm) -> str:
    """The SVG path of a verdict's or an arm's mark."""
    return _SHAPES[kind]


def forest(model: ModelResult, reach: float) -> Forest:
    """The forest plot of a model's primary contrasts, on an axis from −reach to reach."""
    bars = tuple(_bar(contrast, reach) for contrast in primary(model))
    steps = (-1, -0.5, 0, 0.5, 1)
    ticks = tuple(Tick(_gap_at(step * reach, reach), words.points(step * reach).removesuffix(".0")) for step in steps)
    return Forest(_gap_at(0, reach), ticks, bars)


def _bar(contrast: Contrast, reach: float) -> Bar:
    gap, interval = words.points(contrast.gap), words.interval(contrast.ci95)
    return Bar(
        contrast=contrast,
        label=words.contrast(contrast),
        x=None if contrast.gap is None else _gap_at(contrast.gap, reach),
        outer=_ends_at(contrast.ci95, reach),
        inner=_ends_at(contrast.ci90, reach),
        band=(_gap_at(-contrast.margin, reach), _gap_at(contrast.margin, reach)),
        told=f"gap {gap}, 95% interval {interval}: {words.plain(contrast.verdict)}",
    )


def reach(models: Sequence[ModelResult]) -> float:
    """Half the width of an axis that all models share: all intervals and margins fit; tenths, never beyond 1."""
    contrasts = [contrast for model in models for contrast in primary(model)]
    ends = [abs(end) for contrast in contrasts for end in (*(contrast.ci95 or ()), contrast.margin * 1.2)]
    return min(1.0, math.ceil(10 * max(ends, default=1.0)) / 10)


def dots(model: ModelResult, factor: str) -> Dots:
    """Rates per arm of every primary contrast: in all cells, then at each level of the factor where it has any."""
    ticks = tuple(Tick(_place(step / 4), f"{25 * step}%") for step in range(5))
    groups = tuple(
        DotGroup(words.contrast(contrast), tuple(map(_dot_row, (contrast, *_levels(model, contrast, factor)))))
        for contrast in primary(model)
    )
    return Dots(ticks, groups)


def _levels(model: ModelResult, contrast: Contrast, factor: str) -> list[Contrast]:
    return [
        found
        for found in model.contrasts
        if (found.probe, found.cue_family) == (contrast.probe, contrast.cue_family)
        and found.cell is not None
        and list(found.cell) == [factor]
    ]


def _dot_row(contrast: Contrast) -> DotRow:
    rates: dict[Arm, float | None] = {
        "evaluation": contrast.rate_evaluation,
        "deployment": contrast.rate_deployment,
        "neutral": contrast.rate_neutral,
    }
    known = {arm: rate for arm, rate in rates.items() if rate is not None}
    found = tuple(Dot(arm, _place(rate), _LINES[arm]) for arm, rate in known.items())
    compared = tuple(dot for dot in found if dot.arm != "neutral")
    return DotRow(
        contrast=contrast,
        label=", ".join(map(words.plain, (contrast.cell or {}).values())) or words.cell(contrast),
        dots=found,
        compared=compared if len(compared) == 2 else (),
        told=", ".join(f"{arm} {words.percent(rate)}" for arm, rate in known.items()) or words.NOT_ESTIMABLE,
    )


def _ends_at(ends: Interval | None, reach: float) -> tuple[float, float] | None:
    return None if ends is None else (_gap_at(ends[0], reach), _gap_at(ends[1], reach))


def _gap_at(gap: float, reach: float) -> float:
    return _place((gap + reach) / (2 * reach))


def _place(share: float) -> float:
    return round(_START + share * _LENGTH, 2)
