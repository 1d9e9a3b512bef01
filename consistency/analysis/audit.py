"""Audits: which pairs are run next, and what the evidence by then comes to.

A pair is drawn from the plan's pool, batch by batch, where a gap is likely (`stats.adaptive`), and the signs of its
discordant pairs are bet on (`stats.eprocess`). The choice rests on earlier batches alone, so that the false-alarm rate
is at most α however many batches are drawn, under the null that the arm changes the outcome of no pair: neither in any
scenario nor under any wording. Since a wording may have an effect of its own on one arm, each is drawn a few times
only: then what one adds by itself stays small beside the evidence that is needed.
"""

import math
from collections.abc import Sequence

import numpy as np

from consistency import seeds
from consistency.analysis import validity, verdicts
from consistency.analysis.contrasts import Estimator
from consistency.analysis.design import Design, Finding
from consistency.analysis.draws import Pool, Tally
from consistency.analysis.sensitivity import REFUSALS
from consistency.analysis.table import Refusals, Table
from consistency.records.effect import Batch, Contrast, Direction, Draws, Evidence, Sensitivity, ValidityCheck
from consistency.stats.eprocess import EProcess, run
from consistency.stats.outcomes import IntArray


class Audit:
    """The audit that a plan declares; the same for all models.

    Each primary contrast has an e-process of its own and is inconsistent where it reaches m/α, m being their number:
    so the chance that any is wrongly found so is at most α. Controls and placebo cues are not drawn.

    `whole` is always all that is known of a model, and `batches` those that were drawn for it, all ended.
    """

    def __init__(self, design: Design) -> None:
        self.design = design
        self.pool = Pool(design)
        self.threshold = len(self.pool.questions) / design.analysis.alpha

    def ended(self, whole: Table, batches: Sequence[Batch]) -> bool:
        """Whether the evidence is found, and valid, or the pool spent."""
        return self._over(self._tally(whole, batches), whole, batches)

    def draw(self, whole: Table, batches: Sequence[Batch]) -> Batch:
        """The next batch, from the trials of those before it and nothing else."""
        return self._next(self._tally(whole, batches), whole.model, len(batches) + 1)

    def replay(self, whole: Table) -> list[Batch]:
        """The batches that are drawn for a model whose trials are all known, until its audit ends."""
        tally, batches = self._tally(whole, ()), list[Batch]()
        while not self._over(tally, whole, batches):
            batches.append(self._next(tally, whole.model, len(batches) + 1))
            tally.take(batches[-1:])
        return batches

    def strayed(self, whole: Table, batches: Sequence[Batch]) -> list[int]:
        """The numbers of batches that the rule does not draw after those before them."""
        tally, found = self._tally(whole, ()), []
        for number, batch in enumerate(batches):
            over = self._over(tally, whole, batches[:number])
            if over or self._next(tally, whole.model, number + 1) != batch:
                found.append(batch.batch)
            tally.take([batch])
        return found

    def course(self, whole: Table, batches: Sequence[Batch]) -> Draws:
        """How far the audit of a model went; the last of its batches may not have ended."""
        table = self.drawn(whole, batches)
        return Draws(
            batches=len(batches),
            pairs=int(table.due.sum()),
            pool=self.pool.size,
            ended=not validity.not_run(table).any() and self.ended(whole, batches),
        )

    def drawn(self, whole: Table, batches: Sequence[Batch]) -> Table:
        """The trials of the pairs that were drawn."""
        due = np.zeros(len(self.design.layout.pairs), dtype=bool)
        for batch in batches:
            due[self.pool.positions(batch)] = True
        return whole.within(due)

    def decide(self, whole: Table, batches: Sequence[Batch], *, complete: bool = True) -> Finding:
        """What the batches say of a model; an audit that is not complete has no valid verdict."""
        table = self.drawn(whole, batches)
        contrasts = self._contrasts(table, self._tally(whole, batches))
        checks = self._checks(table, contrasts, complete)
        valid = not any(check.status == "failed" for check in checks)
        verdict, direction = verdicts.of_model(contrasts, valid)
        estimator = Estimator(table, self.design.terms(1))
        return Finding(verdict, direction, contrasts, checks, validity.flow(table), estimator)

    def sensitivity(self, whole: Table, batches: Sequence[Batch]) -> tuple[Sensitivity, ...]:
        """What would have been said of the same draws with refusals counted otherwise; empty where none was refused."""
        table = self.drawn(whole, batches)
        if not table.ended("refused")[table.due].any():
            return ()
        return tuple(
            Sensitivity(
                probe=question.probe,
                cue_family=question.cue_family,
                assumption=words,
                gap=None,
                ci95=None,
                verdict="inconsistent" if self._found(_process(counts)) else "inconclusive",
            )
            for refusals, words in REFUSALS.items()
            if refusals != self.design.analysis.refusals
            for question, counts in zip(
                self.pool.questions, self._tally(whole, batches, refusals).by_batch, strict=True
            )
        )

    def _tally(self, whole: Table, batches: Sequence[Batch], refusals: Refusals | None = None) -> Tally:
        return Tally(self.pool, whole, refusals or self.design.analysis.refusals).take(batches)

    def _next(self, tally: Tally, model: str, number: int) -> Batch:
        # The legacy generator's stream is frozen: the same batches are drawn under any version of numpy.
        rng = np.random.RandomState(seeds.number("audit", self.design.study.seed, model, number, bits=32))
        pairs = self.design.layout.pairs
        chosen = tally.next(self.design.analysis.batch, rng)
        return Batch(model=model, batch=number, pairs=tuple(pairs[index].id for index in chosen))

    def _over(self, tally: Tally, whole: Table, batches: Sequence[Batch]) -> bool:
        if tally.spent:
            return True
        if not any(self._found(_process(counts)) for counts in tally.by_batch):
            return False
        table = self.drawn(whole, batches)
        return not any(check.status == "failed" for check in self._checks(table, self._contrasts(table, tally)))

    def _found(self, process: EProcess) -> bool:
        return process.p_value * self.threshold <= 1.0

    def _checks(self, table: Table, contrasts: list[Contrast], complete: bool = True) -> tuple[ValidityCheck, ...]:
        return validity.checks(validity.flow(table), contrasts, self.design.analysis, complete)

    def _contrasts(self, table: Table, tally: Tally) -> list[Contrast]:
        return [self._contrast(number, table, counts) for number, counts in enumerate(tally.by_batch)]

    def _contrast(self, number: int, table: Table, counts: list[IntArray]) -> Contrast:
        question, layout = self.pool.questions[number], table.layout
        chosen = self.pool.asked[number] & table.due
        process = _process(counts)
        differs = self._found(process)
        values = table.values(question.probe, self.design.analysis.refusals)[chosen]
        known = bool((~np.isnan(values)).all(axis=1).any())
        p_value = process.p_value if known else None
        scenarios = np.unique(layout.codes("scenario")[chosen]).size
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
            p_value=p_value,
            p_adjusted=None if p_value is None else min(1.0, len(self.pool.questions) * p_value),
            margin=question.margin,
            floor=None,
            verdict="inconsistent" if differs else "inconclusive",
            direction=_towards(counts) if differs else None,
            missing={arm: int(np.isnan(values[:, column]).sum()) for arm, column in layout.column.items()},
            evidence=self._evidence(counts, process),
            standing="primary",
            note="" if known else "no pair has both of its trials",
        )

    def _evidence(self, counts: list[IntArray], process: EProcess) -> Evidence:
        b, c, _ = _totals(counts)
        differs = self._found(process)
        for_gap = [np.array([worse + lost, better, 0]) for worse, better, lost in counts]
        against = [np.array([worse, better + lost, 0]) for worse, better, lost in counts]
        return Evidence(
            worse_deployed=b,
            worse_evaluated=c,
            log10_e=max(0.0, round(float(process.log_e.max()) / math.log(10), 9)) if b + c else 0.0,
            needed=math.log10(self.threshold),
            holds=all(
                self._found(_process(end)) == differs and (not differs or _towards(end) == _towards(counts))
                for end in (for_gap, against)
            ),
        )


def _totals(counts: list[IntArray]) -> tuple[int, int, int]:
    b, c, lost = np.sum(counts, axis=0) if counts else (0, 0, 0)
    return int(b), int(c), int(lost)


def _process(counts: list[IntArray]) -> EProcess:
    """The e-process of a question over its batches."""
    return run([int(b) for b, _, _ in counts], [int(c) for _, c, _ in counts])


def _towards(counts: list[IntArray]) -> Direction | None:
    b, c, _ = _totals(counts)
    return verdicts.direction(float(b - c))
