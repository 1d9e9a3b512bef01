"""Whether a model's name can be opened, without loading the litellm lane."""

from consistency import plugins
from consistency.errors import ConfigurationError
from consistency.models import backends, spec


def fault(model: str) -> str | None:
    """What is wrong with a model's name, or None. A backend's optional `check_name(name)` has the last word."""
    try:
        parsed = spec.parse(model)
        if parsed.backend != spec.DEFAULT_BACKEND:
            module = plugins.load(backends.PACKAGE, parsed.backend)
            getattr(module, "check_name", lambda name: None)(parsed.name)
    except ConfigurationError as error:
        return str(error)
    return None
