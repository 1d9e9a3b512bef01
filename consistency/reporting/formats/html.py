"""One self-contained HTML page, readable without a script, that makes no request."""

import base64
import hashlib

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from consistency import resources
from consistency.reporting import charts, words
from consistency.reporting.view import ReportView, primary

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
        forest=charts.forest, reach=charts.reach, dots=charts.dots, primary=primary, sentence=words.sentence
    )
    for name in ("points", "interval", "percent", "p_value", "plain", "direction", "scope", "cell", "visible"):
        environment.filters[name] = getattr(words, name)
    environment.filters["marked"] = _marked
    return environment


def _marked(text: str, cue: str) -> Markup:
    """A message with the cue's text marked; everything in it is escaped."""
    before, found, after = text.partition(cue) if cue else (text, "", "")
    shown = escape(words.visible(before))
    return shown + Markup("<mark>{}</mark>").format(words.visible(found)) + words.visible(after) if found else shown


def _hash(style: str) -> str:
    """What the page's policy allows: this style and nothing else."""
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
