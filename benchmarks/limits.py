"""What limits cost, and whether caps hold: the whole path, from the plan to the journal, over HTTP on the direct lane.

*Turned away.* A server answers so many requests a second and turns the rest away (429), some 40% of what is asked at
first; `of limit` is the share of what it would have answered over the whole run. Another turns 40% of all requests away
by chance, however few are made: its limit is taken as 60% of what all places would be answered if it turned none away,
which can be exceeded, for a request that is turned away takes no time.

*Caps.* A run is stopped by a cap and finished without it. It may be `over` by the calls in flight, one for each place.
"""

import argparse
import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from load.job import Job
from load.openings import ARMS, study
from load.servers import serving, stats

from consistency import pipeline
from consistency.errors import Stopped
from consistency.execution.hub import Crew
from consistency.models.budget import Caps
from consistency.pipeline import RunOptions
from consistency.store import trials as stored
from consistency.store.directory import RunDirectory
from consistency.study import Price

MODEL = "openai_compatible/m"
TURNED_AWAY = 0.4
GOAL = 0.85
#: US dollars for a million tokens; with the server's usage a call costs 0.12 cents.
PRICE = Price(read=5.0, written=20.0)
CALL = 0.0012
TURNS = 3


@contextmanager
def planned(trials: int, concurrency: int, latency: float, turns: int, base: str) -> Iterator[RunDirectory]:
    """A run that has not begun, in a folder that goes away."""
    sized, library = study(Job("ours", MODEL, trials, concurrency, latency, turns, base))
    models = tuple(model.model_copy(update={"price": PRICE}) for model in sized.models)
    with tempfile.TemporaryDirectory() as folder:
        yield RunDirectory.create(
            Path(folder) / "run", pipeline.plan(sized.model_copy(update={"models": models}), library)
        )


def outcomes(directory: RunDirectory) -> Counter[str]:
    """How many trials ended in which way."""
    with directory.journal() as journal:
        return Counter(ending.outcome for ending in stored.endings(journal))


def storm(concurrency: int, options: argparse.Namespace, *, by_chance: bool, retry_after: float | None) -> str:
    """One run against a server that turns calls away, as a row."""
    full = concurrency / options.latency * 1000
    limit = (1 - TURNED_AWAY) * full
    refusing = ["--turn-away", str(TURNED_AWAY)] if by_chance else ["--limit", str(limit)]
    waiting = [] if retry_after is None else ["--retry-after", str(retry_after)]
    with (
        serving(options.latency, *refusing, *waiting) as base,
        planned(int(limit * options.seconds), concurrency, options.latency, 1, base) as directory,
    ):
        begin = time.perf_counter()
        asyncio.run(pipeline.run(directory, pipeline.QUIET))
        wall = time.perf_counter() - begin
        ended, counted = outcomes(directory), stats(base)
    trials = ended.total()
    share = trials / wall / limit
    name = f"{'by chance' if by_chance else 'by rate'}, Retry-After {'none' if retry_after is None else retry_after}"
    return (
        f"{name:30}{concurrency:7}{limit:9.0f}{trials:8}{wall:8.1f}"
        f"{counted['limited'] / (counted['limited'] + counted['requests']):9.0%}{trials / wall:10.1f}{share:10.0%}"
        f"{trials - ended['completed']:8}  {'kept' if share >= GOAL and trials == ended['completed'] else 'MISSED'}"
    )


def capped(caps: Caps, workers: int, options: argparse.Namespace) -> str:
    """One run that a cap stops and that is finished without it, as a row."""
    crew = {"executor": "processes", "crew": Crew(workers=workers)} if workers > 1 else {}
    with (
        serving(options.cap_latency, tool_turns=TURNS - 1) as base,
        planned(options.trials, options.places, options.cap_latency, TURNS, base) as directory,
    ):
        words = "not stopped"
        try:
            asyncio.run(pipeline.run(directory, RunOptions(caps=caps, manner="quiet", **crew)))
        except Stopped as stopped:
            words = f"stopped at {stopped}"
        calls, cost = spent(directory)
        asyncio.run(pipeline.run(directory, RunOptions(manner="quiet", **crew)))
        whole = outcomes(directory) == {"completed": len(directory.plan.pairs) * ARMS} and (
            spent(directory)[0] == stats(base)["requests"] == TURNS * len(directory.plan.pairs) * ARMS
        )
    if caps.calls is None:
        assert caps.cost is not None
        figures = f"{caps.cost:10.4f}{cost:10.4f}{cost - caps.cost:10.4f}{options.places * CALL:10.4f}"
        kept = 0 <= cost - caps.cost <= options.places * CALL
    else:
        figures = f"{caps.calls:10}{calls:10}{calls - caps.calls:10}{options.places:10}"
        kept = 0 <= calls - caps.calls <= options.places
    name = f"{'dollars' if caps.calls is None else 'calls'}, {workers} worker{'s' if workers > 1 else ''}"
    return f"{name:20}{figures}  {'kept' if kept else 'MISSED'}; {words}; {'then whole' if whole else 'THEN NOT WHOLE'}"


def spent(directory: RunDirectory) -> tuple[int, float]:
    """Calls, and their cost."""
    with directory.journal() as journal:
        found = stored.spent(journal)[MODEL]
    return found[0], found[1]


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--latency", type=float, default=500.0, help="milliseconds, of servers that turn away")
    parser.add_argument("--seconds", type=float, default=25.0, help="that a run takes at the server's limit")
    parser.add_argument("--retry-after", type=float, nargs="*", default=[1.0], help="beside none at all")
    parser.add_argument("--places", type=int, default=64, help="calls at once of the runs with caps")
    parser.add_argument("--trials", type=int, default=600, help="of the runs with caps")
    parser.add_argument("--cap-latency", type=float, default=50.0, help="milliseconds, of their server")
    parser.add_argument("--only", choices=("storms", "caps"))
    options = parser.parse_args()
    if options.only != "caps":
        print(f"\n{options.latency:g} ms; goal: {GOAL:.0%} of the limit, and no trial fails")
        print(
            f"{'turned away':30}{'at once':>7}{'limit/s':>9}{'trials':>8}{'wall s':>8}{'429':>9}{'trials/s':>10}"
            f"{'of limit':>10}{'failed':>8}"
        )
        for concurrency in options.concurrency:
            for by_chance in (False, True):
                for wait in (None, *options.retry_after):
                    print(storm(concurrency, options, by_chance=by_chance, retry_after=wait), flush=True)
    if options.only != "storms":
        print(f"\ntool episodes of {TURNS} calls, {options.places} at once, {options.cap_latency:g} ms")
        print(f"{'cap':20}{'cap':>10}{'spent':>10}{'over by':>10}{'allowed':>10}")
        calls = options.trials * TURNS // 2
        for workers in (1, 2):
            print(capped(Caps(cost=calls * CALL), workers, options), flush=True)
            print(capped(Caps(calls=calls), workers, options), flush=True)


if __name__ == "__main__":
    main()
