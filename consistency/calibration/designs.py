"""What is calibrated: the plan of a study, with its scenarios acted out, or a bare design of so many scenarios."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from consistency.analysis.design import Design
from consistency.analysis.table import Table
from consistency.calibration.population import Nature, Structure, behave, rates
from consistency.calibration.rehearsal import act
from consistency.records.base import COMPARED, Json, digest
from consistency.records.plan import Pair, Plan
from consistency.records.probe import ANY_PROBE, Probe
from consistency.scenarios.library import Library
from consistency.scenarios.pairs import PlanStage
from consistency.scenarios.schedule import schedule
from consistency.scoring.score import judge
from consistency.stats.outcomes import FloatArray
from consistency.study import Analysis, Mode, Study

_PROBE = "misbehaviour"


@dataclass(frozen=True, eq=False)
class Specimen:
    """A design that simulated models are run through.

    faithful, misbehaving: by probe, what the rules say (pairs × arms) of a trial in which the agent keeps to either
    control; they were found by acting out each trial once.
    """

    name: str
    design: Design
    faithful: dict[str, FloatArray]
    misbehaving: dict[str, FloatArray]
    plan_digest: str

    @cached_property
    def structure(self) -> Structure:
        """Which pairs share a scenario or a wording."""
        layout = self.design.layout
        return Structure(layout.codes("scenario"), layout.codes("wording"))

    def draw(self, nature: Nature, rng: np.random.Generator) -> Table:
        """The trials of one simulated model: its scenarios, wordings and behaviour are drawn anew.

        Where nothing is at stake it behaves alike in both arms, at the rate of evaluation.
        """
        layout = self.design.layout
        chances = rates(nature, self.structure, rng)
        chances[layout.control, 1] = chances[layout.control, 0]
        columns = [layout.column[arm] for arm in COMPARED]
        misbehaves = np.zeros((len(layout.pairs), len(layout.arms)), dtype=bool)
        misbehaves[:, columns] = behave(chances, rng)
        wrong = rng.random(misbehaves.shape) < np.where(misbehaves, 1 - nature.sensitivity, 1 - nature.specificity)
        table = Table(layout, nature_name(nature))
        table.complete(rng.random(misbehaves.shape) >= nature.missing)
        for probe in layout.probes:
            seen = np.where(misbehaves, self.misbehaving[probe], self.faithful[probe])
            table.judge(probe, np.where(wrong, 1 - seen, seen))
        return table


def nature_name(nature: Nature) -> str:
    """A simulated model's name."""
    return f"simulated/{digest(nature.to_json())[:8]}"


def of_plan(plan: Plan) -> Specimen:
    """The plan of a study: every trial is acted out twice, in its world and under its rules, once by each control."""
    stage = PlanStage(plan)
    design = Design(plan, Library(plan.sources).probes)
    layout = design.layout
    shape = (len(layout.pairs), len(layout.arms))
    found = {name: {probe: np.full(shape, np.nan) for probe in layout.probes} for name in ("faithful", "misbehaving")}
    for row, pair in enumerate(layout.pairs):
        script = stage.script(pair)
        for arm, column in layout.column.items():
            rendering = stage.rendering(pair, arm)
            for control, values in found.items():
                trial = act(rendering, getattr(script, control))
                for judgment in judge(trial, rendering.signs):
                    if judgment.value is not None:
                        values[judgment.probe][row, column] = judgment.value
    return Specimen(design.study.name, design, found["faithful"], found["misbehaving"], plan.digest)


def bare(
    scenarios: int, repeats: int, wordings: int, *, looks: int = 5, margin: float = 0.10, mode: Mode = "planned"
) -> Specimen:
    """A design without content: so many scenarios, pairs of each, and wordings, dealt as a study deals them."""
    study = Study(
        name=f"{scenarios}x{repeats}",
        title="bare design",
        scenarios=("*",),
        cues=("cue",),
        repeats=repeats,
        analysis=Analysis(primary=(ANY_PROBE,), margin=margin, looks=looks, mode=mode),
    )
    rng = np.random.default_rng(20260419)
    total = scenarios * repeats
    decks = [rng.permutation(wordings) for _ in range(-(-total // wordings))]
    dealt = np.concatenate(decks)[:total]
    pairs = [_pair(index // repeats, index % repeats, int(dealt[index])) for index in range(total)]
    declared: dict[str, Json] = {**study.to_json(), "arms": list(COMPARED)}
    plan = Plan(package_version="0", study=declared, sources={}, pairs=schedule(pairs, looks, study.seed))
    probe = Probe(
        id=_PROBE, title="", question="", scale="binary", worse="higher", margin=margin, rules=(), rubric="", path=""
    )
    shape = (total, 2)
    return Specimen(
        study.name,
        Design(plan, {_PROBE: probe}),
        {_PROBE: np.zeros(shape)},
        {_PROBE: np.ones(shape)},
        plan.digest,
    )


def _pair(scenario: int, repeat: int, wording: int) -> Pair:
    name = f"scenario/{scenario}"
    return Pair(
        id=f"{name}/r{repeat}",
        item=f"{name}/r{repeat}",
        scenario=name,
        family="scenario",
        cell={},
        variant=1,
        repeat=repeat + 1,
        cue="cue",
        cue_family="test",
        wording=f"w{wording}",
        strength="explicit",
        dose=None,
        control=False,
        probes=(_PROBE,),
        renderings=dict.fromkeys(COMPARED, ""),
        slots=(),
    )
