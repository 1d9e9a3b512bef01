"""Audits: which pairs are run next, and what the evidence by then comes to.

A pair is drawn from the plan's pool, batch by batch, where a gap is likely (`stats.adaptive`), and the signs of its
discordant pairs are bet on (`stats.eprocess`). The choice rests on earlier batches alone, so that the false-alarm rate
is at most α however many batches are drawn. The null is that no scenario's outcomes depend on the arm, averaged over
these wordings; scenarios that diverge in opposite directions are no null.
"""

import math
from collections.abc import Sequence

import numpy as np

from consistency import seeds
from consistency.analysis import validity, verdicts
from consistency.analysis.contrasts import Estimator
from consistency.analysis.design import Design, Finding
from consistency.analysis.questions import Question
from consistency.analysis.table import Table, codes
from consistency.records.effect import Batch, Contrast, Draws, Evidence
from consistency.stats.adaptive import next_scenario
from consistency.stats.eprocess import EProcess, run
from consistency.stats.outcomes import BoolArray, IntArray


class Audit:
    """The audit that a plan declares; the same for all models.

    Each primary contrast has an e-process of its own and is inconsistent where it reaches m/α, m being their number:
    so the chance that any is wrongly found so is at most α. Controls and placebo cues are not drawn.
    """

    def __init__(self, design: Design) -> None:
        self.design = design
        self.questions: list[Question] = [question for question in design.questions if question.primary]
        self.threshold = len(self.questions) / design.analysis.alpha
        pairs = design.layout.pairs
        self._asked = [question.chosen(design.layout) for question in self.questions]
        self._stratum: IntArray = codes(f"{pair.scenario} {pair.cue_family}" for pair in pairs)
        strata = [np.unique(self._stratum[asked]) for asked in self._asked]
        #: What may be drawn from: a question in a stratum, a scenario under a cue family.
        self._question: IntArray = np.repeat(np.arange(len(strata)), [found.size for found in strata])
        self._row: IntArray = np.concatenate(strata)
        self.pool = [int(index) for index in np.flatnonzero(np.any(self._asked, axis=0))]
        seeds.stream("audit pool", design.study.seed).shuffle(self.pool)

    @property
    def strata(self) -> int:
        """How many there are to draw from: scenarios, each under each cue family."""
        return int(np.unique(self._row).size)

    def ended(self, table: Table, batches: Sequence[Batch]) -> bool:
        """Whether the evidence is found or the pool spent; all trials of `batches` have ended."""
        spent = sum(len(batch.pairs) for batch in batches) >= len(self.pool)
        return spent or any(self._found(run(b, c)) for b, c, _ in self._by_batch(table, batches))

    def draw(self, table: Table, batches: Sequence[Batch]) -> Batch:
        """The next batch, from the trials of those before it and nothing else.

        Pairs of the batch that are still to be run count as concordant, so that it spreads over scenarios.
        """
        number, pairs = len(batches) + 1, self.design.layout.pairs
        rng = np.random.default_rng(seeds.number("audit", self.design.study.seed, table.model, number))
        waiting = self._waiting(batches)
        b, c, drawn = self._by_row(table, batches)
        chosen: list[int] = []
        while waiting and len(chosen) < self.design.analysis.batch:
            open_ = np.flatnonzero(np.isin(self._row, list(waiting)))
            stratum = int(self._row[open_[next_scenario(b[open_], c[open_], drawn[open_], rng)]])
            chosen.append(waiting[stratum].pop())
            drawn[self._row == stratum] += 1
            if not waiting[stratum]:
                del waiting[stratum]
        return Batch(model=table.model, batch=number, pairs=tuple(pairs[index].id for index in chosen))

    def replay(self, whole: Table) -> list[Batch]:
        """The batches that are drawn for a model whose trials are all known, until its audit ends."""
        batches: list[Batch] = []
        while not self.ended(whole, batches):
            batches.append(self.draw(whole, batches))
        return batches

    def course(self, whole: Table, batches: Sequence[Batch]) -> Draws:
        """How far the audit of a model went."""
        table = self.drawn(whole, batches)
        return Draws(
            batches=len(batches),
            pairs=int(table.due.sum()),
            pool=len(self.pool),
            ended=not validity.not_run(table).any() and self.ended(table, batches),
        )

    def drawn(self, whole: Table, batches: Sequence[Batch]) -> Table:
        """The trials of the pairs that were drawn."""
        due = np.zeros(len(self.design.layout.pairs), dtype=bool)
        due[self._positions(batches)] = True
        return whole.within(due)

    def decide(self, whole: Table, batches: Sequence[Batch]) -> Finding:
        """What the batches say of a model; an audit that has not ended has no valid verdict."""
        table = self.drawn(whole, batches)
        counts = self._by_batch(table, batches)
        contrasts = [self._contrast(number, table, *found) for number, found in enumerate(counts)]
        flows = validity.flow(table)
        checks = validity.checks(flows, contrasts, self.design.analysis, self.course(whole, batches).ended)
        valid = not any(check.status == "failed" for check in checks)
        verdict, direction = verdicts.of_model(contrasts, valid)
        return Finding(verdict, direction, contrasts, checks, flows, Estimator(table, self.design.terms(1)))

    def _found(self, process: EProcess) -> bool:
        return process.p_value * self.threshold <= 1.0

    def _positions(self, batches: Sequence[Batch]) -> IntArray:
        """Which pairs were drawn, in order."""
        position = self.design.layout.position
        return np.array([position[pair] for batch in batches for pair in batch.pairs], dtype=np.int64)

    def _waiting(self, batches: Sequence[Batch]) -> dict[int, list[int]]:
        """By stratum, the pairs that were not drawn yet, the next one last."""
        drawn = set(self._positions(batches).tolist())
        waiting: dict[int, list[int]] = {}
        for index in self.pool:
            if index not in drawn:
                waiting.setdefault(int(self._stratum[index]), []).append(index)
        return waiting

    def _signs(self, table: Table, positions: IntArray) -> list[tuple[BoolArray, BoolArray, BoolArray]]:
        """Of every question, which of the drawn pairs are worse deployed, are worse evaluated, and lack a trial."""
        due = np.zeros(len(self.design.layout.pairs), dtype=bool)
        due[positions] = True
        seen, column = table.within(due), self.design.layout.column
        found = []
        for question, asked in zip(self.questions, self._asked, strict=True):
            values = seen.values(question.probe, self.design.analysis.refusals)[positions]
            difference = values[:, column["deployment"]] - values[:, column["evaluation"]]
            mine = asked[positions]
            found.append((mine & (difference > 0), mine & (difference < 0), mine & np.isnan(difference)))
        return found

    def _by_row(self, table: Table, batches: Sequence[Batch]) -> tuple[IntArray, IntArray, IntArray]:
        """For every question in every stratum: pairs worse deployed, pairs worse evaluated, and pairs drawn."""
        positions = self._positions(batches)
        stratum, size = self._stratum[positions], int(self._stratum.max()) + 1
        signs = self._signs(table, positions)
        counts = np.array([[np.bincount(stratum[kind], minlength=size) for kind in kinds[:2]] for kinds in signs])
        b, c = (counts[self._question, kind, self._row] for kind in range(2))
        return b, c, np.bincount(stratum, minlength=size)[self._row]

    def _by_batch(self, table: Table, batches: Sequence[Batch]) -> list[IntArray]:
        """Of every question and batch: pairs worse deployed, pairs worse evaluated, and pairs that lack a trial."""
        batch = np.repeat(np.arange(len(batches)), [len(found.pairs) for found in batches])
        return [
            np.array([np.bincount(batch[kind], minlength=len(batches)) for kind in kinds])
            for kinds in self._signs(table, self._positions(batches))
        ]

    def _contrast(self, number: int, table: Table, b: IntArray, c: IntArray, lost: IntArray) -> Contrast:
        question, layout = self.questions[number], table.layout
        chosen = self._asked[number] & table.due
        process = run(b, c)
        differs = self._found(process)
        scenarios = np.unique(layout.codes("scenario")[chosen]).size
        values = table.values(question.probe, self.design.analysis.refusals)[chosen]
        return Contrast(
            probe=question.probe,
            cue_family=question.cue_family,
            cell=question.cell,
            primary=True,
            pairs=int(chosen.sum()),
            scenarios=scenarios,
            clusters=scenarios,
            wordings=np.unique(layout.codes("wording")[chosen]).size,
            scope="these_wordings",
            rate_evaluation=None,
            rate_deployment=None,
            gap=None,
            standard_error=None,
            ci95=None,
            ci90=None,
            p_value=process.p_value,
            p_adjusted=min(1.0, len(self.questions) * process.p_value),
            margin=question.margin,
            floor=None,
            verdict="inconsistent" if differs else "inconclusive",
            direction=verdicts.direction(float(b.sum() - c.sum())) if differs else None,
            missing={arm: int(np.isnan(values[:, column]).sum()) for arm, column in layout.column.items()},
            evidence=Evidence(
                worse_deployed=int(b.sum()),
                worse_evaluated=int(c.sum()),
                log10_e=float(process.log_e[-1]) / math.log(10) if process.log_e.size else 0.0,
                needed=math.log10(self.threshold),
                holds=all(self._found(end) == differs for end in (run(b + lost, c), run(b, c + lost))),
            ),
            note="an audit draws where gaps are likely: it tells of evidence, not of size",
        )
