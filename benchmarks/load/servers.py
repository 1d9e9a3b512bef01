"""Processes that a benchmark starts: the server, and what is measured, each in a process of its own."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from load.job import Job

BENCHMARKS = Path(__file__).parents[1]
ROOT = BENCHMARKS.parent
#: Seconds.
_BETWEEN_LOOKS = 0.2


@dataclass(frozen=True)
class Used:
    """What a program took: processor and wall seconds, the most memory in MB, and how it ended."""

    cpu: float
    wall: float
    peak: float
    status: int


def environment() -> dict[str, str]:
    """This process's environment with the checkout's own code first, a key that opens nothing, and no proxy."""
    paths = [str(BENCHMARKS), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    local = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "OPENAI_API_KEY": "none"}
    return {**os.environ, **local, "PYTHONPATH": os.pathsep.join(paths)}


@contextmanager
def serving(latency: float, *options: str, tool_turns: int = 0) -> Iterator[str]:
    """The server in its own process, with these `options`; gives its address with `/v1`. `latency` in milliseconds."""
    command = [sys.executable, str(BENCHMARKS / "fixed_latency_server.py")]
    command += ["--latency", str(latency), "--tool-turns", str(tool_turns), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.terminate()
        process.wait()


def stats(base: str) -> dict[str, float]:
    """What the server at an address has counted."""
    with urllib.request.urlopen(base.removesuffix("v1") + "stats") as response:
        counted: dict[str, float] = json.load(response)
        return counted


def measured(job: Job) -> dict[str, Any]:
    """The row of a job, measured in a fresh process; `missing` says why there is none."""
    done = _python("load.row", job)
    if done.returncode:
        return {"missing": f"failed (exit {done.returncode}, see above)"}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def openings(job: Job) -> list[Any]:
    """The messages that the trials of a job begin with, made in another process: this one stays small."""
    done = _python("load.openings", job)
    done.check_returncode()
    listed: list[Any] = json.loads(done.stdout)
    return listed


def _python(module: str, job: Job) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, job.text()]
    return subprocess.run(command, env=environment(), stdout=subprocess.PIPE, text=True, check=False)


def used(
    command: list[str], folder: Path, said: Path, told: dict[str, str], until: Callable[[], bool] | None = None
) -> Used:
    """Runs a program in a folder, in the environment `told`, and tells what it and those that it started took; what it
    says goes to a file. `until` says when to kill it.
    """
    begin = time.perf_counter()
    with said.open("w") as output:
        process = subprocess.Popen(command, cwd=folder, env=told, stdout=output, stderr=subprocess.STDOUT)
        while until is not None and os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            if until():
                process.kill()
                break
            time.sleep(_BETWEEN_LOOKS)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - begin
    return Used(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, process.returncode)
