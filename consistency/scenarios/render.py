"""Rendering an item in its arms."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property

from consistency import seeds
from consistency.errors import ContentError
from consistency.records.base import Arm, Json
from consistency.records.rendering import Rendering
from consistency.records.scenario import CallStep, Cell, Script, Step, Wording
from consistency.scenarios import factors, surface, template
from consistency.scenarios.head import ScriptHead
from consistency.scenarios.library import Library, Scenario
from consistency.scenarios.template import Template, compile_tree

_BLANK_LINES = re.compile(r"\n{3,}")
_TRAILING = re.compile(r"[ \t]+\n")

#: The blocks of a user's further messages.
FOLLOW_UP = re.compile(r"user_([2-9])")


@dataclass(frozen=True)
class Item:
    """Scenario × cell × surface variant, the unit of pairing."""

    scenario: str
    cell: Cell
    variant: int
    seed: int

    @property
    def id(self) -> str:
        """The item as one string, unique in a study."""
        return f"{self.scenario}/{factors.key(self.cell)}/v{self.variant}"


@dataclass(frozen=True)
class Skeleton:
    """An item rendered with markers in its cue slots. `context` holds the cell's levels and the surface's values."""

    item: Item
    context: dict[str, Json]
    system: str
    user: str
    follow_ups: tuple[str, ...]
    world: dict[str, Json]
    signs: dict[str, dict[str, Json]]

    @property
    def texts(self) -> list[Json]:
        """Everything that a model may come to read, as one tree."""
        return [self.system, self.user, list(self.follow_ups), self.world]

    @cached_property
    def slots(self) -> set[str]:
        """The cue slots that stand in this item."""
        return set(template.slots(self.texts))

    @cached_property
    def world_of(self) -> template.Render:
        """The world as a function of a wording's texts."""
        return template.slotted(self.world)


