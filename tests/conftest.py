"""What many tests share: small content of their own, and simulated models that act in it."""

from pathlib import Path

import pytest
from hypothesis import settings

from consistency import study
from consistency.scenarios.library import Library

settings.register_profile("suite", deadline=None)  # a busy machine is not a failure
settings.load_profile("suite")

CONTENT = Path(__file__).parent / "content"


@pytest.fixture(scope="session")
def library() -> Library:
    """A small library: one scenario of three cells, one cue, one pool, two probes."""
    return Library.from_folders([CONTENT / "prompts"], [CONTENT / "probes"], shipped=False)


@pytest.fixture(scope="session")
def tiny() -> study.Study:
    """A small study on the small library."""
    return study.read("tiny", (CONTENT / "prompts",))[0]
