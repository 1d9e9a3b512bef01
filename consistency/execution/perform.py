"""Running one trial: its arm is rendered, its conversation held, and all of it recorded."""

import gc
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from consistency.execution.work import Task
from consistency.models.backends import BackendSettings
from consistency.models.budget import Halt
from consistency.models.limits import Rates, Throttle
from consistency.models.open import endpoint_of, open_model
from consistency.models.prices import price
from consistency.models.retry import RetryPolicy
from consistency.records.base import Json
from consistency.records.plan import Plan
from consistency.records.trial import Trial
from consistency.scenarios.pairs import PlanStage
from consistency.scenarios.playbook import PlanPlaybook
from consistency.store.journal import Entry
from consistency.store.log import TrialLog
from consistency.study import ModelEntry, Study
from consistency.trials.conversation import converse
from consistency.trials.run import Line, Voices, run_trial

#: How many objects more than were freed are made before the youngest are looked through.
_BETWEEN_COLLECTIONS = 20_000


class Desk(Protocol):
    """Where one worker's records go, and what it must know of the whole run."""

    async def append(self, entry: Entry) -> None:
        """Keeps an entry, and counts what the call cost that it tells of."""
        ...

    def halt(self, model: str) -> Halt:
        """Whether a model may still be asked."""
        ...

    def tell(self, endpoint: str, words: str | None) -> None:
        """What is being waited for at an endpoint; None when that is over."""
        ...


@dataclass(frozen=True)
class Performer:
    """Runs trials of a plan with models that are open."""

    study: Study
    stage: PlanStage
    voices: dict[str, Voices]
    desk: Desk

    async def perform(self, task: Task, before: Sequence[Json] = ()) -> Trial:
        """Runs one trial to its end, `before` being the calls of an earlier run. Raises Stopped where a cap is reached
        before its end: then its calls are recorded, and it is not.
        """
        limits = self.study.limits
        model = task.key.model
        log = TrialLog(self.desk, task.name, before)
        rendering = self.stage.rendering(task.pair, task.arm)
        live = self.study.peer is not None
        conversation = converse(task.key, rendering, self.study.sampling, task.seed, live_peers=live)
        policy = RetryPolicy(limits.attempts, limits.backoff, patience=limits.patience)
        trial = await run_trial(
            conversation,
            self.voices[model],
            log,
            policy,
            name=task.name,
            deadline=limits.trial_timeout,
            halt=self.desk.halt(model),
        )
        await log.finish(trial)
        return trial


@asynccontextmanager
async def performing(plan: Plan, rates: Rates, desk: Desk) -> AsyncIterator[Performer]:
    """A performer whose models are open; models of one endpoint share its throttle."""
    study = Study.model_validate(plan.study)
    playbook = PlanPlaybook(plan)
    throttles: dict[str, Throttle] = {}
    async with AsyncExitStack() as stack:

        def line(model: ModelEntry) -> Line:
            settings = BackendSettings(
                api_base=model.api_base,
                timeout=study.limits.timeout,
                tools_supported=model.tools_supported,
                price=price(model) if model.price else None,
                playbook=playbook,
            )
            backend = open_model(model.name, settings)
            stack.push_async_callback(backend.close)
            endpoint = endpoint_of(model.name, model.api_base)
            if endpoint is None:
                return Line(backend)
            if endpoint not in throttles:
                throttles[endpoint] = Throttle(rates, tell=_teller(desk, endpoint))
            return Line(backend, throttles[endpoint])

        peer = line(study.peer) if study.peer else None
        voices = {model.name: Voices(line(model), peer) for model in study.models}
        performer = Performer(study, PlanStage(plan), voices, desk)
        with _calm_collector():
            yield performer


@contextmanager
def _calm_collector() -> Iterator[None]:
    """What is here now stays, and trials leave little behind: looking at a client's many objects again and again for
    what may be freed would take a third of the time of a run.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_BETWEEN_COLLECTIONS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _teller(desk: Desk, endpoint: str) -> Callable[[str | None], None]:
    return lambda words: desk.tell(endpoint, words)
