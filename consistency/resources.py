"""Where content lives: the user's own folders first, then what the package ships; and what the code is.

An installed package carries its content in `consistency/_bundled/<kind>`; a checkout has it beside `pyproject.toml`.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from consistency.errors import ConfigurationError, ContentError, Problem
from consistency.records.scenario import Source

#: Rooms that show what was found and decide nothing.
_OUTLETS = ("cli", "interop", "reporting")

KINDS = ("prompts", "probes", "reports")


def folder(kind: str) -> Path:
    """The shipped folder of one kind. Raises ConfigurationError if the installation lacks it."""
    package = Path(__file__).parent
    for candidate in (package / "_bundled" / kind, package.parent / kind):
        if candidate.is_dir():
            return candidate
    raise ConfigurationError(f"this installation has no {kind} folder beside or inside {package}")


def code_digest() -> str:
    """The digest of all code that decides what a verdict is: the package without its outlets."""
    found = hashlib.sha256()
    root = Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        place = path.relative_to(root)
        if place.parts[0] not in _OUTLETS:
            found.update(place.as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def sources(roots: Sequence[Path], pattern: str) -> Iterator[Source]:
    """Files below the roots that match a glob, sorted by relative path; the first root to have a path wins.

    Raises ConfigurationError for a root that is no folder and for a file that is not UTF-8.
    """
    found: dict[str, Path] = {}
    shipped = [folder(kind) for kind in KINDS]
    for root in roots:
        if not root.is_dir():
            raise ConfigurationError(f"{root} is not a folder")
        for path in root.glob(pattern):
            if path.is_file():
                found.setdefault(path.relative_to(root).as_posix(), path)
    for name, path in sorted(found.items()):
        own = not any(path.is_relative_to(root) for root in shipped)
        yield Source(path=name, text=read(path), origin=str(path) if own else "")


def read(path: Path) -> str:
    """A text file's content. Raises ConfigurationError if it cannot be read, ContentError if it is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ContentError([Problem(str(path), line, "not UTF-8 text")]) from error
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
