"""promptfoo, in a folder of its own."""

import json
from pathlib import Path

from load.peers import Json, Peer, carry_out

#: A conversation as promptfoo's own templates write it.
CHAT = '[{"role": "system", "content": {{ system | dump }}}, {"role": "user", "content": {{ user | dump }}}]'


def install(folder: Path) -> Path:
    """Installs it, or finds it installed."""
    program = folder / "node_modules" / ".bin" / "promptfoo"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}\n', encoding="utf-8")
        carry_out(["npm", "install", "--no-audit", "--no-fund", "promptfoo"], folder)
    return program


def prepare(program: Path, work: Path, openings: list[list[Json]]) -> list[str]:
    """One test for each opening, passed if a word is in the answer."""
    tests = [
        {
            "vars": {said["role"]: said["content"] for said in messages},
            "assert": [{"type": "contains", "value": "agree"}],
        }
        for messages in openings
    ]
    config = {"prompts": [CHAT], "providers": [{"id": "openai:chat:m"}], "tests": tests}
    (work / "config.json").write_text(json.dumps(config), encoding="utf-8")
    quiet = ["--no-cache", "--no-table", "--no-progress-bar", "--no-share"]
    return [str(program), "eval", "-c", "config.json", "-j", "{at_once}", *quiet]


PEER = Peer(
    name="promptfoo",
    stores="prompts, answers and scores, in SQLite",
    kept="home",
    install=install,
    prepare=prepare,
    environment={
        "PROMPTFOO_CONFIG_DIR": "home",
        "PROMPTFOO_DISABLE_TELEMETRY": "1",
        "PROMPTFOO_DISABLE_UPDATE": "1",
        "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
    },
)
