"""Processes that a benchmark starts: the server, and rows measured in processes of their own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).parents[1]
ROOT = BENCHMARKS.parent


def environment() -> dict[str, str]:
    """This process's environment with the checkout's own code first, a key that opens nothing, and no proxy."""
    paths = [str(BENCHMARKS), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    local = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "OPENAI_API_KEY": "none"}
    return {**os.environ, **local, "PYTHONPATH": os.pathsep.join(paths)}


@contextmanager
def serving(latency: float, tool_turns: int = 0) -> Iterator[str]:
    """The server in its own process; gives its address with `/v1`. `latency` is in milliseconds."""
    command = [sys.executable, str(BENCHMARKS / "fixed_latency_server.py")]
    command += ["--latency", str(latency), "--tool-turns", str(tool_turns)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.terminate()
        process.wait()


def measured(job: str) -> dict[str, Any]:
    """The row of a job, measured in a fresh process; `missing` says why there is none."""
    command = [sys.executable, "-m", "load.row", job]
    done = subprocess.run(command, env=environment(), stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        return {"missing": f"failed (exit {done.returncode}, see above)"}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
