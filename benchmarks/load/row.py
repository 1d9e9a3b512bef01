"""One row of the table, measured in a process of its own: `python -m load.row JOB` prints a JSON object.

Imports, a small warm-up and the making of the openings are not counted.
"""

import cProfile
import gc
import importlib
import json
import pstats
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from consistency import plugins
from consistency.models import backends
from load.job import Job
from load.lanes import Lane
from load.servers import stats

WARM_UP = 32
SHOWN = 45


@dataclass(frozen=True)
class Row:
    """`plan` and `run` are CPU ms per trial, `wall` the seconds of the run, `peak` MB, `kept` KB per trial."""

    trials: int
    plan: float
    run: float
    wall: float
    ideal: float
    peak: float
    kept: float
    requests: float
    server: float


def cpu() -> float:
    """Processor seconds of this process, all its threads, and its workers that have ended, in user and system mode."""
    parts = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(used.ru_utime + used.ru_stime for used in parts)


def measured(work: Callable[[], None]) -> tuple[float, float]:
    """Processor and wall seconds of one call."""
    used, begin = cpu(), time.perf_counter()
    work()
    return cpu() - used, time.perf_counter() - begin


def prepared(job: Job, folder: Path) -> Lane:
    """The lane of a job, in a folder of its own."""
    folder.mkdir()
    lane: Lane = importlib.import_module(f"load.lanes.{job.lane}").prepare(job, folder)
    return lane


def row(job: Job) -> Row:
    """Runs a job. Raises RuntimeError where trials did not end well."""
    with tempfile.TemporaryDirectory() as name:
        small = prepared(replace(job, trials=WARM_UP, concurrency=WARM_UP), Path(name) / "small")
        small.plan()
        small.run()
        lane = prepared(job, Path(name) / "whole")
        gc.collect()
        planning, _ = measured(lane.plan)
        before = stats(job.base)
        running, wall = measured(profiled(lane.run, job) if job.profile else lane.run)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        after = stats(job.base)
        if (ended := lane.completed()) < job.trials:
            raise RuntimeError(f"only {ended} of {job.trials} trials ended well")
        kept = size(lane.kept) if lane.kept else 0
    asked = after["requests"] - before["requests"]
    return Row(
        trials=ended,
        plan=1000 * planning / ended,
        run=1000 * running / ended,
        wall=wall,
        ideal=replace(job, trials=ended).ideal,
        peak=peak,
        kept=kept / 1024 / ended,
        requests=asked / ended,
        server=1000 * (after["cpu_seconds"] - before["cpu_seconds"]) / asked if asked else 0.0,
    )


def size(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def profiled(run: Callable[[], None], job: Job) -> Callable[[], None]:
    """The same call, with a table on stderr of where its time went, in us per trial; this package's own first."""

    def work() -> None:
        profile = cProfile.Profile(time.thread_time)  # others on the machine do not count
        profile.runcall(run)
        entries = pstats.Stats(profile).stats  # type: ignore[attr-defined]
        listed = sorted(entries.items(), key=lambda entry: -entry[1][3])
        print(f"{'cumulative':>11}{'own':>9}{'calls':>8}  us per trial", file=sys.stderr)
        for ours in (True, False):
            chosen = [entry for entry in listed if ("/consistency/" in entry[0][0]) == ours][:SHOWN]
            for (path, line, name), (_, calls, own, total, _) in chosen:
                place = f"{path.rpartition('/consistency/')[2] if ours else Path(path).name}:{line}"
                figures = f"{1e6 * total / job.trials:11.1f}{1e6 * own / job.trials:9.1f}{calls / job.trials:8.2f}"
                print(f"{figures}  {place} {name}", file=sys.stderr)
            print(file=sys.stderr)

    return work


def main() -> None:
    """Prints the row, or that the lane is not built."""
    job = Job(**json.loads(sys.argv[1]))
    backend = job.model.partition("/")[0]
    if backend == "openai_compatible" and backend not in plugins.names(backends.PACKAGE):
        print(json.dumps({"missing": "not built"}))
        return
    print(json.dumps(asdict(row(job))))


if __name__ == "__main__":
    main()
