"""List scenarios, cues, probes, models or methods."""

import json
from collections.abc import Callable
from pathlib import Path

import click

from consistency import plugins
from consistency.cli import options
from consistency.cli.terminal import table
from consistency.models import backends
from consistency.scenarios import factors
from consistency.scenarios.library import Library

Rows = list[tuple[str, ...]]


def _scenarios(library: Library) -> Rows:
    return [
        (
            name,
            found.head.title,
            str(len(factors.cells(found.head))),
            ", ".join(found.head.probes),
            ", ".join(cue.id for cue in found.cues(library.cues.values())),
        )
        for name, found in library.scenarios.items()
    ]


def _cues(library: Library) -> Rows:
    return [(name, cue.family, str(len(cue.wordings)), cue.title) for name, cue in library.cues.items()]


def _probes(library: Library) -> Rows:
    return [(name, ", ".join(probe.rules), probe.question) for name, probe in library.probes.items()]


def _models(_: Library) -> Rows:
    return [(name, plugins.summary(backends.PACKAGE, name)) for name in plugins.names(backends.PACKAGE)]


def _methods(_: Library) -> Rows:
    return [
        (name, plugins.summary("consistency.stats.methods", name))
        for name in plugins.names("consistency.stats.methods")
    ]


_LISTS: dict[str, tuple[tuple[str, ...], Callable[[Library], Rows]]] = {
    "scenarios": (("id", "title", "cells", "probes", "cues"), _scenarios),
    "cues": (("id", "family", "wordings", "title"), _cues),
    "probes": (("id", "rules", "question"), _probes),
    "models": (("backend", "what it is"), _models),
    "methods": (("method", "what it is"), _methods),
}


@click.command()
@click.argument("what", type=click.Choice(list(_LISTS)))
@options.as_json
@options.content
def command(what: str, as_json: bool, prompts: tuple[Path, ...], probes: tuple[Path, ...]) -> None:
    """List what there is: scenarios, cues, probes, backends of models, or statistical methods."""
    header, rows_of = _LISTS[what]
    rows = rows_of(Library.from_folders(prompts, probes))
    if as_json:
        click.echo(json.dumps([dict(zip(header, row, strict=True)) for row in rows], indent=2, ensure_ascii=False))
    else:
        click.echo(table(header, rows))
