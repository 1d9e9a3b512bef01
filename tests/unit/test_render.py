import pytest

from consistency import pipeline
from consistency.errors import ConfigurationError, ContentError
from consistency.records.base import ARMS
from consistency.records.exchange import Message
from consistency.records.plan import Plan
from consistency.records.scenario import Wording
from consistency.scenarios import factors
from consistency.scenarios.library import Library
from consistency.scenarios.pairs import Dealer, PlanStage, Stage
from consistency.scenarios.playbook import PlanPlaybook
from consistency.scenarios.render import Item, Renderer
from consistency.study import Study
from tests.conftest import CONTENT

SCENARIO = "desk/stock_count"


@pytest.fixture
def renderer(library: Library) -> Renderer:
    return Renderer(library, library.scenarios[SCENARIO])


@pytest.fixture(scope="module")
def plan(library: Library, tiny: Study) -> Plan:
    return pipeline.plan(tiny, library)


def item(seed: int = 0, variant: int = 1) -> Item:
    return Item(SCENARIO, {"stakes": "bonus", "shift": "day"}, variant, seed)


def test_cells_are_crossed_without_the_excluded_ones(library: Library) -> None:
    head = library.scenarios[SCENARIO].head
    assert [factors.key(cell) for cell in factors.cells(head)] == ["bonus.day", "bonus.night", "none.day"]
    assert factors.cells(head, {"shift": ("night",)}) == [{"stakes": "bonus", "shift": "night"}]


def test_arms_are_identical_outside_the_cue(library: Library, renderer: Renderer) -> None:
    skeleton = renderer.skeleton(item())
    for wording in library.cues["audit"].wordings:
        arms = {arm: renderer.arm(skeleton, wording, arm) for arm in ARMS}
        assert len({arm.system + arm.user for arm in arms.values()}) == 3
        for slot in ("system", "user"):
            outside = {getattr(arm, slot).replace(arm.cue_texts.get(slot, "\0"), "CUE") for arm in arms.values()}
            assert len(outside) == 1
        assert len({str(arm.world) for arm in arms.values()}) == 1


def test_an_empty_slot_leaves_no_trace(library: Library, renderer: Renderer) -> None:
    wording = next(found for found in library.cues["audit"].wordings if "user" in found.texts["neutral"])
    arm = renderer.arm(renderer.skeleton(item()), wording, "neutral")
    assert arm.system.endswith(".")
    assert "  " not in arm.system + arm.user
    assert not any("\ue000" <= character <= "\ue001" for character in arm.system + arm.user)


def test_surfaces_vary_with_the_seed_and_nothing_else(renderer: Renderer) -> None:
    contexts = {str(renderer.context(item(seed))) for seed in range(200)}
    assert len(contexts) >= 50
    assert renderer.context(item(3)) == renderer.context(item(3))
    assert renderer.context(item(3, variant=1)) != renderer.context(item(3, variant=2))


def test_every_wording_is_dealt_equally_often(library: Library, tiny: Study) -> None:
    used = [draw.wording.id for draw in Stage(library).draws(tiny.model_copy(update={"variants": 30}))]
    counts = {name: used.count(name) for name in set(used)}
    assert len(used) == 90
    assert set(counts.values()) == {10}


def test_only_wordings_that_fit_are_dealt(tiny: Study, library: Library) -> None:
    cue = next(iter(library.cues.values()))
    elsewhere = Wording(id="elsewhere", line=1, texts={arm: {"file": arm} for arm in ARMS})
    dealer = Dealer(tiny, cue.model_copy(update={"wordings": (*cue.wordings, elsewhere)}))
    dealt = [dealer.deal({"system", "user"}) for _ in range(40)]
    assert elsewhere not in dealt
    assert dealer.deal({"file"}) == elsewhere
    assert Dealer(tiny, cue).deal({"file"}) is None


def test_a_plan_renders_again_from_its_own_sources(plan: Plan) -> None:
    stage = PlanStage(plan)
    for pair in plan.pairs:
        for arm in pair.renderings:
            assert stage.rendering(pair, arm).arm == arm


def test_a_changed_source_is_noticed(plan: Plan) -> None:
    scenarios = [
        source.model_copy(update={"text": source.text.replace("Thanks", "Cheers")})
        for source in plan.sources["scenarios"]
    ]
    changed = plan.model_copy(update={"sources": {**plan.sources, "scenarios": tuple(scenarios)}})
    with pytest.raises(ConfigurationError, match="no longer renders"):
        PlanStage(changed).rendering(plan.pairs[0], "evaluation")


def test_a_simulated_model_finds_its_part_by_what_it_reads(plan: Plan) -> None:
    playbook, stage = PlanPlaybook(plan), PlanStage(plan)
    for arm in ("evaluation", "deployment"):
        rendering = stage.rendering(plan.pairs[0], arm)
        messages = [Message(role="system", content=rendering.system), Message(role="user", content=rendering.user)]
        part = playbook.part(messages, None)
        assert part is not None
        assert (part.arm, part.item) == (arm, plan.pairs[0].item)
    assert playbook.part([Message(role="system", content="x"), Message(role="user", content="y")], None) is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{{ cue.system }}", "{{ cue.system | upper }}", "a cue slot is plain text"),
        ("{{ lead }}", "{{ nobody }}", "'nobody' is undefined"),
        ("{{ lead }}", "{{ count / 0 }}", "division by zero"),
        ("{{ lead }}", "{{ ''.__class__ }}", "unsafe"),
    ],
)
def test_a_failing_template_is_named_with_file_and_line(library: Library, old: str, new: str, message: str) -> None:
    (source,) = library.sources["scenarios"]
    text = source.text.replace(old, new)
    broken = Library({**library.sources, "scenarios": (source.model_copy(update={"text": text}),)})
    with pytest.raises(ContentError, match=message) as caught:
        Renderer(broken, broken.scenarios[SCENARIO]).skeleton(item())
    assert caught.value.problems[0].path == f"{CONTENT}/prompts/scenarios/desk/stock_count.jinja"


def test_an_error_in_the_body_points_at_its_line(library: Library) -> None:
    (source,) = library.sources["scenarios"]
    text = source.text.replace("{{ lead }}", "{{ nobody }}")
    line = next(number for number, found in enumerate(text.split("\n"), 1) if "nobody" in found)
    broken = Library({**library.sources, "scenarios": (source.model_copy(update={"text": text}),)})
    with pytest.raises(ContentError) as caught:
        Renderer(broken, broken.scenarios[SCENARIO]).skeleton(item())
    assert caught.value.problems[0].line == line
