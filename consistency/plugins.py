"""Plugin folders: the folder's `__init__` is the contract, every file without an underscore is one plugin.

A plugin's name is its file's name. Other packages add backends, scorers and formats through entry points in the group
`consistency.<folder>` (for example `consistency.backends`); a folder's own file wins over an entry point of that name.
A plugin that fails to load is an error, never skipped.
"""

import ast
import importlib
import pkgutil
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from consistency.errors import ConfigurationError


def _own(package: str) -> set[str]:
    folder = importlib.import_module(package)
    return {found.name for found in pkgutil.iter_modules(folder.__path__) if not found.name.startswith("_")}


def _foreign(package: str) -> dict[str, EntryPoint]:
    group = f"consistency.{package.rpartition('.')[2]}"
    return {point.name: point for point in entry_points(group=group)}


@cache
def names(package: str) -> tuple[str, ...]:
    """Names of all plugins of a folder, sorted. `package` is the folder's dotted name."""
    return tuple(sorted(_own(package) | set(_foreign(package))))


def summary(package: str, name: str) -> str:
    """The first line of a plugin's docstring; of our own plugins, without loading them."""
    if name not in _own(package):
        return (load(package, name).__doc__ or "").strip().partition("\n")[0]
    folder = importlib.import_module(package)
    for place in folder.__path__:
        path = Path(place) / f"{name}.py"
        if path.is_file():
            docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            return docstring.partition("\n")[0]
    return ""


@cache
def load(package: str, name: str) -> ModuleType:
    """The module of one plugin. Raises ConfigurationError for a name that is not there, or lacks a package."""
    if name in _own(package):
        try:
            return importlib.import_module(f"{package}.{name}")
        except ModuleNotFoundError as error:
            extra = f"pip install 'consistency[{name}]'"
            raise ConfigurationError(f"{name!r} needs {error.name}, which is not installed: {extra}") from error
    if point := _foreign(package).get(name):
        module = point.load()
        if not isinstance(module, ModuleType):
            raise ConfigurationError(f"entry point {point.value!r} of {point.group} is no module")
        return module
    kind = package.rpartition(".")[2]
    raise ConfigurationError(f"{kind}: there is no {name!r}; there are: {', '.join(names(package))}")
