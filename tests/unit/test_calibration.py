import numpy as np
import pytest

from consistency import pipeline, resources
from consistency.analysis.contrasts import Estimator
from consistency.analysis.controls import spreads
from consistency.analysis.design import Design
from consistency.analysis.table import tables
from consistency.calibration import designs
from consistency.calibration.calibrate import certify
from consistency.calibration.grid import FAST, FULL, Bare, Grid
from consistency.calibration.naive import METHODS
from consistency.calibration.population import Nature, Structure, intercept, rates
from consistency.records.plan import Plan
from consistency.records.probe import Judgment
from consistency.records.trial import TrialKey
from consistency.scenarios.library import Library
from consistency.stats.outcomes import Outcomes
from consistency.study import ModelEntry, Study

SMALL = Grid(
    name="small",
    runs=40,
    designs=(Bare(60, 2, 20),),
    bare=(Nature(base=0.1, gap=0.0, wording_sd=0.5), Nature(base=0.1, gap=0.5), Nature(base=0.02, gap=0.0)),
    study=(Nature(base=0.1, gap=0.6), Nature(base=0.1, gap=0.0, missing=0.05)),
)


@pytest.fixture(scope="module")
def plan(library: Library, tiny: Study) -> Plan:
    return pipeline.plan(tiny.model_copy(update={"models": (ModelEntry(name="organism/steady"),)}), library)


@pytest.mark.parametrize(("rate", "spread"), [(0.02, 1.5), (0.3, 0.0), (0.5, 2.0), (0.97, 1.0)])
def test_the_rate_of_a_population_is_what_was_asked_for(rate: float, spread: float) -> None:
    logit = intercept(rate, spread) + spread * np.random.default_rng(1).standard_normal(400_000)
    assert float(np.mean(1 / (1 + np.exp(-logit)))) == pytest.approx(rate, abs=0.002)


def test_rates_of_nothing_and_of_everything() -> None:
    structure = Structure(np.arange(5), np.arange(5))
    rng = np.random.default_rng(1)
    assert (rates(Nature(base=0.0, gap=1.0), structure, rng) == [[0.0, 1.0]] * 5).all()


def test_both_arms_have_the_rates_and_share_what_they_share() -> None:
    structure = Structure(np.repeat(np.arange(4000), 2), np.tile(np.arange(2000), 4))
    nature = Nature(base=0.2, gap=0.1, wording_sd=0.5, slope_sd=0.5, pair_sd=0.5)
    found = rates(nature, structure, np.random.default_rng(2))
    assert found.mean(axis=0) == pytest.approx([0.2, 0.3], abs=0.015)
    assert float(np.mean((found[:, 0] - 0.2) * (found[:, 1] - 0.3))) > 0.01


def test_acting_out_a_plan_says_what_the_rules_say_of_its_controls(plan: Plan) -> None:
    specimen = designs.of_plan(plan)
    for probe, has in ((probe, specimen.design.layout.has(probe)) for probe in specimen.design.layout.probes):
        assert (specimen.faithful[probe][has] == 0).all()
        assert (specimen.misbehaving[probe][has] == 1).all()


def test_the_table_of_a_simulated_model_is_that_of_a_run(plan: Plan) -> None:
    """Entered at once or trial by trial, the same outcomes make the same table."""
    specimen = designs.of_plan(plan)
    drawn = specimen.draw(Nature(base=0.3, gap=0.3, missing=0.2), np.random.default_rng(3))
    layout = drawn.layout
    entered = tables(layout, (), ())["organism/steady"]
    entered.complete(drawn.ended("completed"))
    for probe in layout.probes:
        values = drawn.values(probe, "missing")
        for row, column in np.argwhere(~np.isnan(values)):
            pair, arm = layout.pairs[row].id, layout.arms[column]
            key = TrialKey(model="organism/steady", pair=pair, arm=arm)
            entered.add_judgment(Judgment(key=key, probe=probe, scorer="rules", value=float(values[row, column])))
    for probe in (*layout.probes, "any"):
        np.testing.assert_array_equal(entered.values(probe, "missing"), drawn.values(probe, "missing"))


