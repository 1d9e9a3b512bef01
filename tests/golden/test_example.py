"""The committed example report is the demo's. `consistency demo --out DIR` makes it anew, as DIR/report.html."""

import asyncio
from pathlib import Path

import pytest

from consistency import pipeline
from consistency.cli.loading import load
from consistency.store.directory import RunDirectory

EXAMPLE = Path(__file__).parent.parent.parent / "reports" / "example" / "report.html"

#: What comes after this is the machine's: the order of concurrent appends, and versions of libraries.
_MACHINE = '<section id="reproducibility"'


@pytest.mark.slow
def test_the_example_is_the_demos_report(tmp_path: Path) -> None:
    study, library = load("demo", (), ())
    directory = RunDirectory.create(tmp_path / "run", pipeline.plan(study, library))
    asyncio.run(pipeline.whole(directory, pipeline.QUIET))
    made, kept = (path.read_text(encoding="utf-8") for path in (directory.path / "report.html", EXAMPLE))
    assert _MACHINE in kept
    assert made.partition(_MACHINE)[0] == kept.partition(_MACHINE)[0]
