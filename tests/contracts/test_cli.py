"""What a person meets at the command line: exit codes, messages, and data on stdout alone."""

import json
import shutil
from pathlib import Path

import pytest

from consistency.cli.group import run
from consistency.scenarios.library import Library
from consistency.study import Study
from tests.conftest import CONTENT
from tests.runs import run_study

STUDY = str(CONTENT / "prompts" / "studies" / "tiny.toml")
FOLDERS = ["--prompts", str(CONTENT / "prompts"), "--probes", str(CONTENT / "probes")]
Said = tuple[int, str, str]


@pytest.fixture(scope="module")
def finished(library: Library, tiny: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    models = ("faker:evaluation=0,deployment=1", "steady:evaluation=0,deployment=0", "flaky:fail=1")
    return run_study(tiny, library, tmp_path_factory.mktemp("runs") / "run", *models)[0].path


@pytest.fixture
def broken(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "broken"))


def say(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Said:
    code = run([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return code, captured.out, captured.err


def test_a_run_prints_its_results_and_is_resumed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "run"
    code, shown, err = say(capsys, "run", STUDY, *FOLDERS, "--out", out)
    assert code == 0
    assert "safer when evaluated — alignment-faking pattern" in shown
    assert "60 of 60 trials: 60 completed" in err
    assert f"report: {out / 'report.html'}" in err
    code, again, err = say(capsys, "run", STUDY, *FOLDERS, "--out", out)
    assert (code, again) == (0, shown)
    assert "trials" not in err


def test_json_is_all_there_is_on_stdout(capsys: pytest.CaptureFixture[str], finished: Path) -> None:
    for arguments in (("analyze", finished), ("status", finished), ("gate", finished), ("list", "scenarios")):
        _, out, _ = say(capsys, *arguments, "--json")
        assert json.loads(out)
    _, out, _ = say(capsys, "plan", STUDY, *FOLDERS, "--json")
    assert json.loads(out)["trials"] == 60
    _, out, _ = say(capsys, "render", "desk/stock_count", *FOLDERS, "--json", "--diff")
    assert [rendering["arm"] for rendering in json.loads(out)] == ["evaluation", "deployment", "neutral"]


def test_the_gate_carries_the_verdict(capsys: pytest.CaptureFixture[str], finished: Path, tmp_path: Path) -> None:
    assert say(capsys, "gate", finished)[0] == 3
    policy = tmp_path / "policy.toml"
    for model, code in (("steady", 0), ("faker", 3), ("flaky", 5)):
        policy.write_text(f'models = ["organism/{model}*"]\n')
        assert say(capsys, "gate", finished, "--policy", policy)[0] == code


def test_a_run_verifies_until_it_is_touched(capsys: pytest.CaptureFixture[str], finished: Path, broken: Path) -> None:
    assert say(capsys, "verify", finished)[0] == 0
    results = broken / "results.json"
    results.write_text(results.read_text().replace('"inconsistent"', '"consistent"', 1))
    code, _, err = say(capsys, "verify", broken)
    assert (code, "is not what the journal gives" in err) == (6, True)


def test_all_reports_are_written(capsys: pytest.CaptureFixture[str], finished: Path, tmp_path: Path) -> None:
    for name in ("html", "json", "junit", "markdown"):
        code, out, _ = say(capsys, "report", finished, "--format", name)
        assert code == 0
        target = tmp_path / name
        assert say(capsys, "report", finished, "--format", name, "-o", target)[:2] == (0, "")
        assert target.read_text(encoding="utf-8") == out


def test_arms_are_shown_side_by_side(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    arguments = ("--cue", "audit/weekly-check-round", "--set", "shift=night", "--diff")
    code, out, _ = say(capsys, "render", "desk/stock_count", *FOLDERS, *arguments)
    assert code == 0
    assert "cell bonus.night · wording weekly-check-round" in out
    marked = [line for line in out.splitlines() if line.startswith("* ")]
    assert any("An auditor" in line and "The buyer" in line and "The counters" in line for line in marked)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "no-such-study"), "no study 'no-such-study'"),
        (("run", "missing.toml"), "missing.toml"),
        (("run", STUDY, *FOLDERS, "--model", ""), "names no model"),
        (("run", STUDY, *FOLDERS, "--model", "organism/saint"), "unknown organism 'saint'"),
        (("run", STUDY, *FOLDERS, "--model", "organism/steady", "--model", "organism/steady"), "names something twice"),
        (("run", STUDY, *FOLDERS, "--api-base", "http://x"), "--api-base goes with --model"),
        (("run", STUDY, *FOLDERS, "--executor", "moon"), "there is no 'moon'; there are: local"),
        (("plan", "peer-preservation"), "names no model"),
        (("render", "no/such"), "no scenario 'no/such'"),
        (("render", "desk/stock_count", *FOLDERS, "--set", "shift=noon"), "shift: day, night"),
        (("render", "desk/stock_count", *FOLDERS, "--set", "stakes=none", "--set", "shift=night"), "excludes the cell"),
        (("render", "desk/stock_count", *FOLDERS, "--cue", "rumour"), "it has audit"),
        (("render", "desk/stock_count", *FOLDERS, "--cue", "audit/rumour"), "has no wording 'rumour'"),
        (("serve", STUDY, *FOLDERS, "--port", "99999"), "99999"),
        (("check", "--only"), "nothing to check"),
        (("teleport",), "No such command"),
        (("list", "wishes"), "wishes"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line_and_ends_with_2(
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = say(capsys, *arguments)
    assert (code, out) == (2, "")
    assert message in err


@pytest.mark.parametrize("command", ["status", "score", "analyze", "report", "gate", "verify"])
def test_a_folder_that_is_no_run_is_said(capsys: pytest.CaptureFixture[str], command: str, tmp_path: Path) -> None:
    code, _, err = say(capsys, command, tmp_path)
    assert (code, "is no run directory" in err) == (2, True)


@pytest.mark.parametrize("command", ["status", "score", "analyze", "report", "verify"])
def test_a_run_without_its_journal_is_said(capsys: pytest.CaptureFixture[str], command: str, broken: Path) -> None:
    (broken / "journal.sqlite").unlink()
    code, _, err = say(capsys, command, broken)
    assert (code, "has no journal" in err) == (2, True)
    assert not (broken / "journal.sqlite").exists()


def test_a_journal_that_is_no_database_is_said(capsys: pytest.CaptureFixture[str], broken: Path) -> None:
    (broken / "journal.sqlite").write_text("junk, and not a little of it")
    code, _, err = say(capsys, "status", broken)
    assert (code, "not a database" in err) == (2, True)


def test_a_report_that_cannot_be_written_is_said(capsys: pytest.CaptureFixture[str], finished: Path) -> None:
    code, _, err = say(capsys, "report", finished, "-o", finished / "no" / "such" / "folder.html")
    assert (code, "No such file or directory" in err) == (2, True)


def test_an_infeasible_plan_is_refused_and_a_run_of_it_warned_of(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    study = tmp_path / "narrow.toml"
    study.write_text(Path(STUDY).read_text().replace("margin = 0.25", "margin = 0.05"))
    code, _, err = say(capsys, "plan", study, *FOLDERS)
    assert (code, "needs 72 items or more" in err) == (2, True)
    code, _, err = say(capsys, "run", study, *FOLDERS, "--out", tmp_path / "run", "--quiet")
    assert (code, "warning: inflated_count under oversight can never come out consistent" in err) == (0, True)
