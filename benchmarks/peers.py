"""This package beside other tools that evaluate models: an equal single-turn evaluation, on the same server.

Installs Inspect AI and promptfoo into a cache folder, each apart, by the registries that pip and npm are set up with.
Each tool runs twice, with one filling of all its connections and with more trials; the difference is what the further
trials took, without start and end. All rows run in the same minutes: read the ratios.
"""

import argparse
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from load.job import Job
from load.peers import NotInstalled, Peer, inspect_eval, promptfoo
from load.servers import Used, environment, measured, openings, serving, stats, used

PEERS = (inspect_eval.PEER, promptfoo.PEER)
OURS = {"ours, litellm lane": "openai/m", "ours, direct lane": "openai_compatible/m"}
STORES = "plan, every call, transcript and end state, in a hash chain"
HEAD = (
    f"{'':20}{'trials':>7}{'CPU ms':>9}{'x litellm lane':>16}{'x direct lane':>15}"
    f"{'wall s':>8}{'x ideal':>9}{'trials/s':>10}{'peak MB':>9}{'kept KB':>9}  stores"
)

Found = dict[str, Any]


def line(name: str, found: Found, ours: dict[str, Found]) -> str:
    """One row as text; ratios are of CPU per trial."""
    if "missing" in found:
        return f"{name:20}{found['missing']}"
    ratios = [
        f"{found['cpu'] / ours[lane]['cpu']:{width}.2f}" if lane in ours else f"{'':{width}}"
        for lane, width in zip(OURS, (16, 15), strict=True)
    ]
    return (
        f"{name:20}{found['trials']:7}{found['cpu']:9.2f}{''.join(ratios)}{found['wall']:8.1f}"
        f"{found['wall'] / found['ideal']:9.2f}{found['trials'] / found['wall']:10.0f}"
        f"{found['peak']:9.0f}{found['kept']:9.1f}  {found['stores']}"
    )


def own(job: Job) -> Found:
    """The row of one of our lanes."""
    found = measured(job)
    return found if "missing" in found else {**found, "cpu": found["plan"] + found["run"], "stores": STORES}


def other(peer: Peer, job: Job, cache: Path) -> Found:
    """The row of another tool."""
    try:
        program = peer.install(cache / peer.folder)
    except NotInstalled as reason:
        return {"missing": f"not installed: {reason}"}
    listed = openings(replace(job, trials=job.concurrency + job.trials))
    try:
        small, _ = evaluate(peer, program, job, listed[: job.concurrency])
        large, kept = evaluate(peer, program, job, listed[: job.concurrency + job.trials])
    except RuntimeError as reason:
        return {"missing": str(reason)}
    return {
        "trials": job.trials,
        "cpu": 1000 * (large.cpu - small.cpu) / job.trials,
        "wall": large.wall - small.wall,
        "ideal": job.ideal,
        "peak": large.peak,
        "kept": kept / 1024 / (job.concurrency + job.trials),
        "stores": peer.stores,
    }


def evaluate(peer: Peer, program: Path, job: Job, listed: list[Any]) -> tuple[Used, int]:
    """Runs one evaluation; what it took, and the bytes that it keeps. Raises RuntimeError if it did not ask all."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name) / "work"
        work.mkdir()
        command = [word.replace("{at_once}", str(job.concurrency)) for word in peer.prepare(program, work, listed)]
        told = {**environment(), **peer.environment, "OPENAI_BASE_URL": job.base}
        told.pop("PYTHONPATH")  # what is installed for it is its own
        before = stats(job.base)["requests"]
        took = used(command, work, Path(name) / "said", told)
        asked = stats(job.base)["requests"] - before
        if took.status or asked != len(listed):
            print((Path(name) / "said").read_text(encoding="utf-8")[-2000:])
            raise RuntimeError(f"exit {took.status} after {asked:g} of {len(listed)} requests")
        kept = sum(path.stat().st_size for path in (work / peer.kept).rglob("*") if path.is_file())
        return took, kept


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=768)
    parser.add_argument("--concurrency", type=int, default=256)
    parser.add_argument("--latency", type=float, default=200.0, help="milliseconds")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser.add_argument("--cache", type=Path, default=home / "consistency-bench", help="where the tools are installed")
    parser.add_argument("--anew", action="store_true", help="install them anew")
    options = parser.parse_args()
    for peer in PEERS if options.anew else ():
        shutil.rmtree(options.cache / peer.folder, ignore_errors=True)
    print(f"single-turn trials, {options.concurrency} at once, {options.latency:g} ms\n{HEAD}")
    ours: dict[str, Found] = {}
    with serving(options.latency) as base:
        for name, model in OURS.items():
            found = own(Job("ours", model, options.trials, options.concurrency, options.latency, 1, base))
            if "missing" not in found:
                ours[name] = found
            print(line(name, found, ours), flush=True)
        job = Job("peer", "m", options.trials, options.concurrency, options.latency, 1, base)
        for peer in PEERS:
            print(line(peer.name, other(peer, job, options.cache), ours), flush=True)


if __name__ == "__main__":
    main()
