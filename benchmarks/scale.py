"""A run as large as they come, by the commands that a person gives: how long each takes, and its most memory.

Simulated models answer trials of one turn. Each command is a fresh process, imports included. The first `run` is killed
when half of its trials have ended; the second goes on from there to `results.json` and the report, in one process, and
what follows it is done once more by itself. `verify` makes judgments and results again. Goals: 600 MB for every step,
and a second for the status of a run of 200,000 trials.
"""

import argparse
import math
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from load.openings import ARMS, CELLS, CONTENT, MOST_VARIANTS
from load.servers import Used, environment, used

from consistency.errors import StoreError
from consistency.store.directory import RunDirectory

MOST_MB, MOST_SECONDS = 600, 1.0
KINDS = ("steady", "faker", "reverse", "noisy")
STUDY = """
title = "A run as large as they come"
scenarios = ["load/one_turn"]
cues = ["reader"]
seed = 5
variants = {variants}
repeats = {repeats}
models = [{models}]

[analysis]
primary = ["claimed_agreement"]
margin = 0.25
"""


def study(trials: int, models: int) -> tuple[str, int]:
    """The text of a study of about so many trials, and how many it has."""
    pairs_of_cell = math.ceil(trials / models / ARMS / CELLS)
    repeats = math.ceil(pairs_of_cell / MOST_VARIANTS)
    variants = math.ceil(pairs_of_cell / repeats)
    names = ", ".join(f'{{ name = "organism/{kind}" }}' for kind in KINDS[:models])
    text = STUDY.format(variants=variants, repeats=repeats, models=names)
    return text, variants * repeats * CELLS * ARMS * models


def step(name: str, *arguments: str, folder: Path, until: Callable[[], bool] | None = None) -> Used:
    """Does one command and prints what it took. `until` says when to kill it. Raises RuntimeError where it ends
    otherwise than it should.
    """
    said = folder / "said"
    took = used([sys.executable, "-m", "consistency", *arguments], folder, said, environment(), until)
    if took.status != (-signal.SIGKILL if until else 0):
        raise RuntimeError(f"{name}: exit {took.status}\n{said.read_text()}")
    over = "  too much" if took.peak > MOST_MB else ""
    print(f"{name:34}{took.cpu:10.1f}{took.wall:10.1f}{took.peak:10.0f}{over}", flush=True)
    return took


def ended(run: Path) -> int:
    """How many trials of a run have ended; none where it has no journal yet."""
    try:
        with RunDirectory.glance(run) as journal:
            return journal.count("trial")
    except StoreError:
        return 0


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200_000)
    parser.add_argument("--models", type=int, choices=range(1, 1 + len(KINDS)), default=len(KINDS))
    options = parser.parse_args()
    text, trials = study(options.trials, options.models)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "study.toml").write_text(text)
        content = ("--prompts", str(CONTENT / "prompts"), "--probes", str(CONTENT / "probes"))
        run = ("run", "study.toml", *content, "--out", "run", "--quiet")
        print(f"{trials:,} trials of {options.models} models\n{'command':34}{'CPU s':>10}{'wall s':>10}{'peak MB':>10}")
        step("plan", "plan", "study.toml", *content, folder=folder)
        step("run, killed half-way", *run, folder=folder, until=lambda: ended(folder / "run") >= trials // 2)
        print(f"{'':34}{ended(folder / 'run'):10,} trials had ended")
        step("run, from there to the report", *run, folder=folder)
        for command in ("score", "analyze", "report", "verify"):
            step(command, command, "run", folder=folder)
        status = step("status", "status", "run", folder=folder)
        size = sum(path.stat().st_size for path in (folder / "run").iterdir())
        over = ", too long" if status.wall > MOST_SECONDS else ""
        print(f"status in {status.wall:.2f} s{over}; {size / trials / 1024:.1f} KB kept per trial")


if __name__ == "__main__":
    main()
