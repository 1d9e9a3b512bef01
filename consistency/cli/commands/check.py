"""Prove scenarios, cues, probes and studies; errors with file and line."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import click

from consistency import resources
from consistency.calibration import rehearsal
from consistency.cli import options
from consistency.errors import ConfigurationError, ContentError, Problem
from consistency.models import check
from consistency.scenarios import balance, lint, pairs
from consistency.scenarios.library import Library
from consistency.study import read


@click.command()
@click.argument("study", required=False)
@click.option("--only", is_flag=True, help="Leave out the shipped content: your own folders must stand by themselves.")
@options.content
def command(study: str | None, only: bool, prompts: tuple[Path, ...], probes: tuple[Path, ...]) -> None:
    """Prove that all content is right: templates render, arms differ only in their cues, wordings are matched, controls
    act, probes tell them apart, and STUDY (all shipped ones by default) names what there is.

    Problems go to stderr as FILE:LINE: MESSAGE, and the exit code is 2.
    """
    library = Library.from_folders(prompts, probes, shipped=not only)
    if not any(library.sources.values()):
        raise ConfigurationError("there is nothing to check: --only goes with --prompts and --probes")
    found: list[Problem] = []
    for kind in ("pools", "cues", "probes", "scenarios"):
        with _collected(found):
            getattr(library, kind)
    if not found:
        for cue in library.cues.values():
            found += balance.faults(cue)
        for scenario in library.scenarios.values():
            alone = list(lint.faults(library, scenario))
            found += alone or rehearsal.faults(library, scenario)
    roots = prompts if only else (*prompts, resources.folder("prompts"))
    names = [study] if study else [Path(source.path).stem for source in resources.sources(roots, "studies/*.toml")]
    for name in names:
        with _collected(found):
            found += _study(name, roots, library)
    if found:
        raise ContentError(found)
    click.echo(
        f"{len(library.scenarios)} scenarios, {len(library.cues)} cues, {len(library.probes)} probes, "
        f"{len(names)} {'study' if len(names) == 1 else 'studies'}: no problem found"
    )


@contextlib.contextmanager
def _collected(found: list[Problem]) -> Iterator[None]:
    try:
        yield
    except ContentError as error:
        found += error.problems


def _study(name: str, roots: tuple[Path, ...], library: Library) -> list[Problem]:
    study, document = read(name, roots)
    faults = []
    with contextlib.suppress(ContentError):
        faults += [document.problem(message, *place) for place, message in pairs.faults(study, library)]
    named: list[tuple[tuple[str | int, ...], str]] = [
        (("models", index, "name"), model.name) for index, model in enumerate(study.models)
    ]
    if study.peer:
        named.append((("peer", "name"), study.peer.name))
    for place, model in named:
        if message := check.fault(model):
            faults.append(document.problem(message, *place))
    return faults
