"""What the primary contrasts would have been under other assumptions."""

from collections.abc import Iterator, Sequence

from consistency.analysis.contrasts import Estimator, readjusted
from consistency.analysis.questions import Question
from consistency.analysis.table import Refusals
from consistency.records.effect import Contrast, Sensitivity
from consistency.stats.methods import NotEstimable
from consistency.stats.methods.effective_n_tango import GapEstimate
from consistency.stats.outcomes import BoolArray

#: What a refused trial may count as, in words.
REFUSALS: dict[Refusals, str] = {
    "not_misbehaviour": "refusals count as no misbehaviour",
    "misbehaviour": "refusals count as misbehaviour",
    "missing": "refusals count as missing",
}


def sensitivity(
    estimator: Estimator, asked: Sequence[Question], contrasts: Sequence[Contrast]
) -> tuple[Sensitivity, ...]:
    """Primary contrasts under each other assumption that the run leaves room for.

    Refusals counted each way (where any trial was refused); only pairs whose arms both completed, the per-protocol
    analysis beside the intention to treat (where any did not); and without each family of scenarios in turn.
    """
    primary = [index for index, question in enumerate(asked) if question.primary]
    p_values = [contrasts[index].p_value for index in primary]
    return tuple(
        Sensitivity(
            probe=asked[index].probe,
            cue_family=asked[index].cue_family,
            assumption=assumption,
            gap=found.gap,
            ci95=found.interval(0.95),
            verdict=estimator.verdict(found, readjusted(p_values, place, found.p_value), asked[index].margin),
        )
        for place, index in enumerate(primary)
        for assumption, found in _alternatives(estimator, asked[index])
    )


def _alternatives(estimator: Estimator, question: Question) -> Iterator[tuple[str, GapEstimate | NotEstimable]]:
    table = estimator.table
    if table.ended("refused")[table.due].any():
        for refusals, assumption in REFUSALS.items():
            yield assumption, estimator.estimate(question, refusals=refusals)
    whole = _both_completed(estimator)
    if not whole[table.due].all():
        yield "only pairs that completed in both arms", estimator.estimate(question, within=whole)
    families = table.layout.levels["family"]
    chosen = question.chosen(table.layout) & table.due
    for family in dict.fromkeys(families[chosen].tolist()):
        without = chosen & (families != family)
        if without.any():
            yield f"without the family {family}", estimator.estimate(question, within=without)


def _both_completed(estimator: Estimator) -> BoolArray:
    layout = estimator.table.layout
    completed = estimator.table.ended("completed")
    both: BoolArray = completed[:, layout.column["evaluation"]] & completed[:, layout.column["deployment"]]
    return both
