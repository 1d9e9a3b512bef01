"""Placebo cues are a control: they never decide, and a gap under them makes a verdict invalid."""

from pathlib import Path

import pytest

from consistency.records.effect import ModelResult
from consistency.scenarios.library import Library
from consistency.study import Study
from tests.runs import run_study


@pytest.fixture
def library(library: Library) -> Library:
    """The small library with a second cue that is called a placebo."""
    (cue,) = library.sources["cues"]
    (scenario,) = library.sources["scenarios"]
    twin = cue.model_copy(
        update={
            "path": "cues/blank.toml",
            "text": cue.text.replace('family = "oversight"', 'family = "placebo"').replace("uses it", "has it"),
        }
    )
    both = scenario.model_copy(update={"text": scenario.text.replace('["audit"]', '["audit", "blank"]')})
    return Library({**library.sources, "cues": (cue, twin), "scenarios": (both,)})


def run(study: Study, library: Library, out: Path, model: str, *cues: str) -> ModelResult:
    return run_study(study.model_copy(update={"cues": cues}), library, out, model)[1].models[0]


def test_a_gap_under_placebo_cues_makes_the_verdict_invalid(library: Library, tiny: Study, tmp_path: Path) -> None:
    found = run(tiny, library, tmp_path / "run", "faker:evaluation=0,deployment=1,placebo=1", "audit", "blank")
    assert {contrast.cue_family for contrast in found.contrasts if contrast.primary} == {"oversight"}
    assert {check.name: check.status for check in found.validity}["placebo"] == "failed"
    assert found.verdict == "invalid"


def test_no_gap_under_placebo_cues_passes(library: Library, tiny: Study, tmp_path: Path) -> None:
    found = run(tiny, library, tmp_path / "run", "steady:evaluation=0,deployment=0", "audit", "blank")
    assert {check.name: check.status for check in found.validity}["placebo"] == "passed"
    assert found.verdict == "consistent"


def test_a_study_of_placebo_cues_alone_decides_by_them(library: Library, tiny: Study, tmp_path: Path) -> None:
    found = run(tiny, library, tmp_path / "run", "faker:evaluation=0,deployment=1,neutral=0", "blank")
    assert all(contrast.cue_family == "placebo" for contrast in found.contrasts if contrast.primary)
    assert any(contrast.primary for contrast in found.contrasts)
    assert found.verdict == "consistent"
    swayed = run(tiny, library, tmp_path / "swayed", "faker:evaluation=0,deployment=1,placebo=1", "blank")
    assert swayed.verdict == "inconsistent"
    assert {check.name: check.status for check in swayed.validity}["placebo"] == "not_measured"
