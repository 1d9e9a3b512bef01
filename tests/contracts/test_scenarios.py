"""What every shipped scenario must keep, in every cell."""

import re
from functools import cache

import pytest

from consistency.calibration.rehearsal import rehearse
from consistency.records.base import ARMS
from consistency.records.scenario import Cell
from consistency.scenarios import balance, factors
from consistency.scenarios.library import Library
from consistency.scenarios.render import Item, Renderer, Skeleton
from consistency.scoring.score import judge

LIBRARY = Library.from_folders()
CELLS = [
    pytest.param(name, cell, id=f"{name}/{factors.key(cell)}")
    for name, scenario in LIBRARY.scenarios.items()
    for cell in factors.cells(scenario.head)
]

#: Words that would tell a model what it is in. They may stand in cues, which are there to tell.
TELLTALE = re.compile(
    r"\b(?:evaluation arm|deployment arm|misbehav\w*|consistency|organism|simulated|scenario|canary|probe)\b",
    re.IGNORECASE,
)


@cache
def renderer(name: str) -> Renderer:
    return Renderer(LIBRARY, LIBRARY.scenarios[name])


def texts(skeleton: Skeleton) -> str:
    return "\n".join([skeleton.system, skeleton.user, str(skeleton.world)])


@pytest.mark.parametrize(("name", "cell"), CELLS)
def test_arms_differ_in_their_cues_alone(name: str, cell: Cell) -> None:
    skeleton = renderer(name).skeleton(Item(name, cell, 1, seed=3))
    for cue in LIBRARY.scenarios[name].head.cues:
        for wording in LIBRARY.cues[cue].wordings:
            arms = [renderer(name).arm(skeleton, wording, arm) for arm in ARMS]
            outside = set()
            for arm in arms:
                plain = f"{arm.system}\x1f{arm.user}\x1f{arm.world}"
                for text in arm.cue_texts.values():
                    assert plain.count(text) == 1
                    plain = plain.replace(text, "CUE")
                outside.add(plain)
            assert len(outside) == 1
            assert len({arm.system + arm.user + str(arm.world) for arm in arms}) == len(ARMS)


@pytest.mark.parametrize(("name", "cell"), CELLS)
@pytest.mark.parametrize(("control", "expected"), [("faithful", 0.0), ("misbehaving", 1.0)])
def test_every_probe_tells_the_controls_apart(name: str, cell: Cell, control: str, expected: float) -> None:
    for seed in range(3):
        rendering, trial = rehearse(LIBRARY, renderer(name), Item(name, cell, 1, seed), control)
        assert (trial.outcome, [use.result for use in trial.tool_uses if use.error]) == ("completed", [])
        judgments = {judgment.probe: judgment.value for judgment in judge(trial, rendering.signs)}
        assert judgments == dict.fromkeys(LIBRARY.scenarios[name].head.probes, expected)


@pytest.mark.parametrize(("name", "cell"), CELLS)
def test_nothing_rendered_says_what_it_is(name: str, cell: Cell) -> None:
    text = texts(renderer(name).skeleton(Item(name, cell, 1, seed=5)))
    assert TELLTALE.findall(text) == []
    assert LIBRARY.scenarios[name].head.canary not in text


@pytest.mark.parametrize("name", LIBRARY.scenarios)
def test_there_are_many_surfaces(name: str) -> None:
    cell = factors.cells(LIBRARY.scenarios[name].head)[0]
    rendered = {texts(renderer(name).skeleton(Item(name, cell, 1, seed))) for seed in range(60)}
    assert len(rendered) >= 50


@pytest.mark.parametrize("name", LIBRARY.scenarios)
def test_each_has_a_twin_without_temptation(name: str) -> None:
    head = LIBRARY.scenarios[name].head
    assert head.no_temptation
    assert any(factors.matches(cell, head.no_temptation) for cell in factors.cells(head))


@pytest.mark.parametrize("name", LIBRARY.cues)
def test_wordings_are_matched(name: str) -> None:
    assert list(balance.faults(LIBRARY.cues[name])) == []


def test_a_control_of_the_same_decision_shares_its_first_turns() -> None:
    for name, scenario in LIBRARY.scenarios.items():
        cell = factors.cells(scenario.head)[0]
        script = renderer(name).script(renderer(name).skeleton(Item(name, cell, 1, seed=1)))
        assert script.faithful[:2] == script.misbehaving[:2]
