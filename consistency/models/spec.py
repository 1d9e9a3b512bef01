"""Model names: which backend serves a model, and what it calls it."""

from dataclasses import dataclass

from consistency import plugins
from consistency.errors import ConfigurationError
from consistency.models import backends

#: Serves every name that names no backend of its own.
DEFAULT_BACKEND = "litellm"


@dataclass(frozen=True)
class ModelSpec:
    """A model: `id` as the user wrote it, `name` as its backend knows it."""

    backend: str
    name: str
    id: str


def parse(model: str) -> ModelSpec:
    """Split a model's name into backend and name.

    A first path segment that is a backend's name selects it (`organism/faker`, `scripted/replies.json`); everything
    else belongs to litellm as it stands (`openai/…`, `hosted_vllm/…`). Raises ConfigurationError for an empty name.
    """
    first, slash, rest = model.partition("/")
    known = plugins.names(backends.PACKAGE)
    backend, name = (first, rest) if slash and first in known else (DEFAULT_BACKEND, model)
    if not name.strip():
        raise ConfigurationError(f"model {model!r} names no model; write PROVIDER/MODEL, or one of {_examples(known)}")
    return ModelSpec(backend=backend, name=name, id=model)


def _examples(known: tuple[str, ...]) -> str:
    return ", ".join(f"{name}/…" for name in known)
