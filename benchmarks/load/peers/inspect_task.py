"""The openings as a task of Inspect AI; loaded by Inspect in its own environment, not by this package."""

import json
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageSystem, ChatMessageUser
from inspect_ai.scorer import includes
from inspect_ai.solver import generate

KINDS = {"system": ChatMessageSystem, "user": ChatMessageUser}


@task
def openings(path: str) -> Task:
    """One sample for each opening, scored by whether a word is in the answer."""
    listed = json.loads(Path(path).read_text(encoding="utf-8"))
    samples = [
        Sample(input=[KINDS[said["role"]](content=said["content"]) for said in messages], target="agree")
        for messages in listed
    ]
    return Task(dataset=MemoryDataset(samples), solver=generate(), scorer=includes())
