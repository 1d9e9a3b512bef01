"""From the command line's words to a study and a library."""

from pathlib import Path

from consistency import resources
from consistency.errors import ConfigurationError
from consistency.models import check
from consistency.scenarios.library import Library
from consistency.study import ModelEntry, Study, read

Folders = tuple[Path, ...]


def load(name: str, prompts: Folders, probes: Folders) -> tuple[Study, Library]:
    """A study and the content that it may draw on."""
    study, _ = read(name, (*prompts, resources.folder("prompts")))
    return study, Library.from_folders(prompts, probes)


def load_chosen(  # what the options of models and content give
    name: str,
    *,
    models: tuple[str, ...],
    api_base: str | None,
    peer: str | None,
    prompts: Folders,
    probes: Folders,
) -> tuple[Study, Library]:
    """A study as the options say that it is to be run, and its library."""
    study, library = load(name, prompts, probes)
    return with_models(study, models, api_base, peer), library


def with_models(study: Study, models: tuple[str, ...], api_base: str | None, peer: str | None = None) -> Study:
    """The study with the models of the command line in the place of its own. A peer has the models' address.

    Raises ConfigurationError for an address without a model, or a model named twice.
    """
    if peer is not None:
        if fault := check.fault(peer):
            raise ConfigurationError(fault)
        study = study.model_copy(update={"peer": ModelEntry(name=peer, api_base=api_base)})
    if not models:
        if api_base is not None:
            raise ConfigurationError("--api-base goes with --model: the study's own models say theirs in the file")
        return study
    if faults := [found for found in map(check.fault, models) if found]:
        raise ConfigurationError("; ".join(faults))
    if len(set(models)) < len(models):
        raise ConfigurationError(f"--model names something twice: {', '.join(models)}")
    entries = tuple(ModelEntry(name=model, api_base=api_base) for model in models)
    return study.model_copy(update={"models": entries})
