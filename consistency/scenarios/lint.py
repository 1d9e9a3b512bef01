"""What must be true of a scenario before anything is run with it: names, templates, cells, surfaces, slots."""

from collections import Counter
from collections.abc import Iterator

from consistency.errors import ContentError, Problem
from consistency.records.base import Json, digest
from consistency.records.scenario import CUE_SLOTS, Cell
from consistency.scenarios import factors, template
from consistency.scenarios.head import RESERVED, SPLITS, PoolForm, SampleForm
from consistency.scenarios.library import Library, Scenario
from consistency.scenarios.render import FOLLOW_UP, Item, Renderer, Skeleton

#: Surface variants of every cell that are rendered to find what only some draws bring out.
_VARIANTS = 3
_STEP_KEYS = {"say", "calls", "when"}


def faults(library: Library, scenario: Scenario) -> Iterator[Problem]:
    """Everything that is wrong with a scenario by itself. Rendering is tried only where the names are right."""
    named = [*_names(library, scenario), *_cells(scenario), *_surface(library, scenario), *_steps(scenario)]
    named = named or list(_exclusions(library, scenario))
    yield from named
    variables = list(_variables(scenario))
    yield from variables
    if not named and not variables:
        yield from _renderings(library, scenario)


def _names(library: Library, scenario: Scenario) -> Iterator[Problem]:
    head, document = scenario.head, scenario.document
    if head.family != scenario.id.rpartition("/")[0]:
        yield document.problem(f"family {head.family!r} is not its folder {scenario.id.rpartition('/')[0]!r}", "family")
    cues = [*library.cues, *(cue.family for cue in library.cues.values())]
    for kind, names, known in (("cue", head.cues, dict.fromkeys(cues)), ("probe", head.probes, library.probes)):
        for name in names:
            if name not in known:
                yield document.problem(f"unknown {kind} {name!r}; there are: {', '.join(known)}", f"{kind}s")
    for probe in head.probes:
        if probe not in head.signs:
            yield document.problem(f"probe {probe!r} has no [signs.{probe}]", "probes")
    for probe in head.signs:
        if probe not in head.probes:
            yield document.problem(f"sign of {probe!r}, which is not among the probes", "signs", probe)
    yield from _own_names(library, scenario)


def _own_names(library: Library, scenario: Scenario) -> Iterator[Problem]:
    """Names that must be the scenario's alone: its canary and its variables."""
    head, document = scenario.head, scenario.document
    twins = [
        other.id for other in library.scenarios.values() if other.head.canary == head.canary and other is not scenario
    ]
    if twins:
        yield document.problem(f"the canary is that of {', '.join(twins)} too", "canary")
    taken: dict[str, str] = dict.fromkeys(RESERVED, "reserved")
    for table in ("factors", "surface", "fragments"):
        for name in getattr(head, table):
            if name in taken:
                yield document.problem(f"the name {name!r} is taken: {taken[name]}", table, name)
            taken[name] = f"it stands in [{table}]"


def _cells(scenario: Scenario) -> Iterator[Problem]:
    head, document = scenario.head, scenario.document
    for name, levels in head.factors.items():
        if name in SPLITS:
            yield document.problem(f"no factor may be called {name!r}: results are split by it anyway", "factors", name)
        if len(set(levels)) < len(levels) or not levels:
            yield document.problem(f"factor {name!r} needs different levels; found {list(levels)}", "factors", name)
    cells = factors.cells(head)
    if not cells:
        yield document.problem("no cell is left: everything is excluded", "exclude")
    if head.no_temptation:
        wanted = {name: (level,) for name, level in head.no_temptation.items()}
        unknown = list(_levels(scenario, wanted, "no_temptation"))
        yield from unknown
        matching = [cell for cell in cells if factors.matches(cell, head.no_temptation)]
        if not unknown and not 0 < len(matching) < len(cells):
            yield document.problem(f"no_temptation names {len(matching)} of {len(cells)} cells", "no_temptation")
    for name in ("faithful", "misbehaving"):
        for index, step in enumerate(getattr(head.controls, name).steps):
            if isinstance(step.get("when"), dict):
                yield from _levels(scenario, step["when"], "controls", name, "steps", index)


