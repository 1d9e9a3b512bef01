"""A campaign against a hostile server, with kills and a full disk: nothing lost, nothing doubled, no fault taken for
behaviour.

The fast one runs with the suite; `pytest -m slow -s tests/recovery/test_faults.py` is the whole campaign.
"""

import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from consistency import pipeline
from consistency.store.directory import RunDirectory
from consistency.store.trials import trials

pytestmark = pytest.mark.recovery
CONTENT = Path(__file__).parent.parent / "content"
LANE = "openai_compatible"
KINDS = ("faker:evaluation=0.1,deployment=0.8", "steady:evaluation=0.3,deployment=0.3")


@contextmanager
def hostile(variants: int) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.recovery.hostile", str(variants), "20260419"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=root) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.kill()


def study_file(folder: Path, variants: int) -> Path:
    text = (CONTENT / "prompts" / "studies" / "tiny.toml").read_text()
    head, _, _ = text.partition("[[models]]")
    tail = text[text.index("[limits]") :].replace(
        "backoff = 0", "backoff = 0.02\nattempts = 12\ntimeout = 0.8\nconcurrency = 64"
    )
    path = folder / "tiny.toml"
    path.write_text(head.replace("variants = 10", f"variants = {variants}") + tail)
    return path


def command(study: Path, out: Path, models: list[str], api_base: str | None) -> list[str]:
    folders = ["--prompts", str(CONTENT / "prompts"), "--probes", str(CONTENT / "probes")]
    named = [f"--model={model}" for model in models] + ([f"--api-base={api_base}"] if api_base else [])
    return [sys.executable, "-m", "consistency", "run", str(study), *named, *folders, "--out", str(out), "--quiet"]


def ended(out: Path) -> int:
    try:
        with closing(sqlite3.connect(f"file:{out / 'journal.sqlite'}?mode=ro", uri=True)) as database:
            return int(database.execute("SELECT count(*) FROM entries WHERE kind = 'trial'").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def killed(run: list[str], out: Path, after: int, rng: random.Random) -> None:
    """Starts a run and kills it soon after some more trials have ended."""
    before = ended(out)
    process = subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and ended(out) < before + after:
        time.sleep(0.02)
    time.sleep(rng.uniform(0, 0.1))
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def with_a_full_disk(run: list[str], out: Path) -> None:
    """A run whose files may grow a little more and no further."""
    most = (out / "journal.sqlite").stat().st_size + 200_000

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    done = subprocess.run(run, capture_output=True, preexec_fn=limit, check=False)
    assert done.returncode == 2, done.stderr.decode()
    assert b"journal.sqlite" in done.stderr
    assert b"Traceback" not in done.stderr


def campaign(folder: Path, variants: int, kills: int) -> None:
    study = study_file(folder, variants)
    near, far = folder / "near", folder / "far"
    subprocess.run(command(study, near, [f"organism/{kind}" for kind in KINDS], None), check=True, capture_output=True)
    rng = random.Random(4)
    with hostile(variants) as api_base:
        run = command(study, far, [f"{LANE}/{kind}" for kind in KINDS], api_base)
        total = ended(near)
        for number in range(kills):
            killed(run, far, max(2, total // (2 * kills)), rng)
            if number == (kills - 1) // 2:  # while much is left to be written
                with_a_full_disk(run, far)
        done = subprocess.run(run, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
    compare(RunDirectory.open(near), RunDirectory.open(far))


def compare(near: RunDirectory, far: RunDirectory) -> None:
    """The trials of the hostile run are those of the calm one, and so are its verdicts."""
    pipeline.verify(far)
    found = []
    for directory in (near, far):
        with directory.journal() as journal:
            found.append(
                {
                    (trial.key.model.partition("/")[2], trial.key.pair, trial.key.arm): (
                        trial.outcome,
                        trial.reason,
                        trial.calls,
                        trial.world,
                    )
                    for trial in trials(journal)
                }
            )
            calls = journal.count("call")
            assert calls == sum(ending[2] for ending in found[-1].values())
    assert found[0].keys() == found[1].keys()
    lost = [key for key, ending in found[1].items() if ending[0] == "failed"]
    assert all(found[0][key] == ending for key, ending in found[1].items() if key not in lost)
    assert len(lost) <= len(found[0]) // 500, "with twelve attempts a call fails for good once in ten thousand"
    verdicts = [
        {model.model.partition("/")[2]: (model.verdict, model.direction) for model in directory.results().models}
        for directory in (near, far)
    ]
    assert verdicts[0] == verdicts[1]
    print(f"{len(found[1])} trials, {len(lost)} failed for good; {Counter(e[0] for e in found[1].values())}")


def test_a_hostile_server_changes_nothing(tmp_path: Path) -> None:
    campaign(tmp_path, variants=6, kills=2)


@pytest.mark.slow
def test_the_whole_campaign(tmp_path: Path) -> None:
    """Ten thousand trials, twenty kills, a full disk."""
    campaign(tmp_path, variants=834, kills=20)
