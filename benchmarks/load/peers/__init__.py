"""The contract of a peer: another tool, run as its users run it on the same openings.

A module exports `PEER`. Installing goes through the registries that pip and npm are set up with.
"""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Json = dict[str, str]


class NotInstalled(Exception):
    """The tool cannot be had here; the message says why."""


@dataclass(frozen=True)
class Peer:
    """`install(folder)` puts the tool into its own folder and gives its program, or raises NotInstalled.

    `prepare(program, work, openings)` writes what an evaluation needs into the folder `work` and gives the command that
    is run there, with `{at_once}` where the concurrency stands. `environment` is what it is told besides, `stores` what
    it keeps, and `kept` where below `work`.
    """

    name: str
    stores: str
    kept: str
    install: Callable[[Path], Path]
    prepare: Callable[[Path, Path, list[list[Json]]], list[str]]
    environment: dict[str, str]

    @property
    def folder(self) -> str:
        """What its folder is called."""
        return self.name.lower().replace(" ", "-")


def carry_out(command: list[str], folder: Path) -> None:
    """Runs one step of an installation. Raises NotInstalled with the last line of what was said."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise NotInstalled(f"{command[0]} is not there") from error
    if done.returncode:
        said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        errors = [line for line in said if "error" in line.lower()]
        raise NotInstalled((errors or said or ["no message"])[-1])