def _exclusions(library: Library, scenario: Scenario) -> Iterator[Problem]:
    for index, rule in enumerate(scenario.head.exclude):
        yield from _levels(scenario, {name: rule[name] for name in rule if name != "cue"}, "exclude", index)
        taken = scenario.cues(library.cues.values())
        known = dict.fromkeys([*(cue.family for cue in taken), *(cue.id for cue in taken)])
        if unknown := [name for name in rule.get("cue", ()) if name not in known]:
            message = f"cue {', '.join(map(repr, unknown))} is not among the scenario's: {', '.join(known)}"
            yield scenario.document.problem(message, "exclude", index)


def _levels(scenario: Scenario, rule: dict[str, Json], *place: str | int) -> Iterator[Problem]:
    known = scenario.head.factors
    for name, levels in rule.items():
        if name not in known:
            message = f"unknown factor {name!r}; there are: {', '.join(known) or 'none'}"
            yield scenario.document.problem(message, *place, name)
        elif unknown := [level for level in levels if level not in known[name]]:
            message = f"factor {name!r} has no level {', '.join(map(repr, unknown))}; it has {', '.join(known[name])}"
            yield scenario.document.problem(message, *place, name)


def _surface(library: Library, scenario: Scenario) -> Iterator[Problem]:
    drawn: dict[str, int] = {}
    for name, form in scenario.forms.items():
        if not isinstance(form, (PoolForm, SampleForm)) or form.pool is None:
            continue
        if form.pool not in library.pools:
            message = f"unknown pool {form.pool!r}; there are: {', '.join(library.pools)}"
            yield scenario.document.problem(message, "surface", name)
            continue
        size = len(library.pools[form.pool])
        drawn[form.pool] = drawn.get(form.pool, 0) + isinstance(form, PoolForm)
        wanted = form.sample if isinstance(form, SampleForm) else drawn[form.pool]
        if wanted > size:
            message = f"pool {form.pool!r} has {size} entries; {wanted} are drawn"
            yield scenario.document.problem(message, "surface", name)


def _steps(scenario: Scenario) -> Iterator[Problem]:
    for name in ("faithful", "misbehaving"):
        for index, step in enumerate(getattr(scenario.head.controls, name).steps):
            place = ("controls", name, "steps", index)
            if unknown := set(step) - _STEP_KEYS:
                message = f"a step has say, calls and when; found {', '.join(sorted(unknown))}"
                yield scenario.document.problem(message, *place)
            calls = step.get("calls", [])
            if not isinstance(calls, list) or not all(isinstance(call, dict) and "tool" in call for call in calls):
                yield scenario.document.problem("calls is a list of tables, each with a tool", *place)
            elif not calls and not step.get("say"):
                yield scenario.document.problem("a step says something, calls something, or both", *place)


def _variables(scenario: Scenario) -> Iterator[Problem]:
    """Undefined variables in all branches of all templates, taken or not; and surface variables never used."""
    head, document = scenario.head, scenario.document
    known = {*head.factors, *head.surface, *head.fragments}
    used: set[str] = set()
    texts: list[tuple[int, str, set[str]]] = [(document.body_line, document.body, known | {"cue"})]
    for table, extra in (("fragments", set()), ("world", {"cue"}), ("signs", set()), ("controls", set())):
        found = document.data.get(table, {})
        texts += [(document.text_line(*place), text, known | extra) for place, text in template.strings(found, table)]
    for line, text, allowed in texts:
        if "{" not in text:
            continue
        try:
            template.Template(text, document.path, line)
        except ContentError as error:
            yield from error.problems
            continue
        variables = template.variables(text)
        used |= variables
        for name in sorted(variables - allowed):
            yield Problem(document.path, line + _line_within(text, name), f"undefined variable {name!r}")
    for table in ("surface", "fragments"):
        for name in getattr(head, table):
            if name not in used and name not in ("company", "lead"):
                yield document.problem(f"{name!r} is never used", table, name)


