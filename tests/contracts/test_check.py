"""Every kind of fault that can be planted in content is named by `check`, with file and line, and exit code 2."""

import shutil
from pathlib import Path

import pytest

from consistency.cli.group import run
from tests.conftest import CONTENT
from tests.contracts.planted import acting, heads, others
from tests.contracts.planted.fault import CUE, POOL, PROBE, SCENARIO, STUDY, Fault

FAULTS = [*heads.FAULTS, *acting.FAULTS, *others.FAULTS]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CONTENT, tmp_path / "content"))


def check(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    options = ["--prompts", str(folder / "prompts"), "--probes", str(folder / "probes"), "--only"]
    code = run(["check", str(folder / STUDY), *options])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_content_without_a_fault_passes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = check(folder, capsys)
    assert (code, err) == (0, "")
    assert "1 scenarios, 1 cues, 2 probes" in out


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_is_named_with_file_and_line(
    fault: Fault, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / fault.file
    text = path.read_text(encoding="utf-8")
    assert fault.old in text, "the fault has nothing to be planted in"
    changed = text.replace(fault.old, fault.new, 1)
    path.write_text(changed, encoding="utf-8")

    code, out, err = check(folder, capsys)

    assert code == 2
    assert out == ""
    assert "Traceback" not in err
    named = [line for line in err.splitlines() if fault.message in line]
    assert named, err
    lines = [number for number, line in enumerate(changed.split("\n"), 1) if fault.at in line]
    places = [int(line.split(": ")[0].rpartition(":")[2]) for line in named]
    assert any(place in lines for place in places), f"{named} names none of the lines {lines}"
    assert any(fault.file in line for line in named)


def test_there_are_faults_of_many_kinds() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 25
    assert {fault.file for fault in FAULTS} == {SCENARIO, CUE, POOL, STUDY, PROBE}
