"""What a model's tokens cost, before it is asked: the price map that comes with litellm, read as the file it is.

Reading it does not load litellm, which takes seconds.
"""

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from consistency.models.spec import DEFAULT_BACKEND, parse
from consistency.records.base import Json
from consistency.records.exchange import TokenPrice
from consistency.study import ModelEntry

#: Backends whose models live in this process and cost nothing.
_FREE = frozenset({"organism", "replay", "scripted"})

_MAP = "model_prices_and_context_window_backup.json"


def price(model: ModelEntry) -> TokenPrice | None:
    """The price of a model: the study's, or else that of the map; None where neither knows it.

    Models that live in this process cost nothing.
    """
    if model.price is not None:
        return TokenPrice(read=model.price.read / 1e6, written=model.price.written / 1e6)
    return listed_price(model.name)


def listed_price(model: str) -> TokenPrice | None:
    """The price of a model by its name in the study; None where the map does not know it.

    Only litellm's names begin with a provider, under which or without which the map may list a model.
    """
    spec = parse(model)
    if spec.backend in _FREE:
        return TokenPrice(read=0.0, written=0.0)
    found = _prices()
    entry = found.get(spec.name)
    if entry is None and spec.backend == DEFAULT_BACKEND:
        entry = found.get(spec.name.partition("/")[2])
    if not isinstance(entry, dict) or "input_cost_per_token" not in entry or "output_cost_per_token" not in entry:
        return None
    return TokenPrice(read=entry["input_cost_per_token"], written=entry["output_cost_per_token"])


@cache
def _prices() -> dict[str, Json]:
    spec = find_spec("litellm")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / _MAP
        if path.exists():
            found: dict[str, Json] = json.loads(path.read_text(encoding="utf-8"))
            return found
    return {}
