"""Inspect AI, in a virtual environment of its own."""

import json
import shutil
import sys
from pathlib import Path

from load.peers import Json, Peer, carry_out

TASK = Path(__file__).with_name("inspect_task.py")


def install(folder: Path) -> Path:
    """Installs it, or finds it installed."""
    program = folder / "bin" / "inspect"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        carry_out([sys.executable, "-m", "venv", str(folder)], folder)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        carry_out([*pip, "inspect-ai", "openai"], folder)
    return program


def prepare(program: Path, work: Path, openings: list[list[Json]]) -> list[str]:
    """One sample for each opening. Chat completions are asked for: Inspect's own choice is another protocol."""
    shutil.copy(TASK, work / "task.py")
    (work / "openings.json").write_text(json.dumps(openings), encoding="utf-8")
    limits = ["--max-connections", "{at_once}", "--max-samples", "{at_once}"]
    model = ["--model", "openai/m", "-M", "responses_api=false", "-T", f"path={work / 'openings.json'}"]
    return [str(program), "eval", "task.py", *model, *limits, "--display", "none", "--log-dir", "logs"]


PEER = Peer(
    name="Inspect AI",
    stores="samples, events and calls, in a compressed log",
    kept="logs",
    install=install,
    prepare=prepare,
    environment={},
)
