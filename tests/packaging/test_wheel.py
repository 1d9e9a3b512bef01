"""The wheel carries what the checkout has: the code, and the content in `consistency/_bundled/`."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
SHIPPED = ("consistency", "prompts", "probes", "reports")


def listed(*options: str) -> set[str]:
    """What git lists of the shipped folders, without what is no longer there."""
    done = subprocess.run(
        ["git", "ls-files", "-z", *options, "--", *SHIPPED], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return {path for path in done.stdout.split("\0") if path and (ROOT / path).is_file()}


def place(path: str) -> str:
    """Where the wheel has a file of the checkout."""
    return path if path.startswith("consistency/") else f"consistency/_bundled/{path}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_checkout_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {place(path) for path in listed("--cached", "--others", "--exclude-standard")}
    assert sorted(held - expected) == []
    assert sorted(expected - held) == []


@pytest.mark.parametrize("folder", SHIPPED)
def test_every_folder_is_in_the_wheel(wheel: Path, folder: str) -> None:
    with ZipFile(wheel) as archive:
        held = archive.namelist()
    assert any(name.startswith(place(f"{folder}/")) for name in held)


def test_git_ignores_no_content() -> None:
    ignored = listed("--others", "--ignored", "--exclude-standard")
    assert sorted(path for path in ignored if "__pycache__" not in path) == []


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        about = {name.partition(".dist-info/")[2]: name for name in archive.namelist() if ".dist-info/" in name}
        entry_points = archive.read(about["entry_points.txt"]).decode()
        licence = archive.read(about["licenses/LICENSE"]).decode()
    assert "consistency = consistency.cli:main" in entry_points
    assert licence == (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in licence
