"""The table that all estimates are made from: one cell for each arm of each pair, with what is known of it."""

from collections.abc import Iterable
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from consistency.errors import StoreError
from consistency.records.base import Arm
from consistency.records.plan import Pair, Plan
from consistency.records.probe import ANY_PROBE, Judgment
from consistency.records.scenario import Cell
from consistency.records.trial import Ending, Outcome
from consistency.stats.outcomes import BoolArray, FloatArray, IntArray

Refusals = Literal["not_misbehaviour", "misbehaviour", "missing"]
_REFUSED: dict[Refusals, float] = {"not_misbehaviour": 0.0, "misbehaviour": 1.0, "missing": np.nan}

_STATES: tuple[Outcome | Literal["not_run"], ...] = ("not_run", "completed", "refused", "incomplete", "failed")


class Layout:
    """The pairs of a plan as columns, one entry per pair in the plan's order; shared by all models of a run."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.pairs = plan.pairs
        self.arms: tuple[Arm, ...] = tuple(plan.study["arms"])
        self.position = {pair.id: index for index, pair in enumerate(plan.pairs)}
        self.column = {arm: index for index, arm in enumerate(self.arms)}
        #: The probe that says whether a trial was taken for a test; it is no misbehaviour.
        self.manipulation: str | None = plan.study["analysis"]["manipulation"]

    def pair(self, id_: str) -> Pair:
        """A pair by its id."""
        return self.pairs[self.position[id_]]

    def codes(self, field: str) -> IntArray:
        """The item, scenario or wording of each pair as an integer, equal where it is the same."""
        return self._codes[field]

    @cached_property
    def _codes(self) -> dict[str, IntArray]:
        found = {field: codes(getattr(pair, field) for pair in self.pairs) for field in ("item", "scenario")}
        return {**found, "wording": codes(f"{pair.cue}/{pair.wording}" for pair in self.pairs)}

    @cached_property
    def cue_family(self) -> NDArray[np.str_]:
        """The family of each pair's cue."""
        return np.array([pair.cue_family for pair in self.pairs], dtype=np.str_)

    @cached_property
    def control(self) -> BoolArray:
        """Where nothing is at stake: the pairs of the no-temptation twin."""
        return np.array([pair.control for pair in self.pairs], dtype=bool)

    @cached_property
    def look(self) -> IntArray:
        """The look by which each pair is to be run."""
        return np.array([pair.look for pair in self.pairs], dtype=np.int64)

    @cached_property
    def levels(self) -> dict[str, NDArray[np.str_]]:
        """By factor, the level of each pair; empty where the pair does not have that factor."""
        found = [pair.levels for pair in self.pairs]
        factors = dict.fromkeys(factor for levels in found for factor in levels)
        return {factor: np.array([levels.get(factor, "") for levels in found], dtype=np.str_) for factor in factors}

    def has(self, probe: str) -> BoolArray:
        """Which pairs have a probe; all have `ANY_PROBE`."""
        return self._probes[probe] if probe != ANY_PROBE else np.ones(len(self.pairs), dtype=bool)

    @cached_property
    def _probes(self) -> dict[str, BoolArray]:
        names = sorted({probe for pair in self.pairs for probe in pair.probes})
        return {name: np.array([name in pair.probes for pair in self.pairs], dtype=bool) for name in names}

    @property
    def probes(self) -> list[str]:
        """The probes that any pair has."""
        return list(self._probes)

    def agree(self, cell: Cell | None) -> BoolArray:
        """Which pairs have all levels of a cell; all agree with None."""
        agreed = np.ones(len(self.pairs), dtype=bool)
        for factor, level in (cell or {}).items():
            agreed &= self.levels[factor] == level if factor in self.levels else False
        return agreed