def test_nothing_at_stake_means_no_gap(plan: Plan) -> None:
    specimen = designs.of_plan(plan)
    table = specimen.draw(Nature(base=0.0, gap=1.0, scenario_sd=0.0), np.random.default_rng(4))
    values = table.values("any", "missing")
    control = table.layout.control
    assert (values[control] == 0).all()
    assert (values[~control] == [0, 1]).all()


def test_a_certificate_counts_errors_in_the_right_cells_and_is_the_same_again(plan: Plan) -> None:
    told: list[tuple[int, int]] = []
    found = certify(plan, SMALL, done=lambda *cells: told.append(cells))
    assert told == [(number, 5) for number in range(1, 6)]
    null, gap, clean, faker, missing = found.cells
    for cell in (null, clean, missing):
        assert cell.false_inconsistent is not None
        assert cell.false_inconsistent <= 0.125
        assert cell.false_consistent is None
    for cell in (gap, faker):
        assert cell.inconsistent >= 0.8
        assert (cell.wrong_direction, cell.false_consistent) == (0.0, 0.0)
        assert cell.false_inconsistent is None
    assert all(cell.zero_width == 0 for cell in found.cells)
    assert min(cell.coverage or 0.0 for cell in (null, gap, clean)) >= 0.85
    assert gap.calls < 0.5 < clean.calls
    assert found.plan_digest == designs.of_plan(plan).plan_digest
    assert certify(plan, SMALL).text() == found.text()
    assert certify(plan, SMALL, seed=2).text() != found.text()
    assert certify(None, SMALL).cells == found.cells[:3]


def test_the_grids_hold_nulls_and_gaps_at_the_margin() -> None:
    for grid in (FAST, FULL):
        for natures in (grid.bare, grid.study):
            assert {0.0, 0.1} <= {nature.gap for nature in natures}
    assert len(resources.code_digest()) == 64


def test_usual_methods_say_what_they_say() -> None:
    rng = np.random.default_rng(5)
    scenario, arm = np.repeat(np.arange(100), 2), np.tile([False, True], 100)
    alike = Outcomes(scenario, scenario, arm, np.zeros(200))
    apart = Outcomes(scenario, scenario, arm, np.where(arm, rng.random(200) < 0.6, rng.random(200) < 0.1).astype(float))
    for method in METHODS.values():
        assert not method(alike, 0.1).differs
        assert method(alike, 0.1).inside
        assert method(apart, 0.1).differs
        assert not method(apart, 0.1).inside


def test_a_design_has_the_levels_of_its_looks(plan: Plan) -> None:
    bare = designs.bare(60, 2, 20)
    assert len(bare.design.levels) == 5
    assert bare.design.unit == "scenario"
    assert isinstance(bare.design, Design)


def test_gaps_that_cancel_show_in_the_spread_of_scenarios() -> None:
    """Half of the scenarios are safer in either arm: no gap on average, and a wide RMS gap."""
    specimen = designs.bare(40, 10, 30, looks=1)
    table = specimen.draw(Nature(base=0.0, gap=0.0), np.random.default_rng(5))
    chances = np.random.default_rng(6).random(table.state.shape)
    worse = specimen.design.layout.codes("scenario") % 2
    table.judge("misbehaviour", (chances < np.where(np.arange(2) == worse[:, None], 0.8, 0.2)).astype(float))
    estimator = Estimator(table, specimen.design.terms(1))
    (found,) = spreads(estimator, specimen.design.questions)
    primary = next(question for question in specimen.design.questions if question.primary)
    assert abs(estimator.estimate(primary).gap or 0.0) < 0.05
    assert found.rms_gap == pytest.approx(0.6, abs=0.08)
    assert found.ci95
    assert found.ci95[0] < 0.6 < found.ci95[1]
    alone = designs.bare(40, 1, 30, looks=1)
    table = alone.draw(Nature(base=0.2, gap=0.0), np.random.default_rng(5))
    (unknown,) = spreads(Estimator(table, alone.design.terms(1)), alone.design.questions)
    assert (unknown.rms_gap, unknown.ci95) == (None, None)
    assert "two draws" in unknown.note
