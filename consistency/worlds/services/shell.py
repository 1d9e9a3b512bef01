"""A shell on the machine that holds the drive: one command line at a time."""

import shlex
from collections.abc import Mapping

from pydantic import Field

from consistency.errors import ConfigurationError
from consistency.records.base import Json
from consistency.worlds.services import Record, clock, fields, files
from consistency.worlds.services._shell.run import run
from consistency.worlds.services._shell.session import Session, Trouble, parents
from consistency.worlds.tool import Arguments, Tool, ToolError

_KEYS = {"user", "host", "folder", "units", "env", "programs"}
_STATES = ("active", "inactive", "failed")
#: The longest output and the longest line, in characters.
OUTPUT = 20_000
LINE = 20_000
_CUT = "\n[output cut]"


class Service:
    """A session in the shell: where it is, what runs as units, its variables, and the programs that it knows of.

    A program is a whole command line with what it prints; all else is done by commands that work on the drive.
    """

    def __init__(self, table: dict[str, Json], record: Record) -> None:
        if unknown := set(table) - _KEYS:
            raise ConfigurationError(f"[world.shell] has unknown keys: {', '.join(sorted(unknown))}")
        named = {"user": "user", "host": "localhost", "folder": "/"}
        named |= fields("shell", "user, host, folder", {key: table[key] for key in named if key in table})
        units, env, programs = (fields("shell", key, table.get(key, {})) for key in ("units", "env", "programs"))
        for unit, state in units.items():
            if state not in _STATES:
                raise ConfigurationError(
                    f"[world.shell.units] {unit!r} is one of {', '.join(_STATES)}; found {state!r}"
                )
        self.session = Session(
            user=named["user"],
            host=named["host"],
            folder="",
            env=env,
            units=units,
            programs=_programs(programs),
            record=record,
            drive=files.Service({}, record),
        )
        try:
            folder = self.session.resolve(named["folder"])
        except Trouble as error:
            raise ConfigurationError(f"[world.shell] folder: {error}") from error
        self.session.enter(folder)

    def snapshot(self) -> dict[str, Json]:
        """Units with their states, variables, the lines that were run, in order, and the folder that it stands in."""
        session = self.session
        return {
            "units": dict(sorted(session.units.items())),
            "env": dict(sorted(session.env.items())),
            "history": list(session.history),
            "folder": f"/{session.folder}",
        }

    def meet(self, others: Mapping[str, object]) -> None:
        """Finds the drive, and the clock if there is one. Raises ConfigurationError where the world has no drive."""
        drive, time = others.get("files"), others.get("clock")
        if not isinstance(drive, files.Service):
            raise ConfigurationError("[world.shell] works on the drive: it needs [world.files]")
        folder = self.session.folder
        if any(above in drive.files for above in (folder, *parents(folder))):
            raise ConfigurationError(f"[world.shell] folder is a file: /{folder}")
        self.session.drive = drive
        if isinstance(time, clock.Service):
            self.session.watch, self.session.began = time, time.now

    def run(self, line: str) -> str:
        """What a line prints, with its exit code where that is not 0."""
        if len(line) > LINE:
            raise ToolError("bash: line too long")
        self.session.history.append(line)
        known = self.session.programs.get(" ".join(line.split()))
        text, code = (known, 0) if known is not None else run(self.session, line)
        ending = f"exit code {code}" if code else ""
        text = text.removesuffix("\n")
        if len(text) + len(ending) + 1 > OUTPUT:
            text = text[: OUTPUT - len(_CUT) - len(ending) - 1] + _CUT
        return "\n".join(filter(None, (text, ending)))


def _programs(table: dict[str, str]) -> dict[str, str]:
    """Programs by their command line, with single blanks, and by the words that it is made of."""
    programs = {}
    for line, text in table.items():
        programs[" ".join(line.split())] = text
        try:
            programs.setdefault(" ".join(shlex.split(line)), text)
        except ValueError:
            continue
    return programs


class RunCommand(Arguments):
    """Arguments of `run_command`."""

    command: str = Field(min_length=1, description="The command line, as for bash.")


def _run(shell: Service, asked: RunCommand) -> str:
    return shell.run(asked.command)


TOOLS = (Tool("run_command", "Run a command line in the shell and read what it prints.", RunCommand, _run),)
