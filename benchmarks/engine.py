"""What a trial costs the client, from the plan to the journal, beside bare clients that send the same bodies.

A server in a process of its own answers after a fixed latency. Each row is a fresh process, and all rows of a table run
in the same minutes: read the ratios. CPU is the processor time of the client, all its threads, and of it what planning
took; `x ideal` is the wall time of the run over that of a client that costs nothing; peak the most memory that the
process had, imports and plan included; kept what is on disk afterwards. The bare clients keep nothing.
"""

import argparse
from typing import Any

from load.job import Job
from load.servers import measured, serving

#: What a row is called; its lane; its model; and whether litellm is in it, which needs fewer trials to be measured.
ENTRIES = (
    ("aiohttp, bare", "bare_aiohttp", "m", False),
    ("litellm, bare", "bare_litellm", "m", True),
    ("ours, litellm lane", "ours", "openai/m", True),
    ("ours, direct lane", "ours", "openai_compatible/m", False),
    ("ours, scripted (no network)", "ours", "scripted", False),
)
REFERENCES = ("aiohttp, bare", "litellm, bare")
HEAD = (
    f"{'':28}{'trials':>7}{'CPU ms':>9}{'plan ms':>9}{'x aiohttp':>11}{'x litellm':>11}"
    f"{'wall s':>8}{'x ideal':>9}{'trials/s':>10}{'peak MB':>9}{'kept KB':>9}"
)

Found = dict[str, Any]


def line(name: str, found: Found, references: dict[str, Found]) -> str:
    """One row as text; ratios are of CPU per trial."""
    if "missing" in found:
        return f"{name:28}{found['missing']}"
    ratios = [
        f"{cost(found) / cost(references[reference]):11.2f}" if reference in references else f"{'':11}"
        for reference in REFERENCES
    ]
    wall, ideal = f"{found['wall']:8.1f}", f"{found['wall'] / found['ideal']:9.2f}"
    if not found["requests"]:
        ideal = f"{'':9}"
    return (
        f"{name:28}{found['trials']:7}{cost(found):9.3f}{found['plan']:9.3f}{''.join(ratios)}{wall}{ideal}"
        f"{found['trials'] / found['wall']:10.0f}{found['peak']:9.0f}{found['kept']:9.1f}"
    )


def cost(found: Found) -> float:
    """CPU ms per trial, planning included."""
    return float(found["plan"] + found["run"])


def table(options: argparse.Namespace, latency: float, turns: int) -> None:
    """Runs and prints one table."""
    kind = "single-turn trials" if turns == 1 else f"tool episodes of {turns} turns"
    print(f"\n{kind}, {options.concurrency} at once, {latency:g} ms\n{HEAD}")
    references: dict[str, Found] = {}
    costs = []
    with serving(latency, tool_turns=turns - 1) as base:
        for name, lane, model, slow in ENTRIES:
            if options.only and options.only not in name:
                continue
            trials = (options.litellm_trials if slow else options.trials) // (1 if turns == 1 else 2)
            job = Job(lane, model, trials, options.concurrency, latency, turns, base, options.profile)
            found = measured(job)
            if name in REFERENCES and "missing" not in found:
                references[name] = found
            costs += [found["server"]] if found.get("requests") else []
            print(line(name, found, references), flush=True)
    if costs:
        print(f"the server used {min(costs):.3f} to {max(costs):.3f} CPU ms a request")


def memory(options: argparse.Namespace, latency: float) -> None:
    """Prints the peak of our lanes at two numbers of trials."""
    print(f"\npeak memory, single-turn trials, {options.concurrency} at once, {latency:g} ms")
    with serving(latency) as base:
        for name, lane, model, slow in ENTRIES:
            if lane != "ours" or (options.only and options.only not in name):
                continue
            few = (options.litellm_trials if slow else options.trials) // 4
            jobs = [Job(lane, model, few * times, options.concurrency, latency, 1, base) for times in (1, 4)]
            small, large = (measured(job) for job in jobs)
            if missing := small.get("missing") or large.get("missing"):
                print(f"{name:28}{missing}")
                continue
            more = 1000 * (large["peak"] - small["peak"]) / (large["trials"] - small["trials"])
            print(
                f"{name:28}{small['trials']:>7,} trials {small['peak']:5.0f} MB, {large['trials']:>7,} trials "
                f"{large['peak']:5.0f} MB: {more:.1f} MB per 1,000 trials, x {large['peak'] / small['peak']:.2f}",
                flush=True,
            )


def spread(options: argparse.Namespace, latency: float) -> None:
    """Prints what a second worker brings to the lane that keeps one processor busy; its start counts."""
    trials = 4 * options.litellm_trials
    print(f"\nworkers on the litellm lane, {trials:,} trials, {options.concurrency} at once, {latency:g} ms")
    with serving(latency) as base:
        jobs = [
            Job("ours", "openai/m", trials, options.concurrency, latency, 1, base, workers=workers)
            for workers in (1, 2)
        ]
        found = [measured(job) for job in jobs]
    if missing := found[0].get("missing") or found[1].get("missing"):
        print(missing)
        return
    for job, row in zip(jobs, found, strict=True):
        faster = found[0]["wall"] / row["wall"]
        speed = f"{row['trials'] / row['wall']:8.0f} trials/s{row['wall']:8.1f} s"
        print(f"{job.workers} at work{speed}{cost(row):8.2f} CPU ms a trial, x {faster:.2f}")


def main() -> None:
    """Prints all tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=4096, help="of rows without litellm; episodes are half as many")
    parser.add_argument("--litellm-trials", type=int, default=1024, help="of rows with litellm")
    parser.add_argument("--concurrency", type=int, default=256)
    parser.add_argument("--latency", type=float, nargs="+", default=[200.0, 50.0], help="milliseconds; a table each")
    parser.add_argument("--turns", type=int, nargs="+", choices=(1, 3), default=[1, 3])
    parser.add_argument("--only", help="rows whose name holds this")
    parser.add_argument("--profile", action="store_true", help="say on stderr where the time of each row goes; slower")
    options = parser.parse_args()
    for turns in options.turns:
        for latency in options.latency if turns == 1 else options.latency[:1]:
            table(options, latency, turns)
    if not options.profile:
        memory(options, options.latency[-1])
    if not options.profile and not options.only:
        spread(options, options.latency[-1])


if __name__ == "__main__":
    main()
