"""The house rules: floors, doors, circles, late imports, sizes and names.

A check takes modules and returns complaints, so that planted faults can show that it is able to fail.
"""

import ast
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = "consistency"

#: The rooms of each floor, from the ground up. A room imports the floors below it and itself.
FLOORS = (
    ("errors",),
    ("records",),
    ("resources", "frontmatter", "plugins", "seeds", "study"),
    ("scenarios", "worlds", "models", "store", "stats"),
    ("trials", "scoring", "analysis"),
    ("execution", "reporting", "interop"),
    ("pipeline",),
    ("calibration",),
    ("cli",),
    ("__main__",),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
#: The rooms of this floor may import each other.
CELLAR = 2

#: Where each foreign library may be imported: files, and folders that end in a slash.
DOORS = {
    "aiohttp": ("models/backends/openai_compatible.py", "interop/endpoint.py"),
    "click": ("cli/",),
    "dspy": ("scoring/scorers/",),
    "inspect_ai": ("interop/",),
    "jinja2": ("scenarios/", "reporting/"),
    "junitparser": ("reporting/formats/junit.py",),
    "markupsafe": ("scenarios/", "reporting/"),
    "litellm": ("models/backends/litellm.py",),
    "numpy": ("stats/", "analysis/", "calibration/"),
    "orjson": ("records/base.py", "models/backends/openai_compatible.py"),
    "pydantic": tuple(place for room in FLOOR if room != "cli" for place in (f"{room}/", f"{room}.py")),
    "ray": ("execution/executors/ray.py",),
    "scipy": ("stats/",),
    "tqdm": ("execution/progress.py",),
}

#: Where modules may be loaded by name, which is no import statement: the plugin loader, and the commands.
LOADERS = ("plugins.py", "cli/")

#: Rooms that are slow to load. Of the command line, only the commands may import them: they are loaded by name.
HEAVY = {"analysis", "calibration", "interop", "pipeline", "scoring", "stats"}

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
MOST_PARAMETERS = 7
EMPTY_NAMES = {"common", "helper", "helpers", "manager", "misc", "util", "utils"}


@dataclass(frozen=True)
class Import:
    """One imported name: `module` is what the statement names, `name` what it takes from there, if anything."""

    line: int
    module: str
    name: str | None = None

    @property
    def target(self) -> str:
        """The longest dotted name that it may stand for."""
        return f"{self.module}.{self.name}" if self.name else self.module


@dataclass(frozen=True)
class Module:
    """A source file; `path` is relative to the checkout."""

    path: str
    text: str

    @property
    def parts(self) -> tuple[str, ...]:
        """The path's parts without the ending."""
        return Path(self.path).with_suffix("").parts

    @property
    def name(self) -> str:
        """The dotted name; a package's is that of its folder."""
        return ".".join(self.parts).removesuffix(".__init__")

    @property
    def place(self) -> str:
        """The path inside the package."""
        return self.path.removeprefix(f"{PACKAGE}/")

    @property
    def owned(self) -> bool:
        """Whether it belongs to the package, not to the tests."""
        return self.parts[0] == PACKAGE

    @property
    def lines(self) -> int:
        """How many lines it has."""
        return len(self.text.splitlines())

    def at(self, line: int, complaint: str) -> str:
        """A complaint with its place."""
        return f"{self.path}:{line}: {complaint}"

    @cached_property
    def tree(self) -> ast.Module:
        """What it says."""
        return ast.parse(self.text, self.path)

    @cached_property
    def functions(self) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Every function and method, nested ones too."""
        return [node for node in ast.walk(self.tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]

    @cached_property
    def imports(self) -> list[Import]:
        """Every import, wherever it stands."""
        return [found for node in ast.walk(self.tree) for found in self._imports(node)]

    def _imports(self, node: ast.AST) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            yield from (Import(node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = self.parts[: len(self.parts) - node.level] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            yield from (Import(node.lineno, module, alias.name) for alias in node.names)


House = list[Module]
Check = Callable[[House], list[str]]


def admits(places: tuple[str, ...], module: Module) -> bool:
    """Whether a module is one of the files or below one of the folders."""
    return any(module.place.startswith(place) if place.endswith("/") else module.place == place for place in places)


def room(name: str) -> str | None:
    """The room of a dotted name; None for the package itself and for what is outside."""
    parts = name.split(".")
    return parts[1] if parts[0] == PACKAGE and len(parts) > 1 else None


def floors(house: House) -> list[str]:
    """A room imports lower floors and itself, never a neighbour on its floor, never upwards."""
    complaints = []
    for module in filter(lambda module: module.owned, house):
        own = room(module.name)
        if own is not None and own not in FLOOR:
            complaints.append(module.at(1, f"the room {own!r} is on no floor"))
            continue
        height = -1 if own is None else FLOOR[own]
        for found in module.imports:
            other = room(found.target)
            if other not in FLOOR or other == own:
                continue
            neighbours = FLOOR[other] == height != CELLAR
            if FLOOR[other] > height or neighbours:
                way = "its neighbour" if neighbours else "upwards"
                complaints.append(module.at(found.line, f"{own or PACKAGE} imports {way} {other}"))
    return complaints


def doors(house: House) -> list[str]:
    """Each foreign library enters in one place, and only those that have a door enter at all."""
    complaints = []
    for module in filter(lambda module: module.owned, house):
        for found in module.imports:
            library = found.module.partition(".")[0]
            if library == PACKAGE or library in sys.stdlib_module_names:
                continue
            if library not in DOORS:
                complaints.append(module.at(found.line, f"{library} has no door in this house"))
            elif not admits(DOORS[library], module):
                complaints.append(module.at(found.line, f"{library} enters in {', '.join(DOORS[library])} only"))
    return complaints


def circles(house: House) -> list[str]:
    """No module needs itself, by whatever way round."""
    known = {module.name for module in house if module.owned}
    graph = {module.name: needs(module, known) for module in house if module.owned}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [f"import circle: {' <- '.join(error.args[1])}"]
    return []


def needs(module: Module, known: set[str]) -> set[str]:
    """The known modules that must be loaded for a module: what it imports, and the packages around that."""
    loading = {module.name, *packages_around(module.name)}
    needed = set()
    for found in module.imports:
        target = found.target if found.target in known else found.module
        needed |= {target} | (packages_around(target) - loading)
    return needed & known


def packages_around(name: str) -> set[str]:
    """The packages that a dotted name is inside of."""
    parts = name.split(".")
    return {".".join(parts[:count]) for count in range(1, len(parts))}


def late_imports(house: House) -> list[str]:
    """Imports stand at the top level of their file: in no function, no class, no condition and no `try`."""
    complaints = []
    for module in house:
        top = {node.lineno for node in module.tree.body if isinstance(node, (ast.Import, ast.ImportFrom))}
        late = {found.line for found in module.imports} - top
        complaints += [module.at(line, "an import that is not at the top level of its file") for line in sorted(late)]
    return complaints


def loading_by_name(house: House) -> list[str]:
    """Only the plugin loader and the commands load modules by name."""
    complaints = []
    for module in filter(lambda module: module.owned and not admits(LOADERS, module), house):
        lines = [found.line for found in module.imports if found.target in ("importlib", "importlib.import_module")]
        lines += [
            node.lineno for node in ast.walk(module.tree) if isinstance(node, ast.Name) and node.id == "__import__"
        ]
        complaints += [module.at(line, f"modules are loaded by name in {', '.join(LOADERS)} only") for line in lines]
    return complaints


def heavy_rooms(house: House) -> list[str]:
    """The command line loads a slow room with the command that needs it, never before."""
    return [
        module.at(found.line, f"{found.target} is slow to load; only cli/commands/ imports it")
        for module in house
        if module.place.startswith("cli/") and not module.place.startswith("cli/commands/")
        for found in module.imports
        if room(found.target) in HEAVY
    ]


def sizes(house: House) -> list[str]:
    """No file and no function is long; no function takes many parameters."""
    complaints = [
        module.at(1, f"{module.lines} lines; at most {LONGEST_FILE}") for module in house if module.lines > LONGEST_FILE
    ]
    for module in house:
        for function in module.functions:
            lines = (function.end_lineno or function.lineno) - function.lineno + 1
            if lines > LONGEST_FUNCTION:
                complaints.append(
                    module.at(function.lineno, f"{function.name} has {lines} lines; at most {LONGEST_FUNCTION}")
                )
            if (taken := parameters(function)) > MOST_PARAMETERS:
                complaints.append(
                    module.at(function.lineno, f"{function.name} takes {taken} parameters; at most {MOST_PARAMETERS}")
                )
    return complaints


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many parameters a function names, without `self` and `cls`."""
    every = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return sum(argument.arg not in ("self", "cls") for argument in every)


def names(house: House) -> list[str]:
    """A module or folder is called after what it holds."""
    return [
        module.at(1, f"the name {part!r} says nothing of what is inside")
        for module in house
        for part in sorted(EMPTY_NAMES.intersection(module.parts))
    ]


@pytest.fixture(scope="module")
def checkout() -> House:
    """Every source file of the package and the tests."""
    paths = sorted(path for folder in (PACKAGE, "tests") for path in (ROOT / folder).rglob("*.py"))
    return [Module(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths]


CHECKS: list[Check] = [floors, doors, circles, late_imports, loading_by_name, heavy_rooms, sizes, names]


@pytest.mark.parametrize("check", CHECKS)
def test_the_house_keeps_its_rules(check: Check, checkout: House) -> None:
    complaints = check(checkout)
    middle = median(module.lines for module in checkout if module.owned)
    summary = f"{check.__doc__} (median file of {PACKAGE}/: {middle:g} lines)"
    assert not complaints, "\n".join([summary, *complaints])


LONG_FUNCTION = "def long():\n" + "    pass\n" * LONGEST_FUNCTION

FAULTS: list[tuple[Check, dict[str, str], str]] = [
    (floors, {"stats/a.py": "import consistency.cli.group"}, "stats imports upwards cli"),
    (floors, {"stats/a.py": "from consistency import pipeline"}, "stats imports upwards pipeline"),
    (floors, {"stats/a.py": "from consistency.models.spec import Spec"}, "stats imports its neighbour models"),
    (floors, {"records/a.py": "from consistency.study import Study"}, "records imports upwards study"),
    (floors, {"stats/a.py": "from ..models import spec"}, "stats imports its neighbour models"),
    (floors, {"stats/a.py": "def f():\n    import consistency.cli"}, "a.py:2: stats imports upwards cli"),
    (floors, {"__init__.py": "from consistency.records.plan import Plan"}, "consistency imports upwards records"),
    (floors, {"attic.py": ""}, "the room 'attic' is on no floor"),
    (doors, {"models/spec.py": "import litellm"}, "litellm enters in models/backends/litellm.py only"),
    (doors, {"analysis/a.py": "from scipy.special import betainc"}, "scipy enters in stats/ only"),
    (doors, {"cli/a.py": "from pydantic import BaseModel"}, "pydantic enters in"),
    (doors, {"store/a.py": "import click"}, "click enters in cli/ only"),
    (doors, {"interop/endpoints.py": "import aiohttp"}, "aiohttp enters in"),
    (doors, {"stats/a.py": "import pandas as pd"}, "pandas has no door"),
    (circles, {"study.py": "import consistency.seeds", "seeds.py": "from consistency import study"}, "import circle"),
    (circles, {"stats/a.py": "from consistency.stats.a import b"}, "import circle"),
    (
        circles,
        {
            "stats/__init__.py": "from consistency.stats import a",
            "stats/a.py": "from consistency.stats import X",
        },
        "import circle",
    ),
    (
        circles,
        {
            "stats/__init__.py": "",
            "stats/methods/__init__.py": "from consistency.stats.a import x",
            "stats/methods/b.py": "",
            "stats/a.py": "from consistency.stats.methods.b import y",
        },
        "import circle",
    ),
    (late_imports, {"stats/a.py": "def f():\n    import math"}, "a.py:2: an import that is not at the top level"),
    (late_imports, {"stats/a.py": "class C:\n    from math import pi"}, "not at the top level"),
    (late_imports, {"stats/a.py": "if TYPE_CHECKING:\n    import math"}, "not at the top level"),
    (
        late_imports,
        {"stats/a.py": "try:\n    import math\nexcept ImportError:\n    math = None"},
        "not at the top level",
    ),
    (late_imports, {"cli/a.py": "def f():\n    import math"}, "not at the top level"),
    (loading_by_name, {"stats/a.py": "import importlib"}, "loaded by name in plugins.py, cli/ only"),
    (loading_by_name, {"stats/a.py": "from importlib import import_module"}, "loaded by name"),
    (loading_by_name, {"stats/a.py": "__import__('math')"}, "loaded by name"),
    (heavy_rooms, {"cli/group.py": "from consistency import pipeline"}, "consistency.pipeline is slow to load"),
    (sizes, {"stats/a.py": "pass\n" * (LONGEST_FILE + 1)}, "401 lines; at most 400"),
    (sizes, {"stats/a.py": LONG_FUNCTION}, "long has 61 lines; at most 60"),
    (
        sizes,
        {"stats/a.py": "class C:\n    async def f(self, a, b, c, /, d, e, *, f, g, h): ..."},
        "f takes 8 parameters",
    ),
    (names, {"stats/utils.py": ""}, "the name 'utils' says nothing"),
    (names, {"common/a.py": ""}, "the name 'common' says nothing"),
]


def built(files: dict[str, str]) -> House:
    """A house from places in the package and their text."""
    return [Module(f"{PACKAGE}/{place}", text) for place, text in files.items()]


@pytest.mark.parametrize(("check", "files", "complaint"), FAULTS)
def test_a_planted_fault_is_found(check: Check, files: dict[str, str], complaint: str) -> None:
    (found,) = check(built(files))
    assert complaint in found


SOUND = {
    "__init__.py": "__version__ = '1'",
    "__main__.py": "from consistency.cli import main",
    "errors.py": "class ConsistencyError(Exception): ...",
    "plugins.py": "import importlib\nfrom consistency.errors import ConsistencyError",
    "records/base.py": "from __future__ import annotations\nfrom pydantic import BaseModel",
    "study.py": "import tomllib\nfrom consistency import seeds\nfrom consistency.records.base import Record",
    "seeds.py": "from consistency.errors import ConsistencyError",
    "models/__init__.py": "",
    "models/backends/__init__.py": "from consistency.records.base import Record",
    "models/backends/litellm.py": "import litellm\nfrom consistency.models.backends import Backend",
    "models/open.py": "from consistency import plugins\nfrom consistency.models import backends",
    "stats/tests.py": "import numpy as np\nfrom scipy import special\nfrom importlib.metadata import version",
    "stats/sizes.py": "pass\n" * (LONGEST_FILE - LONGEST_FUNCTION) + LONG_FUNCTION.removesuffix("    pass\n"),
    "stats/many.py": "class C:\n    def f(self, a, b, c, d, e, f, g, *rest, **options): ...",
    "cli/commands/run.py": "from consistency import pipeline",
    "cli/__init__.py": "import importlib\nimport click\nfrom consistency import __version__",
}


@pytest.mark.parametrize("check", CHECKS)
def test_a_sound_house_is_left_in_peace(check: Check) -> None:
    assert check(built(SOUND)) == []
