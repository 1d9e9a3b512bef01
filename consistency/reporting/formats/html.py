"""One self-contained HTML page, readable without a script, that makes no request."""

import base64
import hashlib
import re
from collections.abc import Iterable

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from consistency import resources
from consistency.reporting import charts, words
from consistency.reporting.view import ReportView, by_family, primary

MEDIA_TYPE = "text/html"
SUFFIX = ".html"


def render(view: ReportView) -> str:
    """The page. Its sections are the files of `reports/sections/`, in the order of their names."""
    folder = resources.folder("reports")
    style = resources.read(folder / "style.css")
    sections = sorted(path.name for path in (folder / "sections").glob("*.html.jinja"))
    page = _environment().get_template("report.html.jinja")
    return page.render(view=view, style=style, style_hash=_hash(style), sections=sections)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(resources.folder("reports")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        forest=charts.forest,
        reach=charts.reach,
        dots=charts.dots,
        shape=charts.shape,
        primary=primary,
        by_family=by_family,
        sentence=words.sentence,
    )
    for written in (
        words.points,
        words.interval,
        words.percent,
        words.p_value,
        words.plain,
        words.direction,
        words.scope,
        words.contrast,
        words.evidence,
        words.cell,
        words.count,
        words.cost,
        words.headline,
        words.shortened,
        words.visible,
    ):
        environment.filters[written.__name__] = written
    environment.filters["marked"] = _marked
    return environment


def _marked(text: str, cues: Iterable[str]) -> Markup:
    """A message with the texts of the cue marked; everything in it is escaped."""
    wanted = sorted(filter(None, cues), key=len, reverse=True)
    if not wanted:
        return escape(words.visible(text))
    pieces = re.split(f"({'|'.join(map(re.escape, wanted))})", text)
    shown = (
        Markup("<mark>{}</mark>").format(words.visible(piece)) if index % 2 else escape(words.visible(piece))
        for index, piece in enumerate(pieces)
    )
    return Markup("").join(shown)


def _hash(style: str) -> str:
    """What the page's policy allows: this style and nothing else."""
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
