"""Templates: one sandboxed environment, errors with file and line, and slots that no template can look into.

While a scenario renders, each cue slot holds a marker instead of the cue's text; the text of an arm is put in
afterwards. So the arms of a pair are byte-identical outside their slots by construction.
"""

import json
import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn

import jinja2
from jinja2 import meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from consistency.errors import ContentError, Problem
from consistency.frontmatter import Document, Place
from consistency.records.base import Json
from consistency.records.scenario import CUE_SLOTS

_OPEN, _CLOSE = "\ue000", "\ue001"
MARKERS = {slot: f"{_OPEN}{slot}{_CLOSE}" for slot in CUE_SLOTS}
_MARKER = re.compile(f"{_OPEN}([a-z]+){_CLOSE}")

Context = Mapping[str, Json]
Render = Callable[[Context], Json]

environment = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)


@lru_cache(maxsize=4096)
def _compiled(text: str) -> jinja2.Template:
    """A text's template; compiling is most of the work of checking a library."""
    template = environment.from_string(text)
    template.globals = environment.globals  # each rendering copies this table, and a chain of two is slow to copy
    return template


@lru_cache(maxsize=4096)
def variables(text: str) -> frozenset[str]:
    """The variables that a template without errors asks for."""
    return frozenset(meta.find_undeclared_variables(environment.parse(text)))


class Template:
    """One text with Jinja in it, at a place of a document."""

    def __init__(self, text: str, path: str, line: int) -> None:
        self.path, self.line = path, line
        try:
            self.compiled = _compiled(text)
        except jinja2.TemplateSyntaxError as error:
            raise ContentError([Problem(path, line + error.lineno - 1, f"template: {error.message}")]) from error

    def render(self, context: Context) -> str:
        """The text in a context. Raises ContentError with the line of what went wrong."""
        try:
            return self.compiled.render(context)
        except Exception as error:  # whatever an expression in a template can raise
            self._fail(error)

    def blocks(self, context: Context) -> dict[str, str]:
        """Each top-level block by name, rendered in a context."""
        try:
            scope = self.compiled.new_context(dict(context))
            return {name: "".join(block(scope)) for name, block in self.compiled.blocks.items()}
        except Exception:
            try:
                environment.handle_exception()  # gives the traceback the template's own lines
            except Exception as error:  # whatever an expression in a template can raise
                self._fail(error)

    def _fail(self, error: Exception) -> NoReturn:
        line, trace = 1, error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename in ("<template>", "<unknown>"):
                line = trace.tb_lineno
            trace = trace.tb_next
        raise ContentError([Problem(self.path, self.line + line - 1, f"template: {error}")]) from error


def compile_text(document: Document, text: str, *place: str | int) -> Template:
    """A template from a string of a document's head; errors point at its line."""
    return Template(text, document.path, document.text_line(*place))


@dataclass(frozen=True)
class Constant:
    """A part of a tree that is the same in every context; it is shared between renderings, which never change."""

    value: Json

    def __call__(self, _: Context) -> Json:
        """The value."""
        return self.value


def compile_tree(document: Document, value: Json, *place: str | int) -> Render:
    """A function from context to the same tree with every string and key rendered.

    A table `{ json = "…" }` becomes the JSON value that its string renders to.
    """
    match value:
        case str() if "{" in value:
            template = compile_text(document, value, *place)
            return template.render
        case {"json": str() as text} if len(value) == 1:
            inner = compile_text(document, text, *place)
            return lambda context: _parse(inner, inner.render(context))
        case dict():
            keys = [compile_tree(document, key, *place, key) for key in value]
            return _table(keys, [compile_tree(document, item, *place, key) for key, item in value.items()])
        case list() | tuple():
            return _list([compile_tree(document, item, *place, index) for index, item in enumerate(value)])
        case _:
            return Constant(value)


def _table(keys: list[Render], items: list[Render]) -> Render:
    if all(isinstance(part, Constant) for part in (*keys, *items)):
        return Constant({key({}): item({}) for key, item in zip(keys, items, strict=True)})
    return lambda context: {key(context): item(context) for key, item in zip(keys, items, strict=True)}


def _list(items: list[Render]) -> Render:
    if all(isinstance(item, Constant) for item in items):
        return Constant([item({}) for item in items])
    return lambda context: [item(context) for item in items]


def _parse(template: Template, text: str) -> Json:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        message = f"does not render to JSON: {error.msg} in {text!r}"
        raise ContentError([Problem(template.path, template.line, message)]) from error


def strings(value: Json, *place: str | int) -> list[tuple[Place, str]]:
    """All strings of a tree, keys included, with their places."""
    match value:
        case str():
            return [(place, value)]
        case dict():
            found = [((*place, key), key) for key in value]
            return found + [pair for key, item in value.items() for pair in strings(item, *place, key)]
        case list() | tuple():
            return [pair for index, item in enumerate(value) for pair in strings(item, *place, index)]
        case _:
            return []


def slots(value: Json) -> list[str]:
    """The cue slots whose markers stand in a rendered tree, as often as they stand there."""
    return [name for _, text in strings(value) for name in _MARKER.findall(text)]


def slotted(value: Json) -> Render:
    """A function from a wording's texts by slot to the same tree with them in place of the markers.

    A slot that the wording leaves empty goes, with the space around it or the line that it stands alone on.
    """
    match value:
        case str() if _OPEN in value:
            return lambda texts: fill(drop_slots(value, texts), texts)
        case dict():
            return _table([slotted(key) for key in value], [slotted(item) for item in value.values()])
        case list():
            return _list([slotted(item) for item in value])
        case _:
            return Constant(value)


def drop_slots(text: str, kept: Container[str]) -> str:
    """A text without the markers of slots that a wording leaves empty."""
    if _OPEN in text:
        for slot, marker in MARKERS.items():
            if slot not in kept and marker in text:
                text = _without(text, marker)
    return text


def _without(text: str, marker: str) -> str:
    """A text without a marker: a line that it stands alone on goes with the empty one after it, else one space."""
    left, *rest = text.split(marker)
    for right in rest:
        before, after = left.rstrip(" \t"), right.lstrip(" \t")
        if (not before or before[-1] == "\n") and (not after or after[0] == "\n"):
            left = before + after.removeprefix("\n").removeprefix("\n")
        elif left.endswith(" ") and right.startswith(" "):
            left += right[1:]
        else:
            left = left.removesuffix(" ") + right.removeprefix(" ")
    return left


def fill(text: str, texts: Mapping[str, Json]) -> str:
    """A text with every marker replaced by its slot's text."""
    return _MARKER.sub(lambda found: texts[found[1]], text) if _OPEN in text else text


def leftovers(value: Json) -> bool:
    """Whether a marker was damaged: a filter or slice was put on a cue slot."""
    marked = (text for _, text in strings(value) if _OPEN in text or _CLOSE in text)
    return any(_OPEN in rest or _CLOSE in rest for rest in (_MARKER.sub("", text) for text in marked))
