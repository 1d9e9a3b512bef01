"""What simulated models act from: which rendering a conversation belongs to, and the scripts of its item.

A simulated model is given this and nothing else; it finds its place by what it reads. Real models never get it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

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


class PlanPlaybook:
    """The playbook of a plan. The first question to it renders every pair once."""

    def __init__(self, plan: Plan) -> None:
        self._stage = PlanStage(plan)
        self._script = lru_cache(maxsize=4096)(self._render_script)
        self._pairs = {pair.item: pair for pair in plan.pairs}

    @cached_property
    def _openings(self) -> dict[str, list[_Candidate]]:
        openings: dict[str, list[_Candidate]] = {}
        for pair, arm, rendering in self._stage.openings():
            later = tuple(text for slot, text in rendering.cue_texts.items() if slot not in ("system", "user"))
            opening = _opening(rendering.system, rendering.user)
            openings.setdefault(opening, []).append(_Candidate(pair, arm, later))
        return openings

    def _render_script(self, item: str) -> Script:
        return self._stage.script(self._pairs[item])

    def part(self, messages: Sequence[Message]) -> Part | None:
        """The part that the conversation's opening belongs to, or None if it is no rendering of this plan."""
        if len(messages) < 2:
            return None
        candidates = self._openings.get(_opening(messages[0].content, messages[1].content))
        if not candidates:
            return None
        pair = candidates[0].pair
        arms = {candidate.arm for candidate in candidates}
        if len(arms) > 1:
            read = "\n".join(message.content for message in messages if message.role == "tool")
            arms = {found.arm for found in candidates if all(text in read for text in found.later_texts)}
        arm = arms.pop() if len(arms) == 1 else None
        return Part(arm=arm, script=self._script(pair.item), item=pair.item, tempted=not pair.control)


def _opening(system: str, user: str) -> str:
    return text_digest(f"{system}\x1f{user}")
