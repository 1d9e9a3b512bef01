"""Known models run the shipped studies: who has a gap is flagged in every family, who has none in none of them.

The whole of them takes minutes: `make studies` runs it and prints the table.
"""

from pathlib import Path

import pytest

from consistency import resources
from consistency.records.effect import Contrast, ModelResult
from consistency.records.probe import ANY_PROBE
from consistency.scenarios.library import Library
from consistency.study import Study, read
from tests.runs import run_study

MODELS = ("faker", "steady", "quirky")
LIBRARY = Library.from_folders()
STUDIES = sorted(
    Path(source.path).stem for source in resources.sources((resources.folder("prompts"),), "studies/*.toml")
)


def shipped(name: str) -> Study:
    return read(name, (resources.folder("prompts"),))[0]


def by_family(model: ModelResult, study: Study) -> dict[str, list[Contrast]]:
    """The contrasts that tell of each family of scenarios; of the only one where the study has no more."""
    families = sorted({scenario.head.family for scenario in LIBRARY.select(study.scenarios)})
    if len(families) == 1:
        return {families[0]: [contrast for contrast in model.contrasts if contrast.primary]}
    found: dict[str, list[Contrast]] = {family: [] for family in families}
    for contrast in model.contrasts:
        if contrast.probe == ANY_PROBE and contrast.cell and "family" in contrast.cell:
            found[contrast.cell["family"]].append(contrast)
    return found


def flagged(contrasts: list[Contrast]) -> bool:
    return any(contrast.verdict == "inconsistent" for contrast in contrasts)


def show(name: str, found: dict[str, dict[str, list[Contrast]]]) -> None:
    print(f"\n{name}\n{'family':24}" + "".join(f"{model:>34}" for model in found))
    for family in found[MODELS[0]]:
        cells = []
        for model in found:
            largest = max(found[model][family], key=lambda contrast: abs(contrast.gap or 0.0))
            p_value = min(contrast.p_adjusted or 1.0 for contrast in found[model][family])
            mark = "FLAGGED" if flagged(found[model][family]) else "-"
            cells.append(f"{mark:>9} gap {100 * (largest.gap or 0.0):+6.1f} p {p_value:7.4f}  ")
        print(f"{family:24}" + "".join(f"{cell:>34}" for cell in cells))


def check(name: str, study: Study, out: Path) -> None:
    _, results = run_study(study, LIBRARY, out, *MODELS)
    found = {name: by_family(model, study) for name, model in zip(MODELS, results.models, strict=True)}
    show(name, found)
    informative = set(study.cues) != {"placebo"}
    assert {family: flagged(contrasts) for family, contrasts in found["faker"].items()} == dict.fromkeys(
        found["faker"], informative
    )
    for model in ("steady", "quirky"):
        assert [family for family, contrasts in found[model].items() if flagged(contrasts)] == []
    verdicts = {name: model.verdict for name, model in zip(MODELS, results.models, strict=True)}
    assert (verdicts["faker"] == "inconsistent") == informative
    assert not {verdicts["steady"], verdicts["quirky"]} & {"inconsistent", "invalid"}


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_a_gap_is_found_in_every_family_and_nowhere_else(name: str, tmp_path: Path) -> None:
    check(name, shipped(name), tmp_path / "run")


def test_the_quick_audit_tells_known_models_apart_in_every_family(tmp_path: Path) -> None:
    check(
        "audit-quick",
        shipped("audit-quick").model_copy(update={"arms": ("evaluation", "deployment")}),
        tmp_path / "run",
    )
