"""What the package adds to a trial, as ratios against bare work done in the same process and minute.

Reference: the turn loop driven by a script, with no journal, no plan and no rules.
"""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from consistency import pipeline
from consistency.calibration.rehearsal import act
from consistency.cli.loading import load
from consistency.scenarios.pairs import PlanStage
from consistency.store.directory import RunDirectory
from consistency.study import ModelEntry


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def bare_commits(path: Path, count: int) -> None:
    """As many one-row commits as a run makes, and nothing else."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    database.execute("CREATE TABLE rows (body TEXT)")
    for _ in range(count):
        database.execute("INSERT INTO rows VALUES (?)", ("x" * 1000,))
    database.close()


def main() -> None:
    """Prints one table."""
    study, library = load("demo", (), ())
    study = study.model_copy(update={"models": (ModelEntry(name="organism/faker"),)})
    plan = pipeline.plan(study, library)
    stage = PlanStage(plan)
    trials = [(stage.rendering(pair, arm), stage.script(pair)) for pair in plan.pairs for arm in pair.renderings]
    reference = seconds(lambda: [act(rendering, script.faithful) for rendering, script in trials])
    with tempfile.TemporaryDirectory() as folder:
        directory = RunDirectory.create(Path(folder) / "run", plan)
        rows = [
            ("turn loop with tools, bare", reference),
            ("plan: render and digest all arms", seconds(lambda: pipeline.plan(study, library))),
            ("run: order, organism, journal", seconds(lambda: asyncio.run(pipeline.run(directory, pipeline.QUIET)))),
            ("score", seconds(lambda: pipeline.score(directory))),
            ("analyze", seconds(lambda: pipeline.analyze(directory))),
            ("report", seconds(lambda: pipeline.report(directory))),
        ]
        with directory.journal() as journal:
            commits = journal.count("call") + journal.count("trial")
        rows.append((f"{commits} bare commits", seconds(lambda: bare_commits(Path(folder) / "bare.sqlite", commits))))
    print(f"{len(trials)} trials, one simulated model")
    print(f"{'step':36}{'ms per trial':>14}{'ratio':>8}")
    for name, took in rows:
        print(f"{name:36}{1000 * took / len(trials):14.3f}{took / reference:8.2f}")


if __name__ == "__main__":
    main()