class Renderer:
    """Renders the items of one scenario."""

    def __init__(self, library: Library, scenario: Scenario) -> None:
        self.scenario = scenario
        self.pools = {name: library.pools[name] for name in scenario.pools}

    @cached_property
    def body(self) -> Template:
        """The template of the system message and of what the user says."""
        document = self.scenario.document
        return Template(document.body, document.path, document.body_line)

    @cached_property
    def world(self) -> template.Render:
        """The tables of the world, as a function of the context."""
        return compile_tree(self.scenario.document, self.scenario.head.world, "world")

    @cached_property
    def signs(self) -> template.Render:
        """The signs of the probes, as a function of the context."""
        return compile_tree(self.scenario.document, self.scenario.head.signs, "signs")

    @cached_property
    def controls(self) -> dict[str, list[tuple[dict[str, tuple[str, ...]], template.Render]]]:
        """The steps of both controls with the levels that they stand for."""
        controls = self.scenario.head.controls
        return {name: self._steps(name, getattr(controls, name)) for name in ("faithful", "misbehaving")}

    def _steps(self, name: str, head: ScriptHead) -> list[tuple[dict[str, tuple[str, ...]], template.Render]]:
        compiled = []
        for index, step in enumerate(head.steps):
            content = {key: value for key, value in step.items() if key != "when"}
            place = ("controls", name, "steps", index)
            compiled.append((step.get("when", {}), compile_tree(self.scenario.document, content, *place)))
        return compiled

    @cached_property
    def fragments(self) -> dict[str, template.Render]:
        """The texts and values that other templates use by name, in the order of the head."""
        document = self.scenario.document
        return {
            name: compile_tree(document, value, "fragments", name)
            for name, value in self.scenario.head.fragments.items()
        }

    def context(self, item: Item) -> dict[str, Json]:
        """Levels, surface values drawn from the item's seed, and the fragments made of both."""
        rng = seeds.stream("surface", item.seed, item.id)
        return self._with_fragments({**item.cell, **surface.draw(self.scenario.forms, self.pools, rng)})

    def _with_fragments(self, context: dict[str, Json]) -> dict[str, Json]:
        for name, render in self.fragments.items():
            context[name] = render(context)
        return context

    def skeleton(self, item: Item) -> Skeleton:
        """The item with markers in its cue slots. Raises ContentError with the line of what cannot be rendered."""
        return self._skeleton(item, self.context(item))

    def with_surface(self, context: Mapping[str, Json], cell: Cell) -> Skeleton:
        """A cell under the surface of another: what is left between the two is what the levels say."""
        return self._skeleton(Item(self.scenario.id, cell, 0, 0), self._with_fragments({**context, **cell}))

    def _skeleton(self, item: Item, context: dict[str, Json]) -> Skeleton:
        marked = {**context, "cue": template.MARKERS}
        blocks = self.body.blocks(marked)
        world = {name: _existing(table) for name, table in self.world(marked).items()}
        follow_ups = tuple(_tidy(blocks[name]) for name in _follow_ups(blocks))
        system, user = _tidy(blocks.get("system", "")), _tidy(blocks.get("user", ""))
        rendered = Skeleton(item, context, system, user, follow_ups, world, self.signs(context))
        if template.leftovers(rendered.texts):
            document = self.scenario.document
            message = "a cue slot is plain text: a filter or slice was put on it"
            raise ContentError([document.problem(message)])
        return rendered

    def arm(self, skeleton: Skeleton, wording: Wording, arm: Arm) -> Rendering:
        """One arm of a skeleton under a wording."""
        texts = {slot: text for slot, text in cue_texts(wording, arm, skeleton).items() if slot in skeleton.slots}
        said = (_without_empty(text, texts) for text in (skeleton.system, skeleton.user, *skeleton.follow_ups))
        system, user, *follow_ups = (template.fill(text, texts) for text in said)
        return Rendering(
            arm=arm,
            system=system,
            user=user,
            follow_ups=tuple(follow_ups),
            world=skeleton.world_of(texts),
            tools=self.scenario.head.tools,
            signs=skeleton.signs,
            max_turns=self.scenario.head.max_turns,
            cue_texts=texts,
        )

    def script(self, skeleton: Skeleton) -> Script:
        """The item's two controls."""
        return Script(
            faithful=self._control(skeleton, "faithful"),
            misbehaving=self._control(skeleton, "misbehaving"),
        )

    def _control(self, skeleton: Skeleton, name: str) -> tuple[Step, ...]:
        steps = []
        for when, render in self.controls[name]:
            if when and not factors.matches(skeleton.item.cell, when):
                continue
            content = render(skeleton.context)
            calls = tuple(
                CallStep(tool=call["tool"], arguments={key: value for key, value in call.items() if key != "tool"})
                for call in content.get("calls", ())
            )
            steps.append(Step(say=content.get("say", ""), calls=calls))
        return tuple(steps)


def cue_texts(wording: Wording, arm: Arm, skeleton: Skeleton) -> dict[str, str]:
    """The texts of a wording's arm by slot, rendered in the item's surface."""
    path = f"cue wording {wording.id}"
    return {
        slot: _wording_template(text, path, wording.line).render(skeleton.context) if "{" in text else text
        for slot, text in wording.texts[arm].items()
    }


_wording_template = cache(Template)


def _follow_ups(blocks: Mapping[str, str]) -> list[str]:
    """The blocks `user_2`, `user_3`, … that say something, in their order."""
    numbered = sorted((int(found[1]), name) for name in blocks if (found := FOLLOW_UP.fullmatch(name)))
    return [name for _, name in numbered if blocks[name].strip()]


def _without_empty(text: str, texts: Mapping[str, str]) -> str:
    """A tidy text without the slots that a wording leaves empty."""
    left = template.drop_slots(text, texts)
    return left if left is text else _tidy(left)


def _tidy(text: str) -> str:
    if " \n" in text or "\t\n" in text:
        text = _TRAILING.sub("\n", text)
    if "\n\n\n" in text:
        text = _BLANK_LINES.sub("\n\n", text)
    return text.strip()


def _existing(table: Mapping[str, Json]) -> dict[str, Json]:
    """A service's table without the texts that rendered to nothing."""
    return {key: value for key, value in table.items() if not (isinstance(value, str) and not value.strip())}
