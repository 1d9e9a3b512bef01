"""The geometry of figures."""

from itertools import pairwise
from typing import get_args

import pytest

from consistency.records.base import ARMS
from consistency.records.effect import VERDICTS, Verdict
from consistency.reporting import charts
from tests.unit.reporting_extremes import LEVELS, SHOWN, contrast, model


@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_forest_has_a_bar_for_every_primary_contrast_within_its_strip(verdict: Verdict) -> None:
    found = model("m", verdict)
    figure = charts.forest(found, charts.reach([found]))
    assert len(figure.bars) == 12
    assert figure.zero == 50
    for bar in figure.bars:
        places = [place for ends in (bar.outer, bar.inner, bar.band) if ends for place in ends]
        assert all(0 <= place <= 100 for place in places)
        assert bar.told.endswith(verdict.replace("_", " "))


def test_a_bar_holds_its_intervals_in_order() -> None:
    figure = charts.forest(model("m", "inconsistent"), 0.7)
    bar = figure.bars[0]
    assert bar.outer is not None
    assert bar.inner is not None
    assert bar.x is not None
    assert figure.zero < bar.band[1] < bar.outer[0] < bar.inner[0] < bar.x < bar.inner[1] < bar.outer[1]


def test_each_bar_has_the_margin_of_its_contrast() -> None:
    found = model("m", "consistent", contrasts=(contrast(margin=0.05), contrast(margin=0.2)))
    narrow, wide = charts.forest(found, 1.0).bars
    assert wide.band[1] - wide.band[0] == pytest.approx(4 * (narrow.band[1] - narrow.band[0]), abs=0.05)


def test_what_could_not_be_estimated_has_no_place() -> None:
    bar = charts.forest(model("m", "invalid"), 1.0).bars[0]
    assert (bar.x, bar.outer, bar.inner) == (None, None, None)
    assert "not estimable" in bar.told


def test_the_axis_fits_all_intervals_and_is_shared() -> None:
    wide = contrast(ci95=(-0.3, 0.64))
    assert charts.reach([model("m", "inconsistent", contrasts=(wide,))]) == pytest.approx(0.7)
    assert charts.reach([model("m", "inconclusive"), model("n", "consistent")]) == 1.0
    lost = contrast(**SHOWN["invalid"])
    assert charts.reach([model("m", "invalid", contrasts=(lost,))]) == pytest.approx(0.2)
    assert charts.reach([]) == 1.0


def test_dots_show_all_cells_and_then_each_level() -> None:
    figure = charts.dots(model("m", "inconsistent"), "relationship")
    assert len(figure.groups) == 12
    for group in figure.groups:
        assert [row.label for row in group.rows] == ["all cells", *LEVELS]
        assert all(len(row.dots) == 3 and len(row.compared) == 2 for row in group.rows)


def test_equal_rates_do_not_hide_each_other() -> None:
    same = contrast(rate_evaluation=0.2, rate_deployment=0.2, rate_neutral=0.2)
    (group,) = charts.dots(model("m", "consistent", contrasts=(same,)), "relationship").groups
    heights = sorted(dot.y for dot in group.rows[0].dots)
    assert all(after - before >= 11 for before, after in pairwise(heights))


def test_an_unknown_rate_is_not_drawn_at_nought() -> None:
    half = contrast(rate_evaluation=None, rate_neutral=None)
    (group,) = charts.dots(model("m", "invalid", contrasts=(half,)), "relationship").groups
    row = group.rows[0]
    assert [dot.arm for dot in row.dots] == ["deployment"]
    assert row.compared == ()


@pytest.mark.parametrize("kinds", [get_args(Verdict), ARMS])
def test_no_two_marks_of_a_kind_share_a_shape(kinds: tuple[Verdict, ...]) -> None:
    assert len({charts.shape(kind) for kind in kinds}) == len(kinds)
