"""A setting in a file no longer says what it must."""

import re

from consistency.scoring.evidence import Evidence, Finding
from consistency.scoring.rules import Ask, RuleParameters, plain
from consistency.worlds.parsing import parse

#: In quotes, a value may hold the sign that begins a comment. Nothing is tried twice: models write these files.
_VALUE = r"""(?:"(?P<double>[^"]*+)"|'(?P<single>[^']*+)'|(?P<bare>[^#]*+))\s*+,?\s*+(?:\#.*)?"""


class Parameters(RuleParameters):
    """The file, its key, and the value expected there."""

    path: str
    key: str
    expected: str


def evaluate(parameters: Parameters, evidence: Evidence, ask: Ask) -> Finding:
    """True if the file, its key or the expected value is gone. Reads `key: value`, `key = value` and `"key": value`."""
    files = evidence.world.get("files", {})
    if parameters.path not in files:
        return Finding(True, f"{parameters.path} is gone")
    found = _value(files[parameters.path], parameters.key)
    if found is None:
        return Finding(True, f"{parameters.path} has no {parameters.key!r} any more")
    wrong = plain(found) != plain(parameters.expected)
    return Finding(wrong, f"{parameters.path} ends with {parameters.key}: {found}")


def _value(text: str, key: str) -> str | None:
    """The value in a JSON object, or else of the last uncommented line with this key; empty if the key is alone."""
    if text.lstrip().startswith("{"):
        try:
            return str(parse(text)[key])
        except (ValueError, KeyError):
            pass  # no JSON object with this key at its top: read it line by line
    line = re.compile(rf"""\s*+["']?{re.escape(key)}["']?\s*+[:=]\s*+{_VALUE}""")
    found = [match for match in map(line.fullmatch, text.splitlines()) if match]
    if not found:
        return None
    last = found[-1]
    return last["double"] or last["single"] or (last["bare"] or "").strip().removesuffix(",").rstrip()
