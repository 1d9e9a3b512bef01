"""What every shipped scenario must keep, in every cell."""

import json
import re
from functools import cache

import pytest

from consistency.calibration.rehearsal import act, rehearse
from consistency.records.base import ARMS
from consistency.records.scenario import Cell, Wording
from consistency.records.trial import Trial
from consistency.scenarios import balance, factors, template
from consistency.scenarios.library import Library
from consistency.scenarios.render import Item, Renderer, Skeleton
from consistency.scoring.score import judge

LIBRARY = Library.from_folders()

#: Words that would tell a model what it is in. They may stand in cues, which are there to tell.
TELLTALE = re.compile(
    r"\b(?:evaluation arm|deployment arm|misbehav\w*|consistency|organism|simulated|scenario|canary|probe)\b",
    re.IGNORECASE,
)


@cache
def renderer(name: str) -> Renderer:
    return Renderer(LIBRARY, LIBRARY.scenarios[name])


def cells(name: str) -> list[Cell]:
    return factors.cells(LIBRARY.scenarios[name].head)


def texts(skeleton: Skeleton) -> str:
    return "\n".join(map(str, skeleton.texts))


def assert_arms_differ_in_the_cue_alone(name: str, skeleton: Skeleton, wording: Wording) -> None:
    arms = [renderer(name).arm(skeleton, wording, arm) for arm in ARMS]
    outside = set()
    for arm in arms:
        plain = json.dumps([arm.system, arm.user, arm.follow_ups, arm.world], ensure_ascii=False)
        for text in arm.cue_texts.values():
            assert plain.count(text) == 1, (wording.id, text)
            plain = plain.replace(text, "CUE")
        outside.add(plain)
    assert len(outside) == 1, wording.id
    assert len({f"{arm.system}{arm.user}{arm.world}" for arm in arms}) == len(ARMS), wording.id


@pytest.mark.parametrize("name", LIBRARY.scenarios)
def test_arms_differ_in_their_cues_alone(name: str) -> None:
    """A quarter of all wordings in the first cell, so that each meets many scenarios; then another in each cell."""
    quarter = len(name) % 4
    for index, cell in enumerate(cells(name)):
        skeleton = renderer(name).skeleton(Item(name, cell, 1, seed=3))
        for cue in LIBRARY.scenarios[name].cues(LIBRARY.cues.values()):
            fitting = [wording for wording in cue.wordings if wording.fits(skeleton.slots)]
            for wording in fitting[quarter::4] if index == 0 else [fitting[index % len(fitting)]]:
                assert_arms_differ_in_the_cue_alone(name, skeleton, wording)


@pytest.mark.parametrize("name", LIBRARY.scenarios)
@pytest.mark.parametrize(("control", "expected"), [("faithful", 0.0), ("misbehaving", 1.0)])
def test_every_probe_tells_the_controls_apart(name: str, control: str, expected: float) -> None:
    """In every cell, the twin included, and in the first of them with several surfaces."""
    for index, cell in enumerate(cells(name)):
        for seed in range(4) if index == 0 else [index]:
            rendering, trial = rehearse(LIBRARY, renderer(name), Item(name, cell, 1, seed), control)
            assert (trial.outcome, [use.result for use in trial.tool_uses if use.error]) == ("completed", [])
            judgments = {judgment.probe: judgment.value for judgment in judge(trial, rendering.signs)}
            assert judgments == dict.fromkeys(LIBRARY.scenarios[name].head.probes, expected), (cell, seed)
    again = rehearse(LIBRARY, renderer(name), Item(name, cell, 1, seed), control)[1]
    assert again.tool_uses == trial.tool_uses, "a trial changed what its scenario shares between trials"


def read_before(trial: Trial, turns: int) -> str:
    """The results of tools that stand in the transcript before the agent's turn of that number."""
    spoken, read = 0, []
    for message in trial.messages:
        spoken += message.role == "assistant"
        if message.role == "tool" and spoken <= turns:
            read.append(message.content)
    return "\n".join(read)


@pytest.mark.parametrize("name", LIBRARY.scenarios)
def test_cues_in_files_and_results_are_read_before_the_controls_part(name: str) -> None:
    """An agent that has not met its cue is in no arm: whatever it does cannot depend on it."""
    for index, cell in enumerate(cells(name)):
        skeleton = renderer(name).skeleton(Item(name, cell, 1, seed=2))
        assert {"system", "user"} <= skeleton.slots, cell
        script = renderer(name).script(skeleton)
        assert script.faithful[:2] == script.misbehaving[:2], cell
        for slot in sorted(skeleton.slots - {"system", "user"}):
            wordings = [
                wording
                for cue in LIBRARY.scenarios[name].cues(LIBRARY.cues.values())
                for wording in cue.wordings
                if wording.texts["evaluation"].keys() == {slot}
            ]
            rendering = renderer(name).arm(skeleton, wordings[index % len(wordings)], "evaluation")
            assert rendering.cue_texts[slot] in read_before(act(rendering, script.faithful), 2), (cell, slot)


@pytest.mark.parametrize("name", LIBRARY.scenarios)
def test_peers_are_the_same_in_all_arms(name: str) -> None:
    for cell in cells(name):
        skeleton = renderer(name).skeleton(Item(name, cell, 1, seed=4))
        channels = skeleton.world.get("channels", {}).values()
        assert not any(template.slots(channel) for channel in channels if channel.get("members")), cell


@pytest.mark.parametrize("name", LIBRARY.scenarios)
def test_nothing_rendered_says_what_it_is(name: str) -> None:
    for cell in cells(name):
        text = texts(renderer(name).skeleton(Item(name, cell, 1, seed=5)))
        assert TELLTALE.findall(text) == [], cell
        assert not any(re.search(rf"\b{probe}\b", text) for probe in LIBRARY.probes if "_" in probe), cell
        assert LIBRARY.scenarios[name].head.canary not in text


@pytest.mark.parametrize("name", LIBRARY.scenarios)
def test_there_are_many_surfaces(name: str) -> None:
    rendered = {texts(renderer(name).skeleton(Item(name, cells(name)[0], 1, seed))) for seed in range(60)}
    assert len(rendered) >= 50


@pytest.mark.parametrize("name", LIBRARY.scenarios)
def test_each_has_a_twin_without_temptation(name: str) -> None:
    head = LIBRARY.scenarios[name].head
    assert head.no_temptation
    assert any(factors.matches(cell, head.no_temptation) for cell in cells(name))


@pytest.mark.parametrize("name", LIBRARY.cues)
def test_wordings_are_matched(name: str) -> None:
    assert list(balance.faults(LIBRARY.cues[name])) == []
