"""The main path, from content files to a report.

    plan → run → score → analyze → decide → report

Each step takes and returns records, writes through the store, and can be started again from disk.
"""

from collections.abc import Collection, Iterable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from consistency import __version__, plugins, resources
from consistency.analysis import gate
from consistency.analysis.design import Design
from consistency.analysis.outlook import Outlook, outlook
from consistency.analysis.results import analyze as analyze_tables
from consistency.analysis.table import tables
from consistency.errors import ChainBroken, ConfigurationError
from consistency.execution import executors
from consistency.execution.progress import Progress
from consistency.execution.work import Task, tasks
from consistency.models.backends import Backend, BackendSettings
from consistency.models.open import open_model
from consistency.models.prices import price
from consistency.models.retry import RetryPolicy
from consistency.records.base import digest
from consistency.records.decision import Decision
from consistency.records.effect import Results
from consistency.records.plan import Plan
from consistency.records.probe import Judgment
from consistency.records.trial import Trial
from consistency.reporting import formats
from consistency.reporting.collect import collect
from consistency.reporting.view import ReportView
from consistency.scenarios.library import Library
from consistency.scenarios.pairs import PlanStage, Stage
from consistency.scenarios.playbook import PlanPlaybook
from consistency.scenarios.schedule import schedule
from consistency.scoring.score import judge
from consistency.store import trials as stored
from consistency.store.directory import RunDirectory
from consistency.store.journal import Journal
from consistency.study import ModelEntry, Study
from consistency.trials.conversation import converse
from consistency.trials.run import Voices, run_trial


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
    known = [price(model["name"]) for model in frozen.study["models"]]
    prices = [(found.read, found.written) if found else None for found in known]
    efforts = (stage.effort(pair) for pair in frozen.pairs)
    return outlook(frozen, digest(frozen.to_json()), probes, efforts, prices)


async def run(directory: RunDirectory, *, executor: str = "local", quiet: bool = False) -> None:
    """Runs every trial of the plan that the journal does not hold yet; at each planned look, models whose verdict is
    reached are left alone from then on.

    Safe to kill at any instant: what was recorded is not asked again, and no look is taken twice. Raises RunLocked
    while another process runs it.
    """
    study = Study.model_validate(directory.plan.study)
    execute = plugins.load(executors.PACKAGE, executor).execute
    with directory.journal(writer=True, create=True) as journal:
        journal.verify()
        if not _to_come(directory.plan, journal, study):
            return
        async with AsyncExitStack() as stack:
            playbook = PlanPlaybook(directory.plan)
            peer = _open(study.peer, study, playbook, stack) if study.peer else None
            voices = {model.name: Voices(_open(model, study, playbook, stack), peer) for model in study.models}
            performer = _Performer(journal, PlanStage(directory.plan), voices, study)
            total = len(directory.plan.pairs) * len(study.arms) * len(study.models)
            with Progress(total, done=journal.count("trial"), quiet=quiet) as progress:
                for look in range(1, study.analysis.looks + 1):
                    running = _running(journal, study, look)
                    todo = tasks(directory.plan, running, set(journal.keys("trial")), look)
                    await execute(todo, performer.perform, study.limits.concurrency, progress)
                    if study.analysis.looks > 1:
                        _look(directory.plan, journal, running, look)


def _to_come(plan: Plan, journal: Journal, study: Study) -> bool:
    """Whether any trial or look is still to come."""
    last, done = study.analysis.looks, set(journal.keys("trial"))
    if last > 1:
        return bool(_running(journal, study, last))
    return bool(tasks(plan, [model.name for model in study.models], done))


def _running(journal: Journal, study: Study, look: int) -> list[str]:
    """The models that still run when a look comes: no earlier look has stopped them, and it was not taken yet."""
    taken = stored.looks(journal)
    over = {found.model for found in taken if found.stops or found.look >= look}
    return [model.name for model in study.models if model.name not in over]


def _look(plan: Plan, journal: Journal, models: list[str], look: int) -> None:
    """Takes a planned look at models whose trials up to it have ended."""
    before = list(stored.judgments(journal))
    fresh = list(_judgments(plan, journal, {judgment.key.id for judgment in before}))
    stored.add_judgments(journal, fresh)
    design = Design(plan, Library(plan.sources).probes)
    found = tables(design.layout, stored.endings(journal), [*before, *fresh])
    for model in models:
        stored.take_look(journal, design.look(found[model], look))


def score(directory: RunDirectory) -> None:
    """Judges every trial with every probe of its scenario, and stores the judgments."""
    with directory.journal(writer=True) as journal:
        stored.store_judgments(journal, _judgments(directory.plan, journal))


def _judgments(plan: Plan, journal: Journal, judged: Collection[str] = ()) -> Iterator[Judgment]:
    """The judgments of all trials but those that were judged."""
    stage = PlanStage(plan)
    pairs = {pair.id: pair for pair in plan.pairs}
    for trial in stored.trials(journal, judged):
        yield from judge(trial, stage.signs(pairs[trial.key.pair]))


def analyze(directory: RunDirectory) -> Results:
    """Estimates, decides and writes `results.json`. The same journal gives the same bytes."""
    results = _results(directory)
    directory.write("results.json", results.text())
    return results


def _results(directory: RunDirectory) -> Results:
    probes = Library(directory.plan.sources).probes
    with directory.journal() as journal:
        found = stored.endings(journal), stored.judgments(journal), stored.looks(journal)
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
    """Whether these are the same judgments, in whichever order: looks judge block by block."""

    def ordered(judgments: Iterable[Judgment]) -> list[Judgment]:
        return sorted(judgments, key=lambda judgment: (judgment.key.id, judgment.probe))

    return ordered(first) == ordered(second)


async def whole(directory: RunDirectory, *, executor: str = "local", quiet: bool = False) -> Results:
    """All steps from trials to `results.json` and `report.html`."""
    await run(directory, executor=executor, quiet=quiet)
    score(directory)
    results = analyze(directory)
    directory.write("report.html", report(directory))
    return results


@dataclass(frozen=True)
class _Performer:
    """Runs one task: renders its arm, holds the conversation, and records all of it."""

    journal: Journal
    stage: PlanStage
    voices: dict[str, Voices]
    study: Study

    async def perform(self, task: Task) -> Trial:
        log = stored.TrialLog(self.journal, task.key)
        rendering = self.stage.rendering(task.pair, task.arm)
        live = self.study.peer is not None
        conversation = converse(task.key, rendering, self.study.sampling, task.seed, live_peers=live)
        policy = RetryPolicy(attempts=self.study.limits.attempts, base=self.study.limits.backoff)
        trial = await run_trial(conversation, self.voices[task.key.model], log, policy, task.key.id)
        log.finish(trial)
        return trial


def _open(model: ModelEntry, study: Study, playbook: PlanPlaybook, stack: AsyncExitStack) -> Backend:
    settings = BackendSettings(
        api_base=model.api_base,
        timeout=study.limits.timeout,
        tools_supported=model.tools_supported,
        playbook=playbook,
    )
    backend = open_model(model.name, settings)
    stack.push_async_callback(backend.close)
    return backend
