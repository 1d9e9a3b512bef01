"""What models cost by their names."""

import subprocess
import sys

import pytest

from consistency.models.prices import listed_price, price
from consistency.records.exchange import TokenPrice, Usage
from consistency.study import ModelEntry, Price


@pytest.mark.parametrize("model", ["organism/faker", "scripted/replies.json", "replay/openai/gpt-4o"])
def test_models_of_this_process_are_free(model: str) -> None:
    assert listed_price(model) == TokenPrice(read=0.0, written=0.0)


def test_a_model_costs_the_same_by_whichever_lane() -> None:
    found = listed_price("openai/gpt-4o")
    assert found is not None
    assert 0 < found.read < found.written
    assert listed_price("openai_compatible/gpt-4o") == listed_price("gpt-4o") == found


@pytest.mark.parametrize(
    "model", ["openai/my-own-model", "openai_compatible/my-own-model", "openai_compatible/me/gpt-4o"]
)
def test_the_price_of_an_unknown_model_is_unknown(model: str) -> None:
    assert listed_price(model) is None


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        (Usage(input_tokens=10, output_tokens=1), 12.5),
        (Usage(input_tokens=0, output_tokens=0), 0.0),
        (Usage(input_tokens=10), None),
        (Usage(output_tokens=10), None),
    ],
)
def test_cost_needs_both_counts(usage: Usage, cost: float | None) -> None:
    assert TokenPrice(read=1.0, written=2.5).of(usage) == cost


def test_prices_load_no_client() -> None:
    code = (
        "import sys; from consistency.models.prices import listed_price as price;"
        "price('openai/gpt-4o'); price('openai_compatible/m');"
        "assert not {'litellm', 'aiohttp'} & set(sys.modules)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr


def test_a_studys_price_wins() -> None:
    entry = ModelEntry(name="openai/gpt-4o", price=Price(read=1.0, written=2.0))
    assert price(entry) == TokenPrice(read=1e-6, written=2e-6)
    assert price(ModelEntry(name="openai/gpt-4o")) == listed_price("openai/gpt-4o")
    assert price(ModelEntry(name="openai/my-own")) is None
