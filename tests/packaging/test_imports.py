"""What commands load: those that answer at once must not load the libraries that take seconds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "prompts" / "scenarios"
SLOW = {"dspy", "litellm", "scipy"}

PROGRAM = """
import json, sys
from consistency.cli import main

code = 0
try:
    main(sys.argv[1:])
except SystemExit as end:
    code = end.code
print()
print(json.dumps({"code": code, "loaded": sorted(name for name in sys.modules if "." not in name)}))
"""


def loaded_by(*arguments: str) -> set[str]:
    """The top-level modules that are loaded when a command has ended well."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=True, cwd=ROOT
    )
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["code"] == 0, done.stderr
    return set(result["loaded"])


def test_help_loads_the_command_line_and_nothing_else() -> None:
    loaded = loaded_by("--help")
    assert {"click", "consistency"} <= loaded
    assert loaded.isdisjoint(SLOW | {"aiohttp", "jinja2", "numpy", "pydantic"})


def test_check_loads_no_slow_library() -> None:
    loaded = loaded_by("check")
    assert "jinja2" in loaded
    assert loaded.isdisjoint(SLOW)


def test_render_loads_no_slow_library() -> None:
    scenario = min(SCENARIOS.rglob("*.jinja")).relative_to(SCENARIOS).with_suffix("").as_posix()
    loaded = loaded_by("render", scenario)
    assert "jinja2" in loaded
    assert loaded.isdisjoint(SLOW)


@pytest.mark.parametrize("command", ["plan", "verify"])
def test_asking_for_help_loads_no_model_library(command: str) -> None:
    assert loaded_by(command, "--help").isdisjoint({"dspy", "litellm"})
