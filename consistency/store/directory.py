"""A run directory: `plan.json`, `journal.sqlite`, `results.json` and the reports beside them."""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import ValidationError

from consistency.errors import StoreError
from consistency.records.base import Json
from consistency.records.calibration import Certificate
from consistency.records.effect import Results
from consistency.records.plan import Pair, Plan
from consistency.store.journal import Journal

#: How files begin that are being written; a kill can leave one behind.
_DRAFT = ".draft-"


def _journal(path: Path) -> Path:
    return path / "journal.sqlite"


def _paired(found: dict[str, Json]) -> Json:
    """A pair as soon as it is read: the plain values of all pairs of a large plan take more memory than the plan."""
    return Pair.model_validate(found) if found.keys() == Pair.model_fields.keys() else found


class RunDirectory:
    """A run on disk. Its plan is frozen: opening it with another plan is an error."""

    def __init__(self, path: Path, plan: Plan) -> None:
        self.path = path
        self.plan = plan
        self.plan_digest = plan.digest

    @classmethod
    def create(cls, path: Path, plan: Plan) -> "RunDirectory":
        """The directory of a plan: made if it is not there, resumed if it holds the same plan.

        Raises StoreError if it holds another plan or is no run directory.
        """
        run = cls(path, plan)
        if (path / "plan.json").exists():
            if not run._is_written() and (found := cls.open(path).plan_digest) != run.plan_digest:
                raise StoreError(
                    f"{path} holds plan {found[:12]}, and this is plan {run.plan_digest[:12]}: "
                    "the study or its content has changed since; choose another directory with --out"
                )
            return run
        if path.exists() and any(not found.name.startswith(_DRAFT) for found in path.iterdir()):
            raise StoreError(f"{path} is neither empty nor a run directory")
        path.mkdir(parents=True, exist_ok=True)
        run._write("plan.json", run._pieces())
        return run

    def _pieces(self) -> Iterator[str]:
        """The text of `plan.json`, bit by bit: that of a large study takes more memory than the plan."""
        yield from json.JSONEncoder(ensure_ascii=False, indent=1).iterencode(self.plan.to_json())
        yield "\n"

    def _is_written(self) -> bool:
        """Whether `plan.json` is what would be written; the plan of another version may be the same all the same."""
        with (self.path / "plan.json").open(encoding="utf-8", errors="replace") as file:
            return all(file.read(len(piece)) == piece for piece in self._pieces()) and not file.read(1)

    @classmethod
    def open(cls, path: Path) -> "RunDirectory":
        """An existing run. Raises StoreError if there is none or its plan cannot be read."""
        try:
            text = (path / "plan.json").read_text(encoding="utf-8")
            return cls(path, Plan.model_validate(json.loads(text, object_hook=_paired)))
        except OSError as error:
            raise StoreError(f"{path} is no run directory: it has no plan.json that can be read") from error
        except ValidationError as error:
            raise StoreError(f"{path / 'plan.json'} is no plan: {error.errors()[0]['msg']}") from error
        except ValueError as error:
            raise StoreError(f"{path / 'plan.json'} is no plan: {error}") from error

    def journal(self, *, writer: bool = False, create: bool = False) -> Journal:
        """The run's journal. Raises StoreError if there is none to open, RunLocked if another process writes to it."""
        return Journal(_journal(self.path), self.plan_digest, writer=writer, create=create, about=self.about)

    @property
    def about(self) -> dict[str, Json]:
        """What is planned, in a few words: models, arms, and the number of pairs."""
        study = self.plan.study
        models = [model["name"] for model in study["models"]]
        return {"models": models, "arms": study["arms"], "pairs": len(self.plan.pairs)}

    @staticmethod
    def glance(path: Path) -> Journal:
        """The journal of a run whose plan need not be read. Raises StoreError if there is none."""
        if not (path / "plan.json").exists():
            raise StoreError(f"{path} is no run directory: it has no plan.json that can be read")
        return Journal(_journal(path), None, writer=False)

    @property
    def analysed(self) -> bool:
        """Whether there are results."""
        return (self.path / "results.json").exists()

    def results(self) -> Results:
        """The stored results. Raises StoreError if the run was not analysed."""
        try:
            return Results.model_validate_json(self.results_text())
        except ValidationError as error:
            raise StoreError(f"{self.path / 'results.json'} holds no results: {error.errors()[0]['msg']}") from error

    def results_text(self) -> str:
        """The text of `results.json`. Raises StoreError if there is none."""
        if not self.analysed:
            raise StoreError(f"{self.path} has no results.json yet: run `consistency analyze {self.path}`")
        return (self.path / "results.json").read_text(encoding="utf-8")

    def calibration(self) -> Certificate | None:
        """The certificate of the run's plan; None where there is none. Raises StoreError for one of another plan."""
        path = self.path / "calibration.json"
        if not path.exists():
            return None
        try:
            found = Certificate.model_validate_json(path.read_text(encoding="utf-8"))
        except ValidationError as error:
            raise StoreError(f"{path} is no certificate: {error.errors()[0]['msg']}") from error
        if found.plan_digest != self.plan_digest:
            raise StoreError(
                f"{path} is of plan {str(found.plan_digest)[:12]}, and the run is of {self.plan_digest[:12]}"
            )
        return found

    def write(self, name: str, text: str) -> Path:
        """Writes a file whole or not at all."""
        return self._write(name, [text])

    def _write(self, name: str, pieces: Iterable[str]) -> Path:
        target = self.path / name
        draft = target.with_name(f"{_DRAFT}{target.name}.{os.getpid()}")
        with draft.open("w", encoding="utf-8") as file:
            file.writelines(pieces)
        draft.replace(target)
        return target
