"""Whether a plan can reach a verdict at all, told before any model is asked; quick, since every run asks it."""

import numpy as np

from consistency.analysis.audit import Audit
from consistency.analysis.design import Design
from consistency.stats.equivalence import floor, minimum_clusters
from consistency.stats.kt import smallest_b


def shortfalls(design: Design) -> tuple[str, ...]:
    """What could never be `consistent`, since its clusters cannot exclude the margin, and why; in an audit,
    what could never be `inconsistent`. Each with the number that would do.
    """
    return tuple(_of_audit(Audit(design)) if design.analysis.mode == "audit" else _of_plan(design))


def _of_plan(design: Design) -> list[str]:
    units, last = design.layout.codes(design.unit), design.levels[-1]
    found = []
    for question in design.questions:
        clusters = np.unique(units[question.chosen(design.layout)]).size
        if question.primary and (unseen := floor(clusters, last)) >= question.margin:
            found.append(
                f"{question.probe} under {question.cue_family} can never come out consistent: {clusters} "
                f"{design.unit}s cannot exclude a gap of {unseen:.1%}; a margin of {question.margin:.1%} needs "
                f"{minimum_clusters(question.margin, last)} {design.unit}s or more (more variants or scenarios)"
            )
    return found


def _of_audit(audit: Audit) -> list[str]:
    fewest = smallest_b(0, audit.threshold)
    return [
        f"{question.probe} under {question.cue_family}, {drawable} pairs, can never be found inconsistent: "
        f"{fewest} pairs or more are needed (more variants or scenarios)"
        for number, question in enumerate(audit.pool.questions)
        if (drawable := audit.pool.drawable(number)) < fewest
    ]
