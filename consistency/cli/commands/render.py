"""Show a scenario as a model would meet it; with --diff, its arms side by side."""

import json
import shutil
from pathlib import Path

import click

from consistency.cli import options
from consistency.cli.sidebyside import side_by_side
from consistency.cli.terminal import clean
from consistency.errors import ConfigurationError
from consistency.records.base import ARMS, Arm
from consistency.records.rendering import Rendering
from consistency.records.scenario import Cell, Wording
from consistency.scenarios import factors
from consistency.scenarios.library import Library, Scenario
from consistency.scenarios.render import Item, Renderer


@click.command()
@click.argument("scenario")
@click.option("--cue", help="A cue of the scenario, or CUE/WORDING; its first by default.")
@click.option("--set", "levels", multiple=True, metavar="FACTOR=LEVEL", help="The level of a factor; may be repeated.")
@click.option("--seed", default=1, show_default=True, help="The seed of names, numbers and domains.")
@click.option("--arm", type=click.Choice(ARMS), default="evaluation", show_default=True, help="The arm to show.")
@click.option("--diff", is_flag=True, help="All arms side by side; lines that differ are marked.")
@options.as_json
@options.content
def command(
    scenario: str,
    cue: str | None,
    levels: tuple[str, ...],
    seed: int,
    arm: Arm,
    diff: bool,
    as_json: bool,
    **folders: tuple[Path, ...],
) -> None:
    """Render SCENARIO: its opening messages and the texts of its world.

    Factors that are not set take their first level that a cell has.
    """
    library = Library.from_folders(folders["prompts"], folders["probes"])
    if scenario not in library.scenarios:
        raise ConfigurationError(f"no scenario {scenario!r}; there are: {', '.join(library.scenarios)}")
    found = library.scenarios[scenario]
    renderer = Renderer(library, found)
    skeleton = renderer.skeleton(Item(scenario, _cell(found, levels), variant=1, seed=seed))
    wording = _wording(library, found, cue)
    arms = ARMS if diff else (arm,)
    renderings = {name: renderer.arm(skeleton, wording, name) for name in arms}
    if as_json:
        click.echo(json.dumps([rendering.to_json() for rendering in renderings.values()], indent=2, ensure_ascii=False))
    elif diff:
        columns = {name: _text(rendering) for name, rendering in renderings.items()}
        click.echo(f"{scenario} · cell {factors.key(skeleton.item.cell)} · wording {wording.id}")
        click.echo(side_by_side(columns, shutil.get_terminal_size((150, 40)).columns))
    else:
        click.echo(clean(_text(renderings[arm])))


def _cell(scenario: Scenario, levels: tuple[str, ...]) -> Cell:
    wanted: dict[str, tuple[str, ...]] = {}
    for setting in levels:
        name, _, level = setting.partition("=")
        known = scenario.head.factors
        if level not in known.get(name, ()):
            allowed = "; ".join(f"{factor}: {', '.join(found)}" for factor, found in known.items())
            raise ConfigurationError(f"--set {setting}: {scenario.id} has {allowed or 'no factors'}")
        wanted[name] = (level,)
    cells = factors.cells(scenario.head, wanted)
    if not cells:
        raise ConfigurationError(f"{scenario.id} excludes the cell {', '.join(levels)}")
    return cells[0]


def _wording(library: Library, scenario: Scenario, named: str | None) -> Wording:
    cues = {cue.id: cue for cue in scenario.cues(library.cues.values())}
    cue, _, wording = (named or next(iter(cues))).partition("/")
    if cue not in cues:
        raise ConfigurationError(f"{scenario.id} has no cue {cue!r}; it has {', '.join(cues)}")
    wordings = {found.id: found for found in cues[cue].wordings}
    if wording and wording not in wordings:
        raise ConfigurationError(f"cue {cue!r} has no wording {wording!r}; it has {', '.join(wordings)}")
    return wordings[wording] if wording else cues[cue].wordings[0]


def _text(rendering: Rendering) -> str:
    parts = [f"[system]\n{rendering.system}", f"[user]\n{rendering.user}"]
    parts += [f"[user, message {number}]\n{text}" for number, text in enumerate(rendering.follow_ups, start=2)]
    parts += [f"[tools] {', '.join(rendering.tools)}"]
    for service, table in rendering.world.items():
        for name, value in table.items():
            text = value if isinstance(value, str) else json.dumps(value, indent=1, ensure_ascii=False)
            parts.append(f"[{service}: {name}]\n{text.strip()}")
    return "\n\n".join(parts)
