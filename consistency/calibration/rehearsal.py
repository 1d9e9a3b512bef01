"""Acting out a scenario's controls: every scripted call must succeed, and every probe must tell the two agents apart.

It is the same world, the same turn loop and the same rules as in a run, with the script in the place of a model.
"""

from collections.abc import Iterator

from consistency.errors import CallFailed, ConfigurationError, ContentError, Problem
from consistency.records.base import canonical
from consistency.records.exchange import Reply, Sampling, ToolCall
from consistency.records.rendering import Rendering
from consistency.records.scenario import Step
from consistency.records.trial import Trial, TrialKey
from consistency.scenarios import factors
from consistency.scenarios.library import Library, Scenario
from consistency.scenarios.render import Item, Renderer, Skeleton
from consistency.scoring.evaluate import validate
from consistency.scoring.score import judge
from consistency.trials.conversation import converse
from consistency.worlds.world import check_arguments, tool_names

_EXPECTED = {"faithful": 0.0, "misbehaving": 1.0}


def faults(library: Library, scenario: Scenario) -> Iterator[Problem]:
    """What is wrong between a scenario and the rooms that act it out: tools, rules, and its controls' outcomes."""
    renderer = Renderer(library, scenario)
    named = [*_tools(scenario), *_signs(library, renderer)]
    yield from named
    if named:
        return
    reported: set[Problem] = set()
    for cell in factors.cells(scenario.head):
        for problem in _cell(library, renderer, Item(scenario.id, cell, variant=1, seed=0)):
            if problem not in reported:
                yield problem
            reported.add(problem)


def rehearse(library: Library, renderer: Renderer, item: Item, control: str) -> tuple[Rendering, Trial]:
    """One control of an item, acted out in its evaluation arm under the first wording of the scenario's first cue."""
    skeleton = renderer.skeleton(item)
    rendering = _rendering(library, renderer, skeleton)
    return rendering, act(rendering, getattr(renderer.script(skeleton), control))


def _rendering(library: Library, renderer: Renderer, skeleton: Skeleton) -> Rendering:
    cue = renderer.scenario.cues(library.cues.values())[0]
    wording = next(wording for wording in cue.wordings if wording.fits(skeleton.slots))
    return renderer.arm(skeleton, wording, "evaluation")


def act(rendering: Rendering, steps: tuple[Step, ...]) -> Trial:
    """A trial in which a script answers. A script that ends before the trial does is a failed call."""
    key = TrialKey(model="control", pair="control", arm="evaluation")
    conversation = converse(key, rendering, Sampling(), seed=0)
    next(conversation)
    try:
        for turn, step in enumerate(steps):
            conversation.send(_reply(step, turn))
        conversation.send(
            CallFailed("bad_request", "the script ends before the conversation does: its last step must only speak")
        )
    except StopIteration as end:
        trial: Trial = end.value
        return trial
    raise ConfigurationError("the conversation went on after its script had ended")


def _reply(step: Step, turn: int) -> Reply:
    calls = tuple(
        ToolCall(id=f"call_{turn}_{index}", name=call.tool, arguments=canonical(call.arguments).decode())
        for index, call in enumerate(step.calls)
    )
    return Reply(text=step.say, tool_calls=calls, finish_reason="tool_calls" if calls else "stop")


def _tools(scenario: Scenario) -> Iterator[Problem]:
    head, document = scenario.head, scenario.document
    services = tool_names()
    for service in head.world:
        if service not in services.values():
            known = ", ".join(sorted(set(services.values())))
            yield document.problem(f"unknown service {service!r}; there are: {known}", "world", service)
    for index, tool in enumerate(head.tools):
        if tool not in services:
            yield document.problem(f"unknown tool {tool!r}; there are: {', '.join(services)}", "tools", index)
        elif services[tool] not in head.world:
            message = (
                f"tool {tool!r} belongs to the service {services[tool]!r}, and there is no [world.{services[tool]}]"
            )
            yield document.problem(message, "tools", index)
    for control in _EXPECTED:
        for index, step in enumerate(getattr(head.controls, control).steps):
            for call in step.get("calls", []):
                if call["tool"] not in head.tools:
                    message = f"the {control} control calls {call['tool']!r}, which is not among the scenario's tools"
                    yield document.problem(message, "controls", control, "steps", index)


def _signs(library: Library, renderer: Renderer) -> Iterator[Problem]:
    """What is wrong with the rules as the first cell has them: names and parameters."""
    scenario = renderer.scenario
    item = Item(scenario.id, factors.cells(scenario.head)[0], variant=1, seed=0)
    for probe, sign in renderer.skeleton(item).signs.items():
        allowed = library.probes[probe].rules
        if sign.get("rule") not in allowed:
            message = f"the probe {probe!r} is shown by {', '.join(allowed)}; found {sign.get('rule')!r}"
            yield scenario.document.problem(message, "signs", probe)
        for message in validate(sign):
            yield scenario.document.problem(message, "signs", probe)


def _cell(library: Library, renderer: Renderer, item: Item) -> Iterator[Problem]:
    document = renderer.scenario.document
    try:
        skeleton = renderer.skeleton(item)
        script = renderer.script(skeleton)
        rendering = _rendering(library, renderer, skeleton)
    except ContentError as error:
        yield from error.problems
        return
    for control, expected in _EXPECTED.items():
        place = ("controls", control)
        where = f"the {control} control in cell {factors.key(item.cell)}"
        steps: tuple[Step, ...] = getattr(script, control)
        faults_of_calls = list(_calls(scenario=renderer.scenario, steps=steps, control=control))
        if faults_of_calls:
            yield from faults_of_calls
            continue
        trial = act(rendering, steps)
        for use in trial.tool_uses:
            if use.error is not None:
                yield document.problem(f"{where}: {use.name} fails: {use.result}", *place)
        if trial.outcome != "completed":
            yield document.problem(f"{where} ends {trial.outcome} ({trial.reason}): {trial.detail}", *place)
            continue
        for judgment in judge(trial, rendering.signs):
            if judgment.value != expected:
                found = "abstains" if judgment.value is None else f"says {judgment.value:.0f}"
                because = judgment.abstained or judgment.evidence
                message = f"{where}: the probe {judgment.probe!r} {found}, and must say {expected:.0f}: {because}"
                yield document.problem(message, "signs", judgment.probe)


def _calls(scenario: Scenario, steps: tuple[Step, ...], control: str) -> Iterator[Problem]:
    for call in (call for step in steps for call in step.calls):
        if wrong := check_arguments(call.tool, call.arguments):
            message = f"the {control} control calls {call.tool} with wrong arguments: {wrong}"
            yield scenario.document.problem(message, "controls", control)
