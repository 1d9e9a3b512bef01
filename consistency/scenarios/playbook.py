"""What simulated models act from: which rendering a conversation belongs to, and the scripts of its item.

A simulated model is given this and nothing else; it finds its place by what it reads. Real models never get it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from consistency import seeds
from consistency.records.base import Arm, text_digest
from consistency.records.exchange import Message
from consistency.records.plan import Pair, Plan
from consistency.records.scenario import Part, Script
from consistency.scenarios.pairs import PlanStage


@dataclass(frozen=True)
class _Candidate:
    pair: Pair
    arm: Arm
    later_texts: tuple[str, ...]


class _Openings:
    """By opening: the arms of pairs that begin so, and what peers whose persona it is say, earlier posts included."""

    def __init__(self, stage: PlanStage) -> None:
        self.arms: dict[str, list[_Candidate]] = {}
        self.lines: dict[str, dict[str, tuple[Pair, tuple[str, ...]]]] = {}
        for pair, arm, rendering in stage.openings():
            later = tuple(text for slot, text in rendering.cue_texts.items() if slot not in ("system", "user"))
            opening = _opening(rendering.system, rendering.user)
            self.arms.setdefault(opening, []).append(_Candidate(pair, arm, later))
            for channel in rendering.world.get("channels", {}).values():
                for name, member in channel.get("members", {}).items():
                    before = [post["text"] for post in channel.get("posts", ()) if post["author"] == name]
                    said = self.lines.setdefault(text_digest(member["persona"].strip()), {})
                    said[pair.id] = pair, (*before, *member["lines"])


class PlanPlaybook:
    """The playbook of a plan. The first question to it renders every pair once."""

    def __init__(self, plan: Plan) -> None:
        self._stage = PlanStage(plan)
        self._script = lru_cache(maxsize=4096)(self._render_script)
        self._pairs = {pair.item: pair for pair in plan.pairs}

    @cached_property
    def _openings(self) -> _Openings:
        return _Openings(self._stage)

    def _render_script(self, item: str) -> Script:
        return self._stage.script(self._pairs[item])

    def part(self, messages: Sequence[Message], seed: int | None) -> Part | None:
        """The part that the conversation's opening belongs to, or None if it is no rendering of this plan."""
        if len(messages) < 2:
            return None
        candidates = self._openings.arms.get(_opening(messages[0].content, messages[1].content))
        if not candidates:
            return None
        if len({candidate.pair.id for candidate in candidates}) > 1:
            candidates = [found for found in candidates if seed in self._seeds(found.pair)] or candidates
        pair = candidates[0].pair
        arms = {candidate.arm for candidate in candidates}
        if len(arms) > 1:
            read = "\n".join(message.content for message in messages if message.role == "tool")
            arms = {found.arm for found in candidates if all(text in read for text in found.later_texts)}
        arm = arms.pop() if len(arms) == 1 else None
        return Part(
            arm=arm,
            script=self._script(pair.item),
            item=pair.item,
            cue_family=pair.cue_family,
            dose=pair.dose,
            tempted=not pair.control,
        )

    def _seeds(self, pair: Pair) -> tuple[int, ...]:
        return tuple(seeds.of_trial(self._stage.seed, pair.id, arm) for arm in pair.renderings)

    def lines(self, messages: Sequence[Message], seed: int | None) -> tuple[str, ...] | None:
        """What the peer says whose persona opens the conversation, or None if it is no peer of this plan."""
        named = self._openings.lines.get(text_digest(messages[0].content), {}) if messages else {}
        found = list(named.values())
        if len({lines for _, lines in found}) > 1:
            found = [said for said in found if seed in self._seeds(said[0])] or found
        return found[0][1] if found else None


def _opening(system: str, user: str) -> str:
    return text_digest(f"{system}\x1f{user}")
