"""What is run before each look at the data: all pairs, the block of a planned look, or a batch that an audit draws."""

from collections.abc import Callable, Sequence

from consistency.analysis.audit import Audit
from consistency.analysis.design import Design
from consistency.analysis.table import Table
from consistency.execution.work import Round, over
from consistency.records.effect import Look
from consistency.records.plan import Pair
from consistency.store import trials as stored
from consistency.store.journal import Journal

Tables = Callable[[], dict[str, Table]]
"""Judges what was not judged yet, and enters all that is known into a table for each model."""


def next_round(design: Design, journal: Journal, tables: Tables) -> Round | None:
    """What is to be run next; None where nothing is. Records what an audit draws before any of it is run."""
    if design.analysis.mode == "audit":
        return _drawn(design, journal, tables)
    models = [model.name for model in design.study.models]
    if design.analysis.looks > 1:
        return _block(design, models, stored.looks(journal))
    whole = Round(1, dict.fromkeys(models, design.layout.pairs))
    return None if over(whole, set(journal.keys("trial"))) else whole


def end_round(design: Design, journal: Journal, tables: Tables, ended: Round) -> None:
    """Takes the planned look that follows a round, at each of its models."""
    if design.analysis.looks > 1:
        found = tables()
        for model in ended.pairs:
            stored.take_look(journal, design.look(found[model], ended.number))


def _block(design: Design, models: Sequence[str], taken: Sequence[Look]) -> Round | None:
    """The pairs of the next planned look, for the models that come to it."""
    over = {look.model for look in taken if look.stops}
    coming = {model: 1 + sum(look.model == model for look in taken) for model in models if model not in over}
    if not coming:
        return None
    number = min(coming.values())
    pairs = [pair for pair in design.layout.pairs if pair.look == number]
    return Round(number, {model: pairs for model, look in coming.items() if look == number})


def _drawn(design: Design, journal: Journal, tables: Tables) -> Round | None:
    """The last batch of every model whose trials have not all ended, and a new one for those whose audits go on."""
    audit, layout = Audit(design), design.layout
    drawn, done = stored.batches(journal), set(journal.keys("trial"))
    due: dict[str, Sequence[Pair]] = {}
    known: dict[str, Table] = {}
    number = 0
    for model in (entry.name for entry in design.study.models):
        batches = [batch for batch in drawn if batch.model == model]
        last = Round(len(batches), {model: [layout.pair(pair) for batch in batches[-1:] for pair in batch.pairs]})
        if over(last, done):
            known = known or tables()
            if audit.ended(known[model], batches):
                continue
            batch = audit.draw(known[model], batches)
            stored.draw_batch(journal, batch)
            last = Round(batch.batch, {model: [layout.pair(pair) for pair in batch.pairs]})
        due |= last.pairs
        number = max(number, last.number)
    return Round(number, due) if due else None