class Table:
    """All planned trials of one model: arrays of pairs × arms.

    `due` says which pairs are to be analysed: all, or those up to a look.
    """

    def __init__(self, layout: Layout, model: str, due: BoolArray | None = None) -> None:
        shape = (len(layout.pairs), len(layout.arms))
        self.layout = layout
        self.model = model
        self.due: BoolArray = np.ones(shape[0], dtype=bool) if due is None else due
        self.state: NDArray[np.int8] = np.zeros(shape, dtype=np.int8)
        self.endings: list[Ending] = []
        self._judged: dict[str, FloatArray] = {name: np.full(shape, np.inf) for name in layout.probes}

    def add_ending(self, ending: Ending) -> None:
        """Enters how a trial ended."""
        self.state[self._place(ending.pair, ending.arm)] = _STATES.index(ending.outcome)
        self.endings.append(ending)

    def add_judgment(self, judgment: Judgment) -> None:
        """Enters what a scorer said of a trial; unknown where it abstained."""
        value = np.nan if judgment.value is None else judgment.value
        self._judged[judgment.probe][self._place(judgment.key.pair, judgment.key.arm)] = value

    def complete(self, ended: BoolArray) -> None:
        """Enters all trials at once: completed where `ended` (pairs × arms), failed elsewhere."""
        self.state = np.where(ended, _STATES.index("completed"), _STATES.index("failed")).astype(np.int8)

    def judge(self, probe: str, values: FloatArray) -> None:
        """Enters what a scorer said of all trials at once (pairs × arms); NaN where it abstained."""
        self._judged[probe] = values

    def _place(self, pair: str, arm: Arm) -> tuple[int, int]:
        return self.layout.position[pair], self.layout.column[arm]

    def until(self, look: int) -> "Table":
        """The same trials with the pairs due by a look, and no others."""
        return self.within(self.layout.look <= look)

    def within(self, due: BoolArray) -> "Table":
        """The same trials with some pairs due, and no others."""
        table = Table(self.layout, self.model, due)
        table.state, table._judged = self.state, self._judged
        table.endings = [end for end in self.endings if table.due[self.layout.position[end.pair]]]
        return table

    def ended(self, outcome: Outcome) -> BoolArray:
        """Which trials, of pairs × arms, ended so."""
        found: BoolArray = self.state == _STATES.index(outcome)
        return found

    def values(self, probe: str, refusals: Refusals) -> FloatArray:
        """What is known of each trial, pairs × arms: 1 misbehaviour, 0 none, NaN where nothing is known."""
        seen = self._any if probe == ANY_PROBE else self._seen(probe)
        return np.where(self.ended("refused"), _REFUSED[refusals], seen)

    def _seen(self, probe: str) -> FloatArray:
        """The judgments of completed trials. Raises StoreError where one is missing."""
        judged = np.where(self.ended("completed"), self._judged[probe], np.nan)
        lost = np.isinf(judged) & (self.layout.has(probe) & self.due)[:, None]
        if lost.any():
            row, column = (int(index[0]) for index in np.nonzero(lost))
            place = f"{self.model}|{self.layout.pairs[row].id}|{self.layout.arms[column]}"
            raise StoreError(f"{place}: no judgment of {probe}: score the run again before it is analysed")
        return np.where(np.isinf(judged), np.nan, judged)

    @cached_property
    def _any(self) -> FloatArray:
        """The worst judgment of each trial; NaN where nothing is known to be wrong and something is not known."""
        worst = np.full(self.state.shape, -np.inf)
        unknown = np.zeros(self.state.shape, dtype=bool)
        for probe in self.layout.probes:
            if probe == self.layout.manipulation:
                continue
            seen, has = self._seen(probe), self.layout.has(probe)[:, None]
            unknown |= has & np.isnan(seen)
            worst = np.where(has & ~np.isnan(seen), np.maximum(worst, np.nan_to_num(seen)), worst)
        return np.where((worst > 0) | (~unknown & np.isfinite(worst)), worst, np.nan)


def tables(layout: Layout, endings: Iterable[Ending], judgments: Iterable[Judgment]) -> dict[str, Table]:
    """One table per model of the plan, in the plan's order. Trials of other models are an error of the store."""
    models = [entry["name"] for entry in layout.plan.study["models"]]
    found = {model: Table(layout, model) for model in models}
    for ending in endings:
        found[ending.model].add_ending(ending)
    for judgment in judgments:
        found[judgment.key.model].add_judgment(judgment)
    return found


def codes(labels: Iterable[str]) -> IntArray:
    """Labels as integers in the order in which they come."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(label, len(numbers)) for label in labels], dtype=np.int64)
