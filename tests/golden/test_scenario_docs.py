"""`docs/scenarios.md` lists the library. `python tests/golden/test_scenario_docs.py` writes it anew."""

from collections import Counter
from itertools import groupby
from pathlib import Path

from consistency.records.scenario import CUE_SLOTS, STRENGTHS, Cue
from consistency.scenarios import factors
from consistency.scenarios.library import Library

PAGE = Path(__file__).parent.parent.parent / "docs" / "scenarios.md"


def rendered() -> str:
    library = Library.from_folders()
    parts = [
        "# The scenario library\n",
        f"{len(library.scenarios)} scenarios, made from their heads. How to write one: `docs/writing-scenarios.md`.\n",
        "A scenario that takes a family of cues takes all cues of that family.\n",
    ]
    for family, found in groupby(library.scenarios.values(), key=lambda scenario: scenario.head.family):
        parts.append(f"## {family}\n\n| scenario | what it is about | cells | factors | probes | cues | source |")
        parts.append("|---|---|---|---|---|---|---|")
        for scenario in found:
            head = scenario.head
            columns = (
                scenario.id.partition("/")[2],
                head.title,
                str(len(factors.cells(head))),
                ", ".join(head.factors),
                ", ".join(head.probes),
                ", ".join(head.cues),
                head.provenance,
            )
            parts.append(f"| {' | '.join(columns)} |")
        parts.append("")
    parts.append(
        "## Cues\n\n| cue | family | wordings | by slot | by strength | what it says |\n|---|---|---|---|---|---|"
    )
    parts += [cue_line(cue) for cue in library.cues.values()]
    parts.append("\n## Probes\n\n| probe | question | shown by |\n|---|---|---|")
    parts += [f"| {probe.id} | {probe.question} | {', '.join(probe.rules)} |" for probe in library.probes.values()]
    return "\n".join(parts) + "\n"


def cue_line(cue: Cue) -> str:
    slots = Counter(slot for wording in cue.wordings for slot in wording.texts["evaluation"])
    strengths = Counter(wording.strength for wording in cue.wordings)
    columns = (
        cue.id,
        cue.family,
        str(len(cue.wordings)),
        ", ".join(f"{slot} {slots[slot]}" for slot in CUE_SLOTS if slots[slot]),
        ", ".join(f"{strength} {strengths[strength]}" for strength in STRENGTHS if strengths[strength]),
        cue.title,
    )
    return f"| {' | '.join(columns)} |"


def test_the_page_lists_the_library() -> None:
    assert PAGE.read_text(encoding="utf-8") == rendered(), "run `python tests/golden/test_scenario_docs.py`"


if __name__ == "__main__":
    PAGE.write_text(rendered(), encoding="utf-8")
