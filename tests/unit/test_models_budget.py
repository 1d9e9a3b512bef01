import pytest

from consistency.errors import ConfigurationError
from consistency.models.budget import Budget, Caps, Spent, parse_caps

MODELS = ("openai/a=b", "openai/c")


def test_caps_are_read_for_the_run_and_for_models() -> None:
    caps = parse_caps(["20", "openai/a=b=5"], ["openai/c=100"], 30, MODELS)
    assert caps == Caps(cost=20, minutes=30, cost_of={"openai/a=b": 5}, calls_of={"openai/c": 100})
    assert caps.counts_money
    assert not Caps(calls=3).counts_money


@pytest.mark.parametrize(
    ("cost", "message"),
    [
        (["five"], "'five'; a number is needed"),
        (["5", "6"], "found twice for the whole run"),
        (["openai/d=5"], "no model 'openai/d'; it has openai/a=b, openai/c"),
        (["0"], "above 0"),
        (["nan"], "above 0"),
    ],
)
def test_caps_that_mean_nothing_are_refused(cost: list[str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        parse_caps(cost, [], None, MODELS)


def test_what_was_spent_before_counts() -> None:
    budget = Budget(Caps(cost=1.0, calls=4), {"m": Spent(calls=2, cost=0.5)})
    assert budget.reached("m") is None
    budget.spend("m", 0.25)
    assert budget.reached("m") is None
    budget.spend("n", None)
    assert budget.reached("m") == budget.reached() == "4 calls"
    assert (budget.total.cost, budget.total.unpriced) == (0.75, 1)


def test_a_models_cap_stops_that_model_alone() -> None:
    budget = Budget(Caps(cost_of={"m": 1.0}), {})
    budget.spend("m", 1.5)
    assert budget.reached("m") == "1 US dollars for m"
    assert budget.reached("n") is None
    assert budget.reached() is None


def test_minutes_are_those_of_this_process() -> None:
    now = [0.0]
    budget = Budget(Caps(minutes=2), {"m": Spent(calls=10)}, clock=lambda: now[0])
    assert budget.reached("m") is None
    now[0] = 120.0
    assert budget.reached("m") == "2 minutes"
