"""TOML heads and files, with the line of every key, so that an error can say where."""

import re
import tomllib
from dataclasses import dataclass

from consistency.errors import ContentError, Problem
from consistency.records.base import Json

#: A place in a TOML document: keys and list positions from the root.
Place = tuple[str | int, ...]

_HEADS = {"{#+++": "+++#}", "+++": "+++"}
_TABLE = re.compile(r"\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(
    r"""\s*((?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*="""
)
_PART = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*(?:\.|$)""")
_TOML_LINE = re.compile(r"\(at line (\d+), column \d+\)|\(at end of document\)")


@dataclass(frozen=True)
class Document:
    """A parsed TOML document.

    `lines` maps a place to its line in the file; `below` are the lines after which a multi-line string's text begins;
    `body` follows the head, if there is one, from `body_line` on.
    """

    path: str
    data: dict[str, Json]
    lines: dict[Place, int]
    body: str = ""
    body_line: int = 1
    below: frozenset[int] = frozenset()

    def line(self, *place: str | int) -> int:
        """The line of a place, or of the nearest known place around it."""
        for end in range(len(place), 0, -1):
            if place[:end] in self.lines:
                return self.lines[place[:end]]
        return 1

    def text_line(self, *place: str | int) -> int:
        """The line on which the text of a string begins."""
        line = self.line(*place)
        return line + (line in self.below)

    def problem(self, message: str, *place: str | int) -> Problem:
        """A problem at a place of this document."""
        return Problem(self.path, self.line(*place), message)


def parse(path: str, text: str) -> Document:
    """A whole file of TOML. Raises ContentError with the line of a syntax error."""
    return Document(path, _load(path, text, 1), _locate(text, 1), below=_below(text, 1))


def split(path: str, text: str) -> Document:
    """A file with a TOML head between `{#+++` and `+++#}` or `+++` and `+++`, followed by its body.

    Raises ContentError where the head is missing, unclosed, or no TOML.
    """
    lines = text.split("\n")
    closing = _HEADS.get(lines[0].strip())
    if closing is None:
        raise ContentError(
            [Problem(path, 1, "the file must begin with a TOML head: a line `{#+++` (template) or `+++`")]
        )
    for number, line in enumerate(lines[1:], start=2):
        if line.strip() == closing:
            head = "\n".join(lines[1 : number - 1])
            data = _load(path, head, 2)
            body = "\n".join(lines[number:])
            return Document(path, data, _locate(head, 2), body, number + 1, _below(head, 2))
    raise ContentError([Problem(path, 1, f"the head is not closed: no line `{closing}`")])


def _load(path: str, text: str, offset: int) -> dict[str, Json]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _TOML_LINE.search(str(error))
        last = max(1, text.count("\n") + 1)
        line = int(found[1]) if found and found[1] else last
        message = _TOML_LINE.sub("", str(error)).strip()
        raise ContentError([Problem(path, line + offset - 1, f"not valid TOML: {message}")]) from error


def _below(text: str, offset: int) -> frozenset[int]:
    lines = enumerate(text.split("\n"), start=offset)
    return frozenset(number for number, line in lines if line.rstrip().endswith(('"""', "'''")))


def _parts(dotted: str) -> list[str]:
    return [bare or single or double for double, single, bare in _PART.findall(dotted)]


def _locate(text: str, offset: int) -> dict[Place, int]:
    """Lines of tables and keys. Inner lines of multi-line strings and arrays are not keys and are passed over."""
    places: dict[Place, int] = {}
    counts: dict[Place, int] = {}
    table: Place = ()
    place: Place = ()
    closing: str | None = None
    depth = 0
    for number, line in enumerate(text.split("\n"), start=offset):
        if closing is not None:
            closing = None if closing in line else closing
            continue
        if depth == 0 and (header := _TABLE.match(line)) and not _KEY.match(line):
            place = table = _resolve(tuple(_parts(header[2])), counts, grows=header[1] == "[[")
            places[table] = number
            places.setdefault(tuple(key for key in table if isinstance(key, str)), number)
            continue
        if depth == 0 and (key := _KEY.match(line)):
            place = table
            for part in _parts(key[1]):
                place = (*place, part)
                places.setdefault(place, number)
        elif depth == 1 and line.lstrip()[:1] in ("{", '"', "["):
            counts[place] = counts.get(place, -1) + 1
            places[(*place, counts[place])] = number
        closing, depth = _scan(line, depth)
    return places


def _resolve(keys: tuple[str, ...], counts: dict[Place, int], *, grows: bool) -> Place:
    """A table header's place: inside arrays of tables, the latest element."""
    place: Place = ()
    for index, key in enumerate(keys):
        place = (*place, key)
        if grows and index == len(keys) - 1:
            counts[place] = counts.get(place, -1) + 1
        if place in counts:
            place = (*place, counts[place])
    return place


def _scan(line: str, depth: int) -> tuple[str | None, int]:
    """Follows one line: the delimiter of a multi-line string left open, and the depth of open brackets."""
    position = 0
    while position < len(line):
        rest = line[position:]
        if rest.startswith(('"""', "'''")):
            quote = rest[:3]
            end = line.find(quote, position + 3)
            if end < 0:
                return quote, depth
            position = end + 3
        elif rest[0] in "\"'":
            string = re.match(r'"(?:[^"\\]|\\.)*"' if rest[0] == '"' else r"'[^']*'", rest)
            position += string.end() if string else 1
        elif rest[0] == "#":
            break
        else:
            depth += (rest[0] in "[{") - (rest[0] in "]}")
            position += 1
    return None, max(depth, 0)
