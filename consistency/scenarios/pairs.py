"""From a study to its matched pairs, and back from a plan to their renderings."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from consistency import seeds
from consistency.errors import ConfigurationError
from consistency.frontmatter import Place
from consistency.records.base import Arm, Json, digest
from consistency.records.plan import Pair, Plan
from consistency.records.probe import ANY_PROBE
from consistency.records.rendering import Rendering
from consistency.records.scenario import Cue, Script, Wording
from consistency.scenarios import factors, template
from consistency.scenarios.head import Head
from consistency.scenarios.library import Library, Scenario
from consistency.scenarios.render import Item, Renderer, Skeleton
from consistency.study import Study


@dataclass(frozen=True)
class Draw:
    """An item, and the wording drawn for it."""

    item: Item
    cue: Cue
    wording: Wording
    repeat: int

    @property
    def id(self) -> str:
        """The pair's id, unique in a study."""
        return f"{self.item.id}/{self.cue.id}/r{self.repeat}"


def items(study: Study, scenario: Scenario) -> list[Item]:
    """The items of a scenario: its cells, kept levels only, each in as many surface variants as the study asks for."""
    cells = factors.cells(scenario.head, study.factors)
    if not cells:
        raise ConfigurationError(f"study {study.name!r} keeps no cell of {scenario.id}: see its [factors]")
    variants = range(1, study.variants + 1)
    return [Item(scenario.id, cell, variant, study.seed) for cell in cells for variant in variants]


class Dealer:
    """Deals the wordings of a cue from shuffled decks, one deck after another.

    All are used equally often where all scenarios have all slots; what does not fit stays for the next that it fits.
    """

    def __init__(self, study: Study, cue: Cue) -> None:
        self.cue = cue
        self._rng = seeds.stream("wordings", study.seed, cue.id)
        self._deck: list[Wording] = []

    def deal(self, slots: set[str]) -> Wording | None:
        """The next wording that fits these slots, or None if the cue has none that does."""
        if not any(wording.fits(slots) for wording in self.cue.wordings):
            return None
        while True:
            for index in reversed(range(len(self._deck))):
                if self._deck[index].fits(slots):
                    return self._deck.pop(index)
            self._deck = [*self._rng.sample(self.cue.wordings, len(self.cue.wordings)), *self._deck]


def faults(study: Study, library: Library) -> Iterator[tuple[Place, str]]:
    """Where a study names what is not there: the place in the study, and a message that says what there is."""
    scenarios: dict[str, Scenario] = {}
    for index, pattern in enumerate(study.scenarios):
        try:
            scenarios |= {scenario.id: scenario for scenario in library.select([pattern])}
        except ConfigurationError as error:
            yield ("scenarios", index), str(error)
    if scenarios:
        heads = [scenario.head for scenario in scenarios.values()]
        yield from _cue_faults(study, library, list(scenarios.values()))
        yield from _factor_faults(study, heads)
        yield from _unused(study, library, list(scenarios.values()))
        probes = sorted({probe for head in heads for probe in head.probes} | {ANY_PROBE})
        for probe in study.analysis.primary:
            if probe not in probes:
                message = (
                    f"none of the study's scenarios has the primary probe {probe!r}; they have {', '.join(probes)}"
                )
                yield ("analysis", "primary"), message


def _cue_faults(study: Study, library: Library, scenarios: list[Scenario]) -> Iterator[tuple[Place, str]]:
    for index, cue in enumerate(study.cues):
        if cue not in library.cues:
            yield ("cues", index), f"unknown cue {cue!r}; there are: {', '.join(library.cues)}"
        elif not any(scenario.takes(library.cues[cue]) for scenario in scenarios):
            yield ("cues", index), f"none of the study's scenarios takes the cue {cue!r}"


def _unused(study: Study, library: Library, scenarios: list[Scenario]) -> Iterator[tuple[Place, str]]:
    """Scenarios of which nothing would be run: no cell that is kept meets a cue that it takes."""
    cues = [library.cues[name] for name in study.cues if name in library.cues]
    for scenario in scenarios:
        kept = factors.cells(scenario.head, study.factors)
        if kept and not any(
            scenario.takes(cue) and not factors.excludes(scenario.head, cell, cue) for cell in kept for cue in cues
        ):
            message = f"nothing of {scenario.id} would be run: it takes none of the cues in the cells that are kept"
            yield ("scenarios",), message


def _factor_faults(study: Study, heads: list[Head]) -> Iterator[tuple[Place, str]]:
    for factor, kept in study.factors.items():
        levels = sorted({level for head in heads for level in head.factors.get(factor, ())})
        if not levels:
            yield ("factors", factor), f"none of the study's scenarios has the factor {factor!r}"
        elif unknown := [level for level in kept if level not in levels]:
            yield ("factors", factor), f"factor {factor!r} has no {', '.join(unknown)}; it has {', '.join(levels)}"


