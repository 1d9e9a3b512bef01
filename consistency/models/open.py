"""Opening a model by its name: only the chosen backend is loaded."""

from dataclasses import replace

from consistency import plugins
from consistency.errors import ConfigurationError
from consistency.models import backends
from consistency.models.backends import Backend, BackendSettings
from consistency.models.spec import parse


def endpoint_of(model: str, api_base: str | None) -> str | None:
    """A name for where a model's calls go, the same for models that share limits; None for one in this process."""
    spec = parse(model)
    module = plugins.load(backends.PACKAGE, spec.backend)
    if not getattr(module, "REMOTE", False):
        return None
    return api_base or f"{spec.backend}/{spec.name.partition('/')[0]}"


def open_model(model: str, settings: BackendSettings) -> Backend:
    """The backend of a model.

    The playbook and the recordings are withheld from backends that do not declare their use, so that no real model
    can be told what it is expected to do. Raises ConfigurationError for a model that cannot be opened.
    """
    spec = parse(model)
    module = plugins.load(backends.PACKAGE, spec.backend)
    if not callable(getattr(module, "open_backend", None)):
        raise ConfigurationError(f"backend {spec.backend!r} ({module.__name__}) has no open_backend(name, settings)")
    granted = replace(
        settings,
        playbook=settings.playbook if getattr(module, "USES_PLAYBOOK", False) else None,
        recordings=settings.recordings if getattr(module, "USES_RECORDINGS", False) else None,
    )
    backend: Backend = module.open_backend(spec.name, granted)
    return backend
