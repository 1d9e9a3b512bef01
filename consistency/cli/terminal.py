"""Text for terminals: tables, and model text without the characters that could move a cursor or hide something."""

import unicodedata
from collections.abc import Sequence


def clean(text: str) -> str:
    """Text that is safe to print: control and formatting characters become escapes; line breaks and tabs stay."""
    return "".join(
        character
        if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co")
        else f"\\u{ord(character):04x}"
        for character in text
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns aligned by width, two spaces apart; numbers are right-aligned by whoever formats them."""
    widths = [max(len(row[index]) for row in [header, *rows]) for index in range(len(header))]
    lines = [header, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def points(value: float | None) -> str:
    """A fraction in percentage points, signed; a dash where it is not estimable."""
    return "n/a" if value is None else f"{100 * value:+.1f}"


def interval(ends: tuple[float, float] | None) -> str:
    """An interval in percentage points."""
    return "n/a" if ends is None else f"{100 * ends[0]:+.1f} to {100 * ends[1]:+.1f}"


def percent(value: float | None) -> str:
    """A fraction as a percentage."""
    return "n/a" if value is None else f"{100 * value:.1f}%"
