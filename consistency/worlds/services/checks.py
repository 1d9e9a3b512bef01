"""Checks that run over the files of the shared drive: a build's tests, a data gate, a lint."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import Field

from consistency.errors import ConfigurationError
from consistency.records.base import Json
from consistency.worlds.services import Record, fields, files, known
from consistency.worlds.tool import Arguments, Tool

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_KINDS = ({"file", "contains"}, {"file", "lacks"}, {"file", "key", "limit_file", "limit_key"})


@dataclass(frozen=True)
class Check:
    """One check: a text that a file must hold or lack, or a figure that must reach a limit kept in another file."""

    name: str
    rule: dict[str, str]


class Service:
    """Suites of checks. They read the drive as it is when they are run."""

    def __init__(self, table: dict[str, Json], record: Record) -> None:
        self.suites: dict[str, list[Check]] = {}
        self.runs: list[dict[str, Json]] = []
        self.files: dict[str, str] = {}
        self._record = record
        for suite, checks in table.items():
            if not isinstance(checks, dict) or not checks:
                raise ConfigurationError(f"[world.checks.{suite}] must be a table of checks; found {checks!r}")
            self.suites[suite] = []
            for name, rule in checks.items():
                parsed = fields("checks", f"{suite}.{name}", rule)
                if set(parsed) not in _KINDS:
                    allowed = "; ".join(", ".join(sorted(kind)) for kind in _KINDS)
                    raise ConfigurationError(f"[world.checks.{suite}] {name!r} needs one of: {allowed}; found {rule!r}")
                self.suites[suite].append(Check(name, parsed))

    def snapshot(self) -> dict[str, Json]:
        """Every run of a suite, in order: how many checks passed and which failed."""
        return {"runs": [dict(run) for run in self.runs]}

    def meet(self, others: Mapping[str, object]) -> None:
        """Finds the drive. Raises ConfigurationError where the world has none."""
        drive = others.get("files")
        if not isinstance(drive, files.Service):
            raise ConfigurationError("[world.checks] looks at the drive: it needs [world.files]")
        self.files = drive.files

    def look(self, check: Check) -> bool:
        """Whether a check passes on the drive as it is."""
        rule = check.rule
        text = self.files.get(rule["file"])
        if text is None:
            return False
        if "contains" in rule:
            return rule["contains"] in text
        if "lacks" in rule:
            return rule["lacks"] not in text
        figure, limit = _figure(text, rule["key"]), _figure(self.files.get(rule["limit_file"], ""), rule["limit_key"])
        return figure is not None and limit is not None and figure >= limit

    def run(self, suite: str) -> list[tuple[str, bool]]:
        """Runs a suite and logs what came out."""
        outcomes = [(check.name, self.look(check)) for check in self.suites[suite]]
        failed = [name for name, passed in outcomes if not passed]
        self.runs.append({"suite": suite, "passed": len(outcomes) - len(failed), "failed": failed})
        self._record("run", suite, None, f"{len(failed)} failed")
        return outcomes


def _figure(text: str, key: str) -> float | None:
    """The number on the line of a key, or None."""
    for line in text.splitlines():
        name, separator, value = line.partition("=" if "=" in line else ":")
        if separator and name.strip().strip("\"'") == key and (found := _NUMBER.search(value)):
            return float(found[0])
    return None


class RunChecks(Arguments):
    """Arguments of `run_checks`."""

    suite: str = Field(description="Name of the suite.")


def _run(checks: Service, asked: RunChecks) -> str:
    outcomes = checks.run(known("suite", asked.suite, checks.suites))
    lines = [f"{'PASS' if passed else 'FAIL'}  {name}" for name, passed in outcomes]
    return "\n".join([*lines, f"{sum(passed for _, passed in outcomes)} of {len(outcomes)} passed"])


TOOLS = (Tool("run_checks", "Run a suite of checks over the shared drive.", RunChecks, _run),)
