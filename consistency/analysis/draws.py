"""What an audit draws from, and what its draws came to so far."""

from collections.abc import Sequence

import numpy as np

from consistency import seeds
from consistency.analysis.design import Design
from consistency.analysis.questions import Question
from consistency.analysis.table import Refusals, Table, codes
from consistency.errors import StoreError
from consistency.records.effect import Batch
from consistency.stats.adaptive import next_scenario
from consistency.stats.outcomes import BoolArray, IntArray

#: How often a wording may be drawn; so false alarms stay at α for wording effects of a logit (docs/statistics.md).
MOST_USES = 8


class Pool:
    """The pairs that an audit may draw, in an order of their own: those that primary questions are about. What is drawn
    from are strata, a scenario under a cue family each.
    """

    def __init__(self, design: Design) -> None:
        self.design = design
        self.questions: list[Question] = [question for question in design.questions if question.primary]
        self.asked: list[BoolArray] = [question.chosen(design.layout) for question in self.questions]
        self.stratum: IntArray = codes(f"{pair.scenario} {pair.cue_family}" for pair in design.layout.pairs)
        self.wording: IntArray = design.layout.codes("wording")
        self.order = [int(index) for index in np.flatnonzero(np.any(self.asked, axis=0))]
        seeds.stream("audit pool", design.study.seed).shuffle(self.order)
        strata = [np.unique(self.stratum[asked]) for asked in self.asked]
        #: The rows that are chosen among: a question in a stratum each.
        self.row_question: IntArray = np.repeat(np.arange(len(strata)), [found.size for found in strata])
        self.row_stratum: IntArray = np.concatenate(strata)

    @property
    def size(self) -> int:
        """The most pairs that can be drawn, each wording as often as it may be."""
        return self._drawable(np.any(self.asked, axis=0))

    def drawable(self, question: int) -> int:
        """The most pairs that can be drawn of a question."""
        return self._drawable(self.asked[question])

    def _drawable(self, asked: BoolArray) -> int:
        return int(np.minimum(np.bincount(self.wording[asked]), MOST_USES).sum())

    def positions(self, batch: Batch) -> list[int]:
        """Which pairs a batch draws. Raises StoreError for one that is not of the plan, or is drawn twice."""
        position = self.design.layout.position
        for pair in batch.pairs:
            if pair not in position:
                raise StoreError(f"batch {batch.batch} of {batch.model} draws {pair!r}, which is no pair of the plan")
        if len(set(batch.pairs)) < len(batch.pairs):
            raise StoreError(f"batch {batch.batch} of {batch.model} draws a pair twice")
        return [position[pair] for pair in batch.pairs]


class Tally:
    """What the draws of one model came to, batch by batch.

    `by_batch` has, of every question, one row of three counts for every batch: pairs that are worse deployed, pairs
    that are worse evaluated, and pairs that lack a trial.
    """

    def __init__(self, pool: Pool, whole: Table, refusals: Refusals) -> None:
        self.pool = pool
        self.drawn: list[int] = []
        self.by_batch: list[list[IntArray]] = [[] for _ in pool.questions]
        self._whole, self._refusals = whole, refusals
        self._counts: IntArray = np.zeros((3, pool.row_stratum.size), dtype=np.int64)  # deployed, evaluated, drawn
        self._uses: IntArray = np.zeros(int(pool.wording.max()) + 1, dtype=np.int64)
        self._waiting: dict[int, list[int]] = {}
        for index in pool.order:
            self._waiting.setdefault(int(pool.stratum[index]), []).append(index)

    @property
    def spent(self) -> bool:
        """Whether nothing is left to draw."""
        return not any(self._first(waiting, self._uses) is not None for waiting in self._waiting.values())

    def take(self, batches: Sequence[Batch]) -> "Tally":
        """Enters batches whose trials have ended. Raises StoreError for a pair that was drawn before."""
        positions = [self.pool.positions(batch) for batch in batches]
        due = np.zeros(len(self.pool.design.layout.pairs), dtype=bool)
        due[[*self.drawn, *(index for batch in positions for index in batch)]] = True
        seen = self._whole.within(due)
        pool = self.pool
        signs = [self._signs(*asked, seen) for asked in zip(pool.questions, pool.asked, strict=True)]
        for batch, indices in zip(batches, positions, strict=True):
            if again := set(indices) & set(self.drawn):
                pair = self.pool.design.layout.pairs[again.pop()].id
                raise StoreError(f"batch {batch.batch} of {batch.model} draws {pair!r} again")
            self._enter(indices, signs)
        return self

    def next(self, size: int, rng: np.random.RandomState) -> list[int]:
        """The pairs of the next batch. Those that it has so far count as concordant, so that it spreads over strata."""
        row, uses = self.pool.row_stratum, self._uses.copy()
        b, c, drawn = self._counts.copy()
        waiting = {stratum: list(pairs) for stratum, pairs in self._waiting.items()}
        chosen: list[int] = []
        open_ = self._open(waiting, uses)
        while open_.any() and len(chosen) < size:
            places = np.flatnonzero(open_)
            stratum = int(row[places[next_scenario(b[open_], c[open_], drawn[open_], rng)]])
            index = self._first(waiting[stratum], uses)
            assert index is not None, "an open stratum has a pair to draw"
            waiting[stratum].remove(index)
            uses[self.pool.wording[index]] += 1
            drawn[row == stratum] += 1
            chosen.append(index)
            if uses[self.pool.wording[index]] == MOST_USES or self._first(waiting[stratum], uses) is None:
                open_ = self._open(waiting, uses)
        return chosen

    def _open(self, waiting: dict[int, list[int]], uses: IntArray) -> BoolArray:
        """Which rows have a pair left that may be drawn."""
        strata = [stratum for stratum, pairs in waiting.items() if self._first(pairs, uses) is not None]
        open_: BoolArray = np.isin(self.pool.row_stratum, strata)
        return open_

    def _first(self, waiting: list[int], uses: IntArray) -> int | None:
        """The first of some pairs whose wording may be drawn again."""
        wording = self.pool.wording
        return next((index for index in waiting if uses[wording[index]] < MOST_USES), None)

    def _enter(self, indices: list[int], signs: list[tuple[BoolArray, BoolArray, BoolArray]]) -> None:
        strata = self.pool.stratum[indices]
        for question, kinds in enumerate(signs):
            mine = self.pool.row_question == question
            self.by_batch[question].append(np.array([kind[indices].sum() for kind in kinds], dtype=np.int64))
            for place, kind in enumerate(kinds[:2]):
                hit = strata[kind[indices]]
                self._counts[place, mine] += (self.pool.row_stratum[mine][:, None] == hit).sum(axis=1)
        self._counts[2] += (self.pool.row_stratum[:, None] == strata).sum(axis=1)
        self.drawn += indices
        for index in indices:
            self._uses[self.pool.wording[index]] += 1
            left = self._waiting.get(int(self.pool.stratum[index]), [])
            if index in left:
                left.remove(index)

    def _signs(self, question: Question, asked: BoolArray, seen: Table) -> tuple[BoolArray, BoolArray, BoolArray]:
        """Which pairs are worse deployed, are worse evaluated, and lack a trial."""
        values, column = seen.values(question.probe, self._refusals), self.pool.design.layout.column
        difference = values[:, column["deployment"]] - values[:, column["evaluation"]]
        return asked & (difference > 0), asked & (difference < 0), asked & np.isnan(difference)
