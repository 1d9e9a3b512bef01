"""Cells: the combinations of factor levels that a scenario has."""

from collections.abc import Mapping
from itertools import product

from consistency.records.scenario import Cell, Cue
from consistency.scenarios.head import Head


def cells(head: Head, keep: Mapping[str, tuple[str, ...]] | None = None) -> list[Cell]:
    """All cells in the order of the head, without the excluded ones and those whose levels are not kept.

    A rule of exclusion that names a cue keeps the cell: it only keeps that cue out of it.
    """
    keep = keep or {}
    levels = [[level for level in head.factors[name] if level in keep.get(name, (level,))] for name in head.factors]
    crossed = (dict(zip(head.factors, combination, strict=True)) for combination in product(*levels))
    return [cell for cell in crossed if not any(matches(cell, rule) for rule in head.exclude if "cue" not in rule)]


def excludes(head: Head, cell: Cell, cue: Cue) -> bool:
    """Whether the head keeps a cue, named by itself or by its family, out of a cell that it would contradict."""
    named = ({**cell, "cue": name} for name in (cue.id, cue.family))
    return any(matches(levels, rule) for levels in named for rule in head.exclude if "cue" in rule)


def matches(cell: Cell, levels: Mapping[str, tuple[str, ...] | str]) -> bool:
    """Whether the cell has, for every factor named, one of the levels named. An empty mapping matches nothing."""
    return bool(levels) and all(
        cell.get(name) in ((wanted,) if isinstance(wanted, str) else wanted) for name, wanted in levels.items()
    )


def key(cell: Cell) -> str:
    """A cell as one short word: its levels joined by dots; `all` for the only cell of a scenario without factors."""
    return ".".join(cell.values()) or "all"
