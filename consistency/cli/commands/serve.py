"""Put the simulated models behind an OpenAI-compatible endpoint."""

import asyncio
import contextlib
from functools import cache
from pathlib import Path

import click

from consistency import pipeline
from consistency.cli import options
from consistency.cli.loading import load, with_models
from consistency.interop import endpoint
from consistency.models.backends import Backend, BackendSettings, organism
from consistency.scenarios.playbook import PlanPlaybook


@click.command()
@options.study
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="The port; 0 takes any that is free."
)
@options.content
def command(study: str, host: str, port: int, **folders: tuple[Path, ...]) -> None:
    """Serve simulated models that know the pairs of STUDY, as `faker`, `steady`, `noisy:deployment=0.4` and so on.

    Run the same study against them with `--model openai/faker --api-base http://127.0.0.1:PORT/v1`.
    """
    loaded, library = load(study, folders["prompts"], folders["probes"])
    names = tuple(organism.KINDS)
    playbook = PlanPlaybook(
        pipeline.plan(with_models(loaded, tuple(f"organism/{name}" for name in names), None), library)
    )

    @cache
    def resolve(name: str) -> Backend:
        return organism.open_backend(name, BackendSettings(playbook=playbook))

    def ready(bound: int) -> None:
        click.echo(f"http://{host}:{bound}/v1", nl=True)

    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(endpoint.serve(resolve, host, port, ready, names))
