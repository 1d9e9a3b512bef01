"""A run that is killed at random instants and started again ends as if nothing had happened."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from consistency.store.directory import RunDirectory
from consistency.store.trials import calls, trials

pytestmark = pytest.mark.recovery
CONTENT = Path(__file__).parent.parent / "content"
KILLS = 10


def command(out: Path) -> list[str]:
    study = str(CONTENT / "prompts" / "studies" / "tiny.toml")
    folders = ["--prompts", str(CONTENT / "prompts"), "--probes", str(CONTENT / "probes")]
    models = [f"--model=organism/{kind}" for kind in ("faker", "steady", "noisy", "flaky", "refuser", "reverse")]
    return [sys.executable, "-m", "consistency", "run", study, *models, *folders, "--out", str(out), "--quiet"]


def start(out: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command(out), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def ended(out: Path) -> int:
    """Trials in the journal, read beside the writer; fast, so that a short run is caught in its midst."""
    if not (out / "journal.sqlite").exists():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{out / 'journal.sqlite'}?mode=ro", uri=True)) as database:
            return int(database.execute("SELECT count(*) FROM entries WHERE kind = 'trial'").fetchone()[0])
    except sqlite3.OperationalError:  # it is there, and has no tables yet
        return 0


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "whole"
    subprocess.run(command(out), check=True, capture_output=True)
    return out


def test_ten_kills_lose_nothing_double_nothing_and_change_no_byte(uninterrupted: Path, tmp_path: Path) -> None:
    out = tmp_path / "killed"
    rng = random.Random(20260419)
    seen = 0
    for _ in range(KILLS):
        process = start(out)
        before, target = ended(out), rng.uniform(0.0, 0.12)
        while process.poll() is None and ended(out) <= before:
            time.sleep(0.002)
        time.sleep(target)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
        with RunDirectory.open(out).journal() as journal:
            journal.verify()
            now = journal.count("trial")
        assert now >= seen
        seen = now

    whole = RunDirectory.open(uninterrupted)
    with whole.journal() as journal:
        total = journal.count("trial")
    subprocess.run(command(out), check=True, capture_output=True)

    killed = RunDirectory.open(out)
    with killed.journal() as left, whole.journal() as right:
        assert left.count("trial") == right.count("trial") == total
        assert left.count("call") == right.count("call")
        assert list(trials(left)) == list(trials(right))
        for trial in trials(left):
            assert len(list(calls(left, trial.key))) == trial.calls
    assert (out / "results.json").read_bytes() == (uninterrupted / "results.json").read_bytes()


def test_a_second_writer_is_refused_while_the_first_goes_on(uninterrupted: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(uninterrupted, out)
    with RunDirectory.open(out).journal(writer=True):
        second = subprocess.run(command(out), capture_output=True, check=False)
    assert second.returncode == 2
    assert b"another process" in second.stderr


def test_an_interrupt_ends_cleanly_and_the_run_goes_on_later(uninterrupted: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = start(out)
    while process.poll() is None and ended(out) < 1:
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130, err
    assert b"interrupted" in err
    assert b"Traceback" not in err
    assert not (out / "results.json").exists()
    subprocess.run(command(out), check=True, capture_output=True)
    assert (out / "results.json").read_bytes() == (uninterrupted / "results.json").read_bytes()
