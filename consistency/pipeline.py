"""The main path, from content files to a report.

    plan → run → score → analyze → decide → report

Each step takes and returns records, writes through the store, and can be started again from disk.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from consistency import __version__, plugins, resources
from consistency.analysis import feasibility, gate
from consistency.analysis.design import Design
from consistency.analysis.outlook import Outlook, outlook
from consistency.analysis.results import History
from consistency.analysis.results import analyze as analyze_tables
from consistency.analysis.table import Table, tables
from consistency.errors import ChainBroken, ConfigurationError, Stopped
from consistency.execution import executors
from consistency.execution.course import end_round, next_round
from consistency.execution.hub import Crew, Hub
from consistency.execution.progress import Manner, Progress
from consistency.execution.work import again, tasks
from consistency.models.budget import Budget, Caps, Spent
from consistency.models.prices import price
from consistency.records.base import text_digest
from consistency.records.decision import Decision
from consistency.records.effect import Results
from consistency.records.plan import Plan
from consistency.records.probe import Judgment
from consistency.records.trial import Ending, Trial
from consistency.reporting import formats
from consistency.reporting.collect import collect
from consistency.reporting.view import ReportView
from consistency.scenarios.library import Library
from consistency.scenarios.pairs import PlanStage, Stage
from consistency.scenarios.schedule import schedule
from consistency.scoring.score import judge
from consistency.store import trials as stored
from consistency.store.directory import RunDirectory
from consistency.store.journal import Journal
from consistency.study import Study


def plan(study: Study, library: Library) -> Plan:
    """Renders every matched pair of a study and freezes what will be run. Needs no network and no key."""
    if not study.models:
        raise ConfigurationError(f"study {study.name!r} names no model: add [[models]] or --model")
    stage = Stage(library)
    pairs = [stage.pair(draw, study.ordered_arms)[0] for draw in stage.draws(study)]
    scenarios = library.select(study.scenarios)
    return Plan(
        package_version=__version__,
        study={**study.to_json(), "arms": list(study.ordered_arms)},
        sources=library.closure(scenarios, study.cues),
        pairs=schedule(pairs, study.analysis.looks, study.seed),
    )


def foresee(frozen: Plan) -> Outlook:
    """What a plan will take and can show, estimated from its scripts; asks no model."""
    stage = PlanStage(frozen)
    probes = Library(frozen.sources).probes
    known = [price(model) for model in Study.model_validate(frozen.study).models]
    prices = [(found.read, found.written) if found else None for found in known]
    efforts = (stage.effort(pair) for pair in frozen.pairs)
    return outlook(frozen, frozen.digest, probes, efforts, prices)


def shortfalls(frozen: Plan) -> tuple[str, ...]:
    """Which verdicts a plan could never reach, and what would do; the part of the outlook that a run must not miss."""
    return feasibility.shortfalls(Design(frozen, Library(frozen.sources).probes))


@dataclass(frozen=True)
class RunOptions:
    """How a run is done, beside what its plan says: by whom, at what cost, and told to whom.

    A cap on cost needs known prices, or `allow_unknown_cost`: then calls without one count as free. `retry_failed` runs
    trials again that ended as failed; else only those that are missing.
    """

    executor: str = "local"
    crew: Crew = field(default_factory=Crew)
    caps: Caps = field(default_factory=Caps)
    allow_unknown_cost: bool = False
    retry_failed: bool = False
    manner: Manner = "person"


QUIET = RunOptions(manner="quiet")


async def run(directory: RunDirectory, options: RunOptions | None = None) -> None:
    """Runs every trial of the plan that the journal does not hold yet, round by round; models whose verdict is reached
    at a planned look, or after a batch of an audit, are left alone.

    Safe to kill at any instant: what was recorded is not asked again, no look is taken twice, and no batch is drawn
    anew. Raises RunLocked while another process runs it, and Stopped where a cap is reached.
    """
    plan, options = directory.plan, options or RunOptions()
    study = Study.model_validate(plan.study)
    _require_prices(study, options)
    _require_one_look(study, options)
    executor = plugins.load(executors.PACKAGE, options.executor)
    with directory.journal(writer=True, create=True) as journal:
        journal.verify()
        design = Design(plan, Library(plan.sources).probes)
        known = _Known(plan, design, journal)
        due = next_round(design, journal, known)
        failed = _failed(journal) if options.retry_failed else {}
        if due is None and not failed:
            return
        budget = Budget(options.caps, {model: Spent(*spent) for model, spent in stored.spent(journal).items()})
        total = len(plan.pairs) * len(study.arms) * len(study.models)
        done = len(stored.attempts(journal))
        with Progress(total, done=done, before=budget.total, manner=options.manner) as progress:
            hub = Hub(plan, journal, budget, progress, options.crew)
            async with hub.timed(), executor.crew(hub) as workers:
                await workers.execute(again(plan, failed))
                while due is not None:
                    await workers.execute(tasks(plan, due, set(journal.keys("trial"))))
                    end_round(design, journal, known, due)
                    due = next_round(design, journal, known)


def _require_one_look(study: Study, options: RunOptions) -> None:
    """Raises ConfigurationError where trials cannot be run again, since looks were taken at them."""
    if options.retry_failed and (study.analysis.looks > 1 or study.analysis.mode == "audit"):
        raise ConfigurationError("failed trials cannot be run again in a study with several looks, or in an audit")


def _failed(journal: Journal) -> dict[str, int]:
    """The trials that ended as failed, by id, and how often each was run."""
    times = stored.attempts(journal)
    ids = (ending.key.id for ending in stored.endings(journal) if ending.outcome == "failed")
    return {id_: times[id_] for id_ in ids}


def _require_prices(study: Study, options: RunOptions) -> None:
    """Raises ConfigurationError for a cap on cost that could not be kept."""
    if not options.caps.counts_money or options.allow_unknown_cost:
        return
    asked = [*study.models, *([study.peer] if study.peer else [])]
    if unknown := [model.name for model in asked if price(model) is None]:
        raise ConfigurationError(
            f"a cap on cost, and no price is known of {', '.join(unknown)}: give it as `price` in the study, or allow "
            "calls of unknown cost (--allow-unknown-cost)"
        )


def score(directory: RunDirectory) -> None:
    """Judges every trial with every probe of its scenario, and stores the judgments."""
    with directory.journal(writer=True) as journal:
        stored.store_judgments(journal, _judgments(directory.plan, journal))


def _judgments(plan: Plan, journal: Journal) -> Iterator[Judgment]:
    """The judgments of all trials."""
    rules = _Rules(plan)
    for trial in stored.trials(journal):
        yield from rules.judge(trial)


def analyze(directory: RunDirectory) -> Results:
    """Estimates, decides and writes `results.json`. The same journal gives the same bytes."""
    results = _results(directory)
    directory.write("results.json", results.text())
    return results


def _results(directory: RunDirectory) -> Results:
    probes = Library(directory.plan.sources).probes
    with directory.journal() as journal:
        repeated = [key for key, times in stored.attempts(journal).items() if times > 1]
        history = History(stored.looks(journal), stored.batches(journal), repeated)
        found = stored.endings(journal), stored.judgments(journal), history
        return analyze_tables(directory.plan, directory.plan_digest, probes, *found)


def decide(directory: RunDirectory, policy: Path | None = None) -> Decision:
    """What the gate says of a run that was analysed."""
    return gate.decide(directory.results(), gate.read_policy(policy))


def view(directory: RunDirectory) -> ReportView:
    """All that a report may read of a run that was analysed."""
    results = directory.results()
    decision = gate.decide(results, gate.read_policy(None))
    with directory.journal() as journal:
        collected = collect(directory.plan, directory.plan_digest, results, decision, journal)
    certificate = directory.calibration()
    current = certificate is not None and certificate.code_digest == resources.code_digest()
    return replace(collected, calibration=certificate, calibrated_code=current)


def report(directory: RunDirectory, name: str = "html") -> str:
    """A report of a run that was analysed, as text in one of the formats."""
    text: str = plugins.load(formats.PACKAGE, name).render(view(directory))
    return text


def verify(directory: RunDirectory) -> int:
    """Checks the journal's chain, and makes judgments and results again; returns the number of entries.

    Raises ChainBroken where the chain does not hold, or what is stored is not what the journal gives.
    """
    with directory.journal() as journal:
        entries = journal.verify()
        if directory.analysed and not _alike(stored.judgments(journal), _judgments(directory.plan, journal)):
            raise ChainBroken(f"{journal.path}: the stored judgments are not what the rules say of the trials")
    if directory.analysed and directory.results_text() != _results(directory).text():
        raise ChainBroken(f"{directory.path / 'results.json'} is not what the journal gives")
    return entries


def _alike(first: Iterable[Judgment], second: Iterable[Judgment]) -> bool:
    """Whether these are the same judgments, in whichever order: looks judge block by block.

    Of each no more than a digest is held, so that large runs can be verified too.
    """

    def ordered(judgments: Iterable[Judgment]) -> list[str]:
        return sorted(text_digest(judgment.model_dump_json()) for judgment in judgments)

    return ordered(first) == ordered(second)


async def whole(directory: RunDirectory, options: RunOptions | None = None) -> Results:
    """All steps from trials to `results.json` and `report.html`. Raises Stopped where a cap was reached, when they are
    written of what there is.
    """
    stopped: Stopped | None = None
    try:
        await run(directory, options)
    except Stopped as reached:
        stopped = reached
    await asyncio.sleep(0)  # an interrupt that came meanwhile is felt here, before each step
    score(directory)
    await asyncio.sleep(0)
    results = analyze(directory)
    await asyncio.sleep(0)
    directory.write("report.html", report(directory))
    if stopped is not None:
        raise stopped
    return results


class _Rules:
    """Judges trials of a plan by the rules of their scenarios."""

    def __init__(self, plan: Plan) -> None:
        self._stage = PlanStage(plan)
        self._pairs = {pair.id: pair for pair in plan.pairs}

    def judge(self, trial: Trial) -> Iterator[Judgment]:
        """What each probe of its scenario says of a trial."""
        yield from judge(trial, self._stage.signs(self._pairs[trial.key.pair]))


class _Known:
    """All that is known of each model by now. Judges trials that were not judged yet, and reads none twice."""

    def __init__(self, plan: Plan, design: Design, journal: Journal) -> None:
        self._plan, self._design, self._journal = plan, design, journal
        self._entered: set[str] = set()
        self._tables: dict[str, Table] = {}

    def __call__(self) -> dict[str, Table]:
        """The tables, up to date."""
        if not self._tables:
            self._begin()
        fresh: list[Judgment] = []
        for key in self._journal.keys("trial"):
            if key not in self._entered and (trial := stored.trial(self._journal, key)):
                self._entered.add(key)
                self._tables[trial.key.model].add_ending(Ending.of(trial))
                fresh += self._rules.judge(trial) if key not in self._judged else ()
        for judgment in fresh:
            self._tables[judgment.key.model].add_judgment(judgment)
        stored.add_judgments(self._journal, fresh)
        return self._tables

    def _begin(self) -> None:
        """Reads what was judged before, which a run that takes no look never needs."""
        before = list(stored.judgments(self._journal))
        self._rules = _Rules(self._plan)
        self._judged = {judgment.key.id for judgment in before}
        self._tables = tables(self._design.layout, (), before)
