"""Reading cue files: the wordings of a cue, by arm and slot."""

from pathlib import PurePosixPath

from pydantic import Field, ValidationError

from consistency import frontmatter
from consistency.errors import ContentError, Problem
from consistency.frontmatter import Document
from consistency.records.base import ARMS, Record
from consistency.records.scenario import CUE_SLOTS, Cue, CueFamily, Source, Strength, Wording
from consistency.study import problems


class _WordingHead(Record):
    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    strength: Strength = "explicit"
    device: str = "explicit statement"
    dose: float | None = Field(default=None, ge=0, le=1)
    evaluation: dict[str, str]
    deployment: dict[str, str]
    neutral: dict[str, str]


class _CueHead(Record):
    title: str = Field(min_length=1)
    family: CueFamily
    wordings: tuple[_WordingHead, ...] = Field(min_length=1)


def read_cue(source: Source) -> tuple[str, Cue]:
    """A cue by its id. Raises ContentError for unknown slots, unmatched slots, empty texts and doubled ids."""
    document = frontmatter.parse(source.shown("prompts"), source.text)
    try:
        head = _CueHead.model_validate(document.data)
    except ValidationError as error:
        raise ContentError(problems(document, error)) from error
    faults = [fault for index, wording in enumerate(head.wordings) for fault in _faults(document, index, wording)]
    ids = [wording.id for wording in head.wordings]
    faults += [
        document.problem(f"wording {name!r} stands there twice", "wordings", index)
        for index, name in enumerate(ids)
        if name in ids[:index]
    ]
    if faults:
        raise ContentError(faults)
    name = PurePosixPath(source.path).stem
    wordings = tuple(
        Wording(
            id=wording.id,
            line=document.line("wordings", index),
            strength=wording.strength,
            device=wording.device,
            dose=wording.dose,
            texts={arm: getattr(wording, arm) for arm in ARMS},
        )
        for index, wording in enumerate(head.wordings)
    )
    return name, Cue(id=name, family=head.family, title=head.title, path=document.path, wordings=wordings)


def _faults(document: Document, index: int, wording: _WordingHead) -> list[Problem]:
    faults = []
    slots = {arm: getattr(wording, arm) for arm in ARMS}
    for arm, texts in slots.items():
        place = ("wordings", index, arm)
        for slot, text in texts.items():
            if slot not in CUE_SLOTS:
                message = f"wording {wording.id!r}: unknown slot {slot!r}; one of {', '.join(CUE_SLOTS)}"
                faults.append(document.problem(message, *place, slot))
            if not text.strip():
                faults.append(document.problem(f"wording {wording.id!r}: {arm}.{slot} is empty", *place, slot))
        if texts.keys() != slots["evaluation"].keys():
            found, wanted = ", ".join(texts) or "none", ", ".join(slots["evaluation"]) or "none"
            message = f"wording {wording.id!r}: {arm} fills the slots {found}; evaluation fills {wanted}"
            faults.append(document.problem(message, *place))
    if not slots["evaluation"]:
        faults.append(document.problem(f"wording {wording.id!r} fills no slot", "wordings", index))
    return faults
