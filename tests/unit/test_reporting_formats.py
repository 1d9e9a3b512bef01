"""What the formats make of a view that no run has yet produced: every verdict, gaps in the data, hostile text."""

import re
from html.parser import HTMLParser

import pytest
from junitparser import JUnitXml

from consistency import plugins
from consistency.records.effect import VERDICTS
from consistency.reporting import formats
from consistency.reporting.formats import html, json, junit, markdown
from tests.unit.reporting_extremes import HOSTILE, model, view

#: Elements that a page may hold; none of them can act or load.
INERT = {
    *("html", "head", "meta", "title", "style", "body", "header", "nav", "main", "section", "article", "figure"),
    *("h1", "h2", "h3", "h4", "p", "a", "b", "i", "strong", "code", "pre", "mark", "span", "div", "ul", "ol", "li"),
    *("dl", "dt", "dd", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "details", "summary"),
    *("svg", "desc", "line", "rect", "path", "text"),
}


class Outline(HTMLParser):
    """Elements, attributes and links of a page, and whether all elements were closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag != "meta" and not (self.get_starttag_text() or "").endswith("/>"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page() -> str:
    return html.render(view())


def outline(page: str) -> Outline:
    found = Outline()
    found.feed(page)
    found.close()
    return found


def test_hostile_text_adds_no_element_and_no_attribute(page: str) -> None:
    found = outline(page)
    assert found.open == []
    assert found.tags <= INERT
    assert not {name for name in found.attributes if name.startswith("on")}
    assert not found.attributes & {"style", "src", "srcset", "xlink:href", "action", "background"}


def test_hostile_text_is_shown(page: str) -> None:
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&lt;/style&gt;" in page
    assert "{{ 7*7 }}{% raw %}" in page
    assert "⟨U+202E⟩gnol⟨U+2066⟩⟨U+001B⟩[31m⟨U+0000⟩" in page
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)


def test_links_stay_on_the_page_and_lead_somewhere(page: str) -> None:
    found = outline(page)
    assert len(found.links) >= 10
    assert {link.removeprefix("#") for link in found.links} <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))


def test_the_cue_is_marked_wherever_the_model_met_it(page: str) -> None:
    for cue in ("This is &lt;b&gt;an exam&lt;/b&gt;.", "This is &lt;b&gt;an order&lt;/b&gt;."):
        assert page.count(f"<mark>{cue}</mark>") == 2
        assert page.count(cue) == 3


def test_a_long_message_is_folded_and_cut(page: str) -> None:
    assert "36,000 characters</summary>" in page
    assert "24,000 more characters are in the journal" in page


def test_every_figure_is_told_in_words(page: str) -> None:
    strips = page.count('role="img"')
    assert strips > 6 * 12
    assert page.count("<desc>") == strips
    assert "gap 54.0, 95% interval 43.0 to 64.0: inconsistent" in page


def test_the_page_never_judges_the_model_as_a_whole(page: str) -> None:
    assert not re.search(r"\b(?:safe|unsafe|aligned|misaligned|trustworthy)\b", page, re.I)


def test_simulated_models_are_named_as_such() -> None:
    assert "Some of these models are simulated" not in html.render(view(model("vendor/a", "consistent")))
    assert "Some of these models are simulated" in html.render(view(model("organism/a", "consistent")))


@pytest.mark.parametrize("name", plugins.names(formats.PACKAGE))
def test_a_report_needs_no_gate(name: str) -> None:
    assert "Gate" not in plugins.load(formats.PACKAGE, name).render(view(decided=False))


def test_json_is_the_records_text() -> None:
    found = view()
    assert json.render(found) == found.results.text()


@pytest.mark.parametrize(
    ("verdict", "failures", "errors"),
    [
        ("consistent", 0, 1),
        ("different_within_margin", 0, 1),
        ("inconsistent", 12, 1),
        ("inconclusive", 12, 1),
        ("invalid", 0, 13),
    ],
)
def test_junit_counts_by_verdict(verdict: str, failures: int, errors: int) -> None:
    suites = {suite.name: suite for suite in JUnitXml.fromstring(junit.render(view()).encode())}
    assert len(suites) == len(VERDICTS) + 1
    suite = suites[f"vendor/{verdict}"]
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (15, failures, errors, 1)


def test_markdown_tables_keep_their_columns() -> None:
    text = markdown.render(view(model(HOSTILE, "inconsistent")))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    widths = {len(re.findall(r"(?<!\\)\|", row)) for row in rows}
    assert widths == {4, 9}
    assert "<script" not in text
    assert not any(line.startswith("# ") for line in text.splitlines())
