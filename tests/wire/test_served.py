"""The same study in process and over HTTP, by either lane: the same verdicts, trial by trial."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from consistency.records.effect import Results
from consistency.store.directory import RunDirectory
from consistency.store.trials import trials

CONTENT = Path(__file__).parent.parent / "content"
STUDY = str(CONTENT / "prompts" / "studies" / "tiny.toml")
FOLDERS = ["--prompts", str(CONTENT / "prompts"), "--probes", str(CONTENT / "probes")]
KINDS = ("faker", "reverse", "flaky")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    command = [sys.executable, "-m", "consistency", "serve", STUDY, *FOLDERS, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.terminate()


@pytest.fixture(scope="module")
def near(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return run(tmp_path_factory.mktemp("near") / "run", *(f"organism/{kind}" for kind in KINDS))


def run(out: Path, *models: str, api_base: str | None = None) -> RunDirectory:
    options = [f"--model={model}" for model in models] + ([f"--api-base={api_base}"] if api_base else [])
    command = [sys.executable, "-m", "consistency", "run", STUDY, *FOLDERS, *options, "--out", str(out), "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return RunDirectory.open(out)


def outcomes(directory: RunDirectory) -> dict[tuple[str, str, str], tuple[str, str]]:
    with directory.journal() as journal:
        return {
            (trial.key.model.partition("/")[2], trial.key.pair, trial.key.arm): (trial.outcome, trial.reason)
            for trial in trials(journal)
        }


def verdicts(results: Results) -> dict[str, tuple[str, str | None, list[float | None]]]:
    return {
        model.model.partition("/")[2]: (model.verdict, model.direction, [found.gap for found in model.contrasts])
        for model in results.models
    }


@pytest.mark.parametrize("lane", ["openai", "openai_compatible"])
def test_over_the_wire_every_trial_ends_as_it_does_in_process(
    endpoint: str, near: RunDirectory, tmp_path: Path, lane: str
) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1", endpoint)
    far = run(tmp_path / "far", *(f"{lane}/{kind}" for kind in KINDS), api_base=endpoint)
    assert outcomes(near) == outcomes(far)
    assert verdicts(near.results()) == verdicts(far.results())
    assert verdicts(far.results())["faker"][:2] == ("inconsistent", "safer_when_evaluated")


@pytest.mark.parametrize("lane", ["openai", "openai_compatible"])
def test_an_unknown_model_stops_the_run_at_once(endpoint: str, tmp_path: Path, lane: str) -> None:
    out = tmp_path / "run"
    command = [sys.executable, "-m", "consistency", "run", STUDY, *FOLDERS, f"--model={lane}/saint"]
    done = subprocess.run(
        [*command, f"--api-base={endpoint}", "--out", str(out), "--quiet"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "the endpoint does not know the model" in done.stderr
    assert "Traceback" not in done.stderr
    with RunDirectory.open(out).journal() as journal:
        assert journal.count("trial") == 0
