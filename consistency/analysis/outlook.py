"""What a plan will take and can show, before any model is asked."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from consistency.analysis.audit import Audit
from consistency.analysis.design import Design
from consistency.analysis.feasibility import shortfalls
from consistency.analysis.questions import Question, Unit, scope_of, wordings_of
from consistency.analysis.table import Layout, Table
from consistency.errors import ConfigurationError
from consistency.records.base import Record
from consistency.records.effect import Scope
from consistency.records.plan import Plan
from consistency.records.probe import Probe
from consistency.records.scenario import CueFamily
from consistency.stats.equivalence import floor, minimum_clusters
from consistency.stats.kt import smallest_b
from consistency.stats.power import detectable_gap, scenarios_for_consistent
from consistency.stats.sequential_power import expected_calls

#: Shares of pairs whose arms behave differently that the outlook is made for: a calm model and a restless one.
CALM, RESTLESS = 0.05, 0.30


#: Audits that are simulated for each expectation, and how often models misbehave in them where nothing diverges.
_AUDITS, _SELDOM = 20, (0.02, 0.05)


class Expectation(Record):
    """What to expect where the true gap is `gap` and a share `discordance` of pairs differs between its arms.

    `calls` is the share of the planned calls that is used until the verdict; the others are the probabilities of
    verdicts (`consistent` includes `different_within_margin`). Wordings that scenarios share are left out: they cost
    more.
    """

    gap: float
    discordance: float
    calls: float
    consistent: float
    inconsistent: float
    inconclusive: float


class Prospect(Record):
    """What one primary contrast can show. Gaps as fractions; None where not even a gap of 1 would be found."""

    probe: str
    cue_family: CueFamily
    scenarios: int
    clusters: int
    margin: float
    floor: float
    minimum_clusters: int
    clusters_for_consistent: int
    detectable_gap_calm: float | None
    detectable_gap_restless: float | None
    expectations: tuple[Expectation, ...]


class AuditExpectation(Record):
    """What to expect of an audit where a `share` of scenarios diverges by `gap`, misbehaviour being rare elsewhere.

    `pairs` are drawn on average; `inconsistent` is the share of audits that find it before the pool is spent.
    """

    share: float
    gap: float
    pairs: float
    inconsistent: float


class AuditProspect(Record):
    """What an audit can show: the pairs that it draws from, E at which a contrast is inconsistent, and the fewest pairs
    that reach it, all worse in the same arm.
    """

    pool: int
    threshold: float
    fewest_pairs: int
    expectations: tuple[AuditExpectation, ...]


class Outlook(Record):
    """What a plan will take and can show. Calls and tokens are estimated from the faithful scripts, for one run.

    `peer` is the model that plays the members of channels, None where they say written lines. `cost` in US dollars from
    the price map: with answers as long as the scripts', and with all answers as long as the study allows; None where a
    price is unknown. In an audit, which has an `audit` and no `prospects`, all counts are those of a whole pool.
    `shortfalls` says of contrasts that could never reach their verdict why, and what number would do.
    """

    plan_digest: str
    models: tuple[str, ...]
    pairs: int
    items: int
    trials: int
    calls: int
    input_tokens: int
    output_tokens: int
    peer: str | None
    peer_calls: int
    cost: tuple[float, float] | None
    looks: int
    unit: Unit
    scope: Scope
    prospects: tuple[Prospect, ...]
    audit: AuditProspect | None = None
    shortfalls: tuple[str, ...] = ()

    def require_feasible(self) -> None:
        """Raises ConfigurationError for a design that could never reach its verdict, with the number that would do."""
        if self.shortfalls:
            raise ConfigurationError("; ".join(self.shortfalls))


def outlook(
    plan: Plan,
    plan_digest: str,
    probes: Mapping[str, Probe],
    efforts: Iterable[tuple[int, int, int, int]],
    prices: Sequence[tuple[float, float] | None],
) -> Outlook:
    """The outlook of a plan.

    efforts: calls, input and output tokens, and peers' turns of one trial of each pair. prices: of each model, in US
    dollars for one token read and one written, None where unknown.
    """
    design = Design(plan, probes)
    audit = Audit(design) if design.analysis.mode == "audit" else None
    study, layout = design.study, design.layout
    primary = [question for question in design.questions if question.primary]
    times = len(study.arms) * len(study.models)
    each = [len(study.arms) * sum(column) for column in zip(*efforts, strict=True)]
    calls, read, written, turns = (len(study.models) * total for total in each)
    reach = [wordings_of(layout, question.chosen(layout)) for question in primary]
    return Outlook(
        plan_digest=plan_digest,
        models=tuple(model.name for model in study.models),
        pairs=len(plan.pairs),
        items=len({pair.item for pair in plan.pairs}),
        trials=len(plan.pairs) * times,
        calls=calls,
        input_tokens=read,
        output_tokens=written,
        peer=study.peer.name if study.peer else None,
        peer_calls=turns if study.peer else 0,
        cost=_cost(each, prices, study.sampling.max_tokens) if study.peer is None else None,
        looks=design.analysis.looks,
        unit=design.unit,
        scope="these_wordings" if audit else scope_of(design.unit, "ignored" if "ignored" in reach else "matched"),
        prospects=() if audit else tuple(_prospect(design, question) for question in primary),
        audit=_audit(audit) if audit else None,
        shortfalls=shortfalls(design),
    )


def _audit(audit: Audit) -> AuditProspect:
    pool = audit.pool
    margin = audit.design.margin
    cases = [(0.1, 0.5), (0.5, 2 * margin), (1.0, margin), (1.0, 2 * margin)]
    return AuditProspect(
        pool=pool.size,
        threshold=audit.threshold,
        fewest_pairs=smallest_b(0, audit.threshold),
        expectations=tuple(_foreseen(audit, share, gap) for share, gap in cases if gap <= 1),
    )


def _foreseen(audit: Audit, share: float, gap: float) -> AuditExpectation:
    """What comes of audits of simulated models, of which a share of scenarios diverges."""
    rng, pairs, found = np.random.default_rng([int(1000 * share), int(1000 * gap)]), 0, 0
    for number in range(_AUDITS):
        table = simulated(audit.design.layout, f"simulated/{number}", share, gap, rng)
        batches = audit.replay(table)
        pairs += sum(len(batch.pairs) for batch in batches)
        found += audit.decide(table, batches).verdict == "inconsistent"
    return AuditExpectation(share=share, gap=gap, pairs=pairs / _AUDITS, inconsistent=found / _AUDITS)


def simulated(layout: Layout, name: str, share: float, gap: float, rng: np.random.Generator) -> Table:
    """The trials of a model that misbehaves seldom, and in a share of scenarios oftener in deployment."""
    scenario = layout.codes("scenario")
    number = int(scenario.max()) + 1
    base = rng.uniform(*_SELDOM, number)
    diverges = rng.permutation(number) < round(share * number)
    rates = np.repeat(base[scenario][:, None], len(layout.arms), axis=1)
    rates[:, layout.column["deployment"]] += (gap * diverges)[scenario]
    misbehaves = rng.random(rates.shape) < rates
    table = Table(layout, name)
    table.complete(np.ones(rates.shape, dtype=bool))
    for probe in layout.probes:
        table.judge(probe, misbehaves.astype(np.float64))
    return table


def _cost(
    each: Sequence[int], prices: Sequence[tuple[float, float] | None], most: int | None
) -> tuple[float, float] | None:
    calls, read, written, _ = each
    known = [price for price in prices if price is not None]
    if len(known) < len(prices):
        return None
    least = sum(price[0] * read + price[1] * written for price in known)
    longest = max(written, calls * most) if most else written
    return least, sum(price[0] * read + price[1] * longest for price in known)


def _expectations(design: Design, margin: float, clusters: int, pairs: int) -> tuple[Expectation, ...]:
    """For no gap and gaps of one, two and four margins, in a model that is calm beside its gap."""
    found = []
    for gap in (0.0, margin, 2 * margin, 4 * margin):
        discordance = max(CALM, min(1.0, gap + CALM))
        if gap > discordance or clusters < 2:
            continue
        ahead = expected_calls(
            clusters,
            discordance,
            gap=gap,
            margin=margin,
            looks=design.analysis.looks,
            pairs_per_scenario=max(1, round(pairs / clusters)),
        )
        found.append(
            Expectation(
                gap=gap,
                discordance=discordance,
                calls=ahead.expected_pairs / ahead.most_pairs,
                consistent=ahead.consistent,
                inconsistent=ahead.inconsistent,
                inconclusive=ahead.inconclusive,
            )
        )
    return tuple(found)


def _prospect(design: Design, question: Question) -> Prospect:
    layout, chosen = design.layout, question.chosen(design.layout)
    clusters = np.unique(layout.codes(design.unit)[chosen]).size
    alpha, last = design.analysis.alpha, design.levels[-1]
    return Prospect(
        probe=question.probe,
        cue_family=question.cue_family,
        scenarios=np.unique(layout.codes("scenario")[chosen]).size,
        clusters=clusters,
        margin=question.margin,
        floor=floor(clusters, last),
        minimum_clusters=minimum_clusters(question.margin, last),
        clusters_for_consistent=scenarios_for_consistent(CALM, question.margin, a=last),
        detectable_gap_calm=detectable_gap(clusters, CALM, alpha=alpha),
        detectable_gap_restless=detectable_gap(clusters, RESTLESS, alpha=alpha),
        expectations=_expectations(design, question.margin, clusters, int(chosen.sum())),
    )
