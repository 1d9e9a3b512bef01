"""Texts of several arms side by side in a terminal, with the lines that differ marked."""

import textwrap
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import TypeVar

import click

from consistency.cli.terminal import clean

Name = TypeVar("Name", bound=str)
_GUTTER = " │ "


def side_by_side(columns: Mapping[Name, str], width: int) -> str:
    """One column per name. Lines that are not the same in all columns are marked with `*` and, in colour, bold."""
    each = max(20, (width - 2 - len(_GUTTER) * (len(columns) - 1)) // len(columns))
    lines = [_row("", list(columns), each), _row("", ["─" * each] * len(columns), each)]
    for texts in zip_longest(*(clean(text).split("\n") for text in columns.values()), fillvalue=""):
        differs = len(set(texts)) > 1
        wrapped = [textwrap.wrap(text, each) or [""] for text in texts]
        mark = "*" if differs else ""
        lines += [_row(mark, cells, each, bold=differs) for cells in zip_longest(*wrapped, fillvalue="")]
    return "\n".join(lines)


def _row(mark: str, cells: Sequence[str], each: int, *, bold: bool = False) -> str:
    text = f"{mark:<2}" + _GUTTER.join(cell.strip("\n").ljust(each) for cell in cells).rstrip()
    return click.style(text, bold=True) if bold else text