class Stage:
    """Renders the pairs of a study or plan, with the last few items kept ready."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._renderers: dict[str, Renderer] = {}
        self.skeleton = lru_cache(maxsize=64)(self._skeleton)

    def renderer(self, scenario: str) -> Renderer:
        """The renderer of a scenario, by id."""
        if scenario not in self._renderers:
            self._renderers[scenario] = Renderer(self.library, self.library.scenarios[scenario])
        return self._renderers[scenario]

    def _skeleton(self, scenario: str, cell: tuple[tuple[str, str], ...], variant: int, seed: int) -> Skeleton:
        return self.renderer(scenario).skeleton(Item(scenario, dict(cell), variant, seed))

    def of_item(self, item: Item) -> Skeleton:
        """An item with markers in its cue slots."""
        return self.skeleton(item.scenario, tuple(item.cell.items()), item.variant, item.seed)

    def draws(self, study: Study) -> Iterator[Draw]:
        """Every item with every cue that both study and scenario name, and a wording drawn anew for each repeat.

        Raises ConfigurationError for a study that names what is not there, and where a cue reaches no slot of an item.
        """
        if found := [message for _, message in faults(study, self.library)]:
            raise ConfigurationError(f"study {study.name!r}: " + "; ".join(found))
        dealers = [Dealer(study, self.library.cues[name]) for name in study.cues]
        for scenario in self.library.select(study.scenarios):
            taken = [dealer for dealer in dealers if scenario.takes(dealer.cue)]
            for item in items(study, scenario) if taken else ():
                slots = self.of_item(item).slots
                for dealer in taken:
                    if factors.excludes(scenario.head, item.cell, dealer.cue):
                        continue
                    for repeat in range(1, study.repeats + 1):
                        wording = dealer.deal(slots)
                        if wording is None:
                            raise ConfigurationError(f"{item.id}: no wording of {dealer.cue.id!r} fills its slots")
                        yield Draw(item, dealer.cue, wording, repeat)

    def pair(self, draw: Draw, arms: tuple[Arm, ...]) -> tuple[Pair, dict[Arm, Rendering]]:
        """A drawn pair and its renderings."""
        skeleton = self.of_item(draw.item)
        renderer = self.renderer(draw.item.scenario)
        head = renderer.scenario.head
        renderings = {arm: renderer.arm(skeleton, draw.wording, arm) for arm in arms}
        slots = tuple(sorted(renderings[arms[0]].cue_texts))
        pair = Pair(
            id=draw.id,
            item=draw.item.id,
            scenario=draw.item.scenario,
            family=head.family,
            cell=draw.item.cell,
            variant=draw.item.variant,
            repeat=draw.repeat,
            cue=draw.cue.id,
            cue_family=draw.cue.family,
            wording=draw.wording.id,
            strength=draw.wording.strength,
            dose=draw.wording.dose,
            control=factors.matches(draw.item.cell, head.no_temptation),
            probes=head.probes,
            renderings={arm: digest(rendering.to_json()) for arm, rendering in renderings.items()},
            slots=slots,
        )
        return pair, renderings


class PlanStage:
    """Renders the pairs of a frozen plan from the sources that it carries."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.stage = Stage(Library(plan.sources))
        self.seed = int(plan.study["seed"])
        self._wordings = {
            (cue.id, wording.id): wording for cue in self.stage.library.cues.values() for wording in cue.wordings
        }

    def rendering(self, pair: Pair, arm: Arm) -> Rendering:
        """One arm of a pair, verified against the plan's digest. Raises ConfigurationError where it differs."""
        rendering = self._arm(pair, arm)
        if digest(rendering.to_json()) != pair.renderings[arm]:
            raise ConfigurationError(f"{pair.id}: the {arm} arm no longer renders to what the plan froze")
        return rendering

    def _arm(self, pair: Pair, arm: Arm) -> Rendering:
        wording = self._wordings[pair.cue, pair.wording]
        return self.stage.renderer(pair.scenario).arm(self._skeleton(pair), wording, arm)

    def _skeleton(self, pair: Pair) -> Skeleton:
        return self.stage.of_item(Item(pair.scenario, pair.cell, pair.variant, self.seed))

    def script(self, pair: Pair) -> Script:
        """The two controls of a pair."""
        return self.stage.renderer(pair.scenario).script(self._skeleton(pair))

    def signs(self, pair: Pair) -> dict[str, dict[str, Json]]:
        """How each probe of a pair shows: its rule and parameters."""
        return self._skeleton(pair).signs

    def effort(self, pair: Pair) -> tuple[int, int, int, int]:
        """Calls, input tokens and output tokens that one faithful trial takes, and turns that peers take in it.

        Four characters make a token.
        Results of tools are not known before a run: each call is counted as reading a file of average length.
        """
        skeleton = self._skeleton(pair)
        texts = [text for _, text in template.strings(skeleton.world) if "\n" in text]
        result = sum(map(len, texts)) // max(1, len(texts))
        context = sum(map(len, (skeleton.system, skeleton.user, *skeleton.follow_ups)))
        read, written = 0, 0
        steps = self.stage.renderer(pair.scenario).script(skeleton).faithful
        for step in steps:
            said = len(step.say) + sum(len(str(call.arguments)) for call in step.calls)
            read, written = read + context, written + said
            context += said + result * len(step.calls)
        channels = skeleton.world.get("channels", {})
        posts = [call.arguments.get("channel") for step in steps for call in step.calls if call.tool == "post_message"]
        turns = sum(len(channels.get(name, {}).get("members", {})) for name in posts)
        return len(steps), read // 4, written // 4, turns

    def openings(self) -> Iterator[tuple[Pair, Arm, Rendering]]:
        """Every arm of every pair, rendered."""
        for pair in self.plan.pairs:
            for arm in pair.renderings:
                yield pair, arm, self._arm(pair, arm)