def _line_within(text: str, name: str) -> int:
    for number, line in enumerate(text.split("\n")):
        if "{" in line and name in line:
            return number
    return 0


def _renderings(library: Library, scenario: Scenario) -> Iterator[Problem]:
    """What only rendering shows: failing expressions, empty messages, the canary, cells alike, unused cue slots."""
    renderer = Renderer(library, scenario)
    alike: dict[str, Cell] = {}
    skeletons: list[Skeleton] = []
    for cell in factors.cells(scenario.head):
        try:
            for variant in range(_VARIANTS):
                skeletons.append(renderer.skeleton(Item(scenario.id, cell, variant, seed=0)))
                renderer.script(skeletons[-1])
            text = digest(renderer.with_surface(skeletons[0].context, cell).texts)
        except ContentError as error:
            yield from error.problems
            return
        if text in alike:
            message = f"cells {factors.key(alike[text])} and {factors.key(cell)} render alike: exclude one"
            yield scenario.document.problem(message, "factors")
        alike[text] = cell
    yield from _blocks(scenario, renderer)
    for skeleton in skeletons:
        yield from _opening(skeleton, scenario)
    for skeleton in skeletons[::_VARIANTS]:
        yield from _slots(library, scenario, skeleton)


def _opening(skeleton: Skeleton, scenario: Scenario) -> Iterator[Problem]:
    document = scenario.document
    for name in ("system", "user"):
        if not getattr(skeleton, name).strip():
            yield Problem(document.path, document.body_line, f"block {name!r} is missing or renders to nothing")
    if any("consistency-canary" in text for _, text in template.strings(skeleton.texts)):
        yield document.problem("the canary is rendered: no model may see it", "canary")


def _blocks(scenario: Scenario, renderer: Renderer) -> Iterator[Problem]:
    document = scenario.document
    names = sorted(renderer.body.compiled.blocks)
    follow_ups = [name for name in names if FOLLOW_UP.fullmatch(name)]
    if unknown := set(names) - {"system", "user", *follow_ups}:
        message = f"unknown block {', '.join(sorted(unknown))}; there are: system, user, user_2, user_3, …"
        yield Problem(document.path, document.body_line, message)
    elif follow_ups != [f"user_{number}" for number in range(2, 2 + len(follow_ups))]:
        message = f"further user blocks are numbered from 2 without gaps; found {', '.join(follow_ups)}"
        yield Problem(document.path, document.body_line, message)


def _slots(library: Library, scenario: Scenario, skeleton: Skeleton) -> Iterator[Problem]:
    """A cue must reach the model, once: of every cue, some wordings fill slots that the scenario has."""
    document = scenario.document
    counts = Counter(template.slots(skeleton.texts))
    if unknown := counts.keys() - set(CUE_SLOTS):
        yield Problem(document.path, document.body_line, f"unknown cue slot {', '.join(sorted(unknown))}")
    for name, channel in skeleton.world.get("channels", {}).items():
        if isinstance(channel, dict) and channel.get("members") and template.slots(channel):
            message = (
                f"a cue slot stands in the channel {name!r}, whose members would read it: they are alike in all arms"
            )
            yield document.problem(message, "world", "channels", name)
    for slot, count in counts.items():
        if count > 1:
            message = f"the cue slot {slot!r} stands {count} times in cell {factors.key(skeleton.item.cell)}"
            yield Problem(document.path, document.body_line, message)
    for cue in scenario.cues(library.cues.values()):
        if not any(wording.fits(skeleton.slots) for wording in cue.wordings):
            has = ", ".join(sorted(skeleton.slots)) or "no slot"
            fills = ", ".join(sorted({slot for wording in cue.wordings for slot in wording.texts["evaluation"]}))
            yield document.problem(f"the wordings of cue {cue.id!r} fill {fills}; the scenario has {has}", "cues")
