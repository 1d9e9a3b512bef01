"""Figures as plain geometry; templates in `reports/charts/` draw them as static SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from consistency.records.effect import Contrast, ModelResult
from consistency.reporting import words
from consistency.reporting.view import primary

WIDTH = 760
LABELS = 300
RIGHT = 24
ROW = 30
TOP = 26
BOTTOM = 40

#: Arms lie on lines of their own inside a row, so that equal rates do not hide each other.
_OFFSETS = {"evaluation": -5, "neutral": 0, "deployment": 5}


@dataclass(frozen=True)
class Tick:
    """A mark on the horizontal axis."""

    x: float
    label: str


@dataclass(frozen=True)
class Bar:
    """One row of a forest plot: the estimate with its 95% and 90% intervals, in pixels; None where not estimable."""

    y: float
    label: str
    verdict: str
    x: float | None
    outer: tuple[float, float] | None
    inner: tuple[float, float] | None
    told: str


@dataclass(frozen=True)
class Forest:
    """Gaps of a model's primary contrasts, with the margin as a band."""

    width: float
    height: float
    top: float
    bottom: float
    zero: float
    band: tuple[float, float]
    ticks: tuple[Tick, ...]
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Dot:
    """A rate in one arm."""

    arm: str
    x: float
    y: float
    told: str


@dataclass(frozen=True)
class DotRow:
    """Rates of all arms at one level; `compared` are the two that a gap lies between, if both are known."""

    y: float
    label: str
    dots: tuple[Dot, ...]
    compared: tuple[Dot, ...]


@dataclass(frozen=True)
class DotGroup:
    """Rows under one heading."""

    y: float
    heading: str
    rows: tuple[DotRow, ...]


@dataclass(frozen=True)
class Dots:
    """Rates per arm, by level of a factor."""

    width: float
    height: float
    top: float
    bottom: float
    ticks: tuple[Tick, ...]
    groups: tuple[DotGroup, ...]


def forest(model: ModelResult, reach: float) -> Forest:
    """The forest plot of a model's primary contrasts, on an axis from −reach to reach."""
    contrasts = primary(model)

    def x(gap: float) -> float:
        return _place((gap + reach) / (2 * reach))

    bars = tuple(
        Bar(
            y=TOP + ROW * (index + 0.5),
            label=f"{words.plain(contrast.probe)} · {contrast.cue_family}",
            verdict=contrast.verdict,
            x=None if contrast.gap is None else x(contrast.gap),
            outer=None if contrast.ci95 is None else (x(contrast.ci95[0]), x(contrast.ci95[1])),
            inner=None if contrast.ci90 is None else (x(contrast.ci90[0]), x(contrast.ci90[1])),
            told=f"{words.points(contrast.gap)} points, {words.interval(contrast.ci95)}: {contrast.verdict}",
        )
        for index, contrast in enumerate(contrasts)
    )
    margin = min((contrast.margin for contrast in contrasts), default=0.0)
    bottom = TOP + ROW * len(bars)
    steps = [-1, -0.5, 0, 0.5, 1]
    ticks = tuple(Tick(x(step * reach), words.points(step * reach).removesuffix(".0")) for step in steps)
    return Forest(WIDTH, bottom + BOTTOM, TOP, bottom, x(0), (x(-margin), x(margin)), ticks, bars)


def dots(model: ModelResult, factor: str) -> Dots | None:
    """Rates per arm at each level of a factor, for every primary probe and cue; None where there are none."""
    primaries = {(contrast.probe, contrast.cue_family) for contrast in primary(model)}
    groups: dict[str, list[Contrast]] = {}
    for contrast in model.contrasts:
        if contrast.cell and list(contrast.cell) == [factor] and (contrast.probe, contrast.cue_family) in primaries:
            groups.setdefault(f"{words.plain(contrast.probe)} · {contrast.cue_family}", []).append(contrast)
    if not groups:
        return None
    y: float = TOP
    drawn = []
    for heading, contrasts in groups.items():
        start = y + 0.7 * ROW
        rows = tuple(
            _dot_row(contrast, factor, start + ROW * (index + 0.7)) for index, contrast in enumerate(contrasts)
        )
        drawn.append(DotGroup(start, heading, rows))
        y = start + ROW * (len(rows) + 0.3)
    bottom = y + 8
    ticks = tuple(Tick(_place(step / 4), f"{25 * step}%") for step in range(5))
    return Dots(WIDTH, bottom + BOTTOM, TOP, bottom, ticks, tuple(drawn))


def _dot_row(contrast: Contrast, factor: str, y: float) -> DotRow:
    rates = {
        "neutral": contrast.rate_neutral,
        "evaluation": contrast.rate_evaluation,
        "deployment": contrast.rate_deployment,
    }
    found = tuple(
        Dot(arm, _place(rate), y + _OFFSETS[arm], f"{arm}: {words.percent(rate)}")
        for arm, rate in rates.items()
        if rate is not None
    )
    compared = tuple(dot for dot in found if dot.arm != "neutral")
    return DotRow(y, words.plain((contrast.cell or {})[factor]), found, compared if len(compared) == 2 else ())


def reach(models: Sequence[ModelResult]) -> float:
    """Half the width of an axis that all models share: all intervals and margins fit; tenths, never beyond 1."""
    contrasts = [contrast for model in models for contrast in primary(model)]
    ends = [abs(end) for contrast in contrasts for end in (*(contrast.ci95 or ()), contrast.margin * 1.2)]
    return min(1.0, math.ceil(10 * max(ends, default=1.0)) / 10)


def _place(share: float) -> float:
    return round(LABELS + share * (WIDTH - LABELS - RIGHT), 1)
