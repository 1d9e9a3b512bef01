"""The library: scenarios, cues, pools and probes as read from content files."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TypeVar

from pydantic import ValidationError

from consistency import frontmatter, resources
from consistency.errors import ConfigurationError, ContentError, Problem
from consistency.frontmatter import Document
from consistency.records.base import Json
from consistency.records.probe import ANY_PROBE, Probe
from consistency.records.scenario import Cue, Source
from consistency.scenarios.cues import read_cue
from consistency.scenarios.head import FORMS, Head, PoolForm, SampleForm, SurfaceForm
from consistency.study import problems

Entry = TypeVar("Entry")
PROMPT_KINDS = {
    "scenarios": "scenarios/**/*.jinja",
    "cues": "cues/**/*.toml",
    "pools": "pools/*.toml",
}


@dataclass(frozen=True)
class Scenario:
    """A scenario's head and body; `id` is its path below `scenarios/` without the ending."""

    id: str
    head: Head
    forms: Mapping[str, SurfaceForm]
    document: Document

    def takes(self, cue: Cue) -> bool:
        """Whether the head names the cue or its family; a name that is both means the family."""
        return cue.id in self.head.cues or cue.family in self.head.cues

    def cues(self, known: Iterable[Cue]) -> list[Cue]:
        """Those of the known cues that it takes, in the order of its head."""
        listed = self.head.cues
        taken = [cue for cue in known if self.takes(cue)]
        return sorted(taken, key=lambda cue: listed.index(cue.id if cue.id in listed else cue.family))

    @property
    def pools(self) -> set[str]:
        """Names of the pools that its surface draws from."""
        return {form.pool for form in self.forms.values() if isinstance(form, (PoolForm, SampleForm)) and form.pool}


@dataclass(frozen=True)
class Library:
    """All content of a set of sources. A file is parsed when it is first asked for; `sources` is by kind."""

    sources: Mapping[str, tuple[Source, ...]]

    @classmethod
    def from_folders(
        cls, prompts: Iterable[Path] = (), probes: Iterable[Path] = (), *, shipped: bool = True
    ) -> "Library":
        """The user's folders, searched first, and then the shipped ones unless they are left out."""
        roots = (*prompts, resources.folder("prompts")) if shipped else tuple(prompts)
        found = {kind: tuple(resources.sources(roots, pattern)) for kind, pattern in PROMPT_KINDS.items()}
        rubrics = (*probes, resources.folder("probes")) if shipped else tuple(probes)
        found["probes"] = tuple(resources.sources(rubrics, "*.md"))
        return cls(found)

    def _read(self, kind: str, reader: Callable[[Source], tuple[str, Entry]]) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        faults: list[Problem] = []
        for source in self.sources.get(kind, ()):
            try:
                name, entry = reader(source)
            except ContentError as error:
                faults += error.problems
            else:
                entries[name] = entry
        if faults:
            raise ContentError(faults)
        return entries

    @cached_property
    def pools(self) -> dict[str, tuple[dict[str, Json], ...]]:
        """Entries by pool. Raises ContentError for pools without entries or with unequal ones."""
        return self._read("pools", _read_pool)

    @cached_property
    def cues(self) -> dict[str, Cue]:
        """Cues by id."""
        return self._read("cues", read_cue)

    @cached_property
    def probes(self) -> dict[str, Probe]:
        """Probes by id."""
        return self._read("probes", _read_probe)

    @cached_property
    def scenarios(self) -> dict[str, Scenario]:
        """Scenarios by id."""
        return self._read("scenarios", _read_scenario)

    def select(self, patterns: Iterable[str]) -> tuple[Scenario, ...]:
        """Scenarios by ids or globs, sorted by id. Raises ConfigurationError for a pattern that matches none."""
        chosen: dict[str, Scenario] = {}
        for pattern in patterns:
            matches = {name: found for name, found in self.scenarios.items() if fnmatchcase(name, pattern)}
            if not matches:
                raise ConfigurationError(f"no scenario matches {pattern!r}; there are: {', '.join(self.scenarios)}")
            chosen |= matches
        return tuple(chosen[name] for name in sorted(chosen))

    def closure(self, scenarios: Iterable[Scenario], cues: Iterable[str]) -> dict[str, tuple[Source, ...]]:
        """The sources that these scenarios and cues rest on: what a plan freezes."""
        wanted: dict[str, set[str]] = {"scenarios": set(), "cues": set(cues), "pools": set(), "probes": set()}
        for scenario in scenarios:
            wanted["scenarios"].add(scenario.id)
            wanted["probes"].update(scenario.head.probes)
            wanted["pools"].update(scenario.pools)
        return {
            kind: tuple(source for source in self.sources[kind] if _id(source) in names)
            for kind, names in wanted.items()
        }


def _id(source: Source) -> str:
    path = PurePosixPath(source.path)
    parts = path.with_suffix("").parts
    return "/".join(parts[1:]) if path.parts[0] == "scenarios" else parts[-1]


def _read_pool(source: Source) -> tuple[str, tuple[dict[str, Json], ...]]:
    document = frontmatter.parse(source.shown("prompts"), source.text)
    entries = document.data.get("entries")
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise ContentError([document.problem("a pool needs [[entries]], at least one")])
    faults = [
        document.problem(f"unknown key {key!r}; a pool holds [[entries]] only", key)
        for key in document.data
        if key != "entries"
    ]
    for index, entry in enumerate(entries):
        if entry.keys() != entries[0].keys():
            message = f"entry has {', '.join(sorted(entry))}; the first has {', '.join(sorted(entries[0]))}"
            faults.append(document.problem(message, "entries", index))
        elif entry in entries[:index]:
            faults.append(document.problem("the same entry stands there twice", "entries", index))
    if faults:
        raise ContentError(faults)
    return _id(source), tuple(entries)


def _read_probe(source: Source) -> tuple[str, Probe]:
    document = frontmatter.split(source.shown("probes"), source.text)
    if not document.body.strip():
        raise ContentError([Problem(document.path, document.body_line, "the rubric is empty")])
    name = _id(source)
    if name == ANY_PROBE:
        raise ContentError([Problem(document.path, 1, f"{ANY_PROBE!r} stands for all probes: no probe may have it")])
    data = {**document.data, "id": name, "rubric": document.body.strip(), "path": document.path}
    try:
        return name, Probe.model_validate(data)
    except ValidationError as error:
        raise ContentError(problems(document, error)) from error


def _read_scenario(source: Source) -> tuple[str, Scenario]:
    document = frontmatter.split(source.shown("prompts"), source.text)
    try:
        head = Head.model_validate(document.data)
    except ValidationError as error:
        raise ContentError(problems(document, error)) from error
    forms: dict[str, SurfaceForm] = {}
    faults: list[Problem] = []
    for name, form in head.surface.items():
        kind = next((key for key in FORMS if key in form), None)
        if kind is None:
            found = ", ".join(form) or "an empty table"
            faults.append(document.problem(f"surface {name!r} has {found}; one of {', '.join(FORMS)}", "surface", name))
            continue
        try:
            forms[name] = FORMS[kind].model_validate(form)
        except ValidationError as error:
            faults += problems(document, error, "surface", name)
    if faults:
        raise ContentError(faults)
    return _id(source), Scenario(_id(source), head, forms, document)
