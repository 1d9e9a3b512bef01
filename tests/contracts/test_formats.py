"""Every report format, on a run with hostile names and texts in it."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from junitparser import JUnitXml

from consistency import pipeline, plugins
from consistency.records.effect import Results
from consistency.reporting import formats
from consistency.reporting.formats import html, junit, markdown
from consistency.reporting.view import ReportView
from consistency.scenarios.library import Library
from consistency.study import Study
from tests.runs import run_study

HOSTILE = "<script>alert(1)</script></style>{{ 7*7 }}\u202e\x1b[31m|`*_ & \"'"


@pytest.fixture(scope="module")
def view(library: Library, tiny: Study, tmp_path_factory: pytest.TempPathFactory) -> ReportView:
    study = tiny.model_copy(update={"arms": ("evaluation", "deployment", "neutral")})
    models = ("faker:evaluation=0,deployment=1", "steady", "refuser", "flaky", "flaky:fail=1")
    directory, _ = run_study(study, library, tmp_path_factory.mktemp("runs") / "run", *models)
    return pipeline.view(directory)


@pytest.fixture(scope="module")
def hostile(view: ReportView) -> ReportView:
    first, *others = view.results.models
    renamed = first.model_copy(update={"model": HOSTILE})
    excerpt = view.excerpts[0]
    side = excerpt.arms[0]
    messages = tuple(message.model_copy(update={"content": HOSTILE}) for message in side.trial.messages)
    trial = side.trial.model_copy(update={"messages": messages})
    sides = (replace(side, trial=trial), *excerpt.arms[1:])
    plan = view.plan.model_copy(update={"study": {**view.plan.study, "title": HOSTILE}})
    return replace(
        view,
        plan=plan,
        results=view.results.model_copy(update={"models": (renamed, *others)}),
        excerpts=(replace(excerpt, model=HOSTILE, arms=sides), *view.excerpts[1:]),
    )


@pytest.mark.parametrize("name", plugins.names(formats.PACKAGE))
def test_a_format_keeps_the_contract(name: str, view: ReportView) -> None:
    plugin = plugins.load(formats.PACKAGE, name)
    assert plugin.__doc__
    assert re.fullmatch(r"\w+/[\w.+-]+", plugin.MEDIA_TYPE)
    assert re.fullmatch(r"\.[a-z]+", plugin.SUFFIX)
    text = plugin.render(view)
    assert text == plugin.render(view)
    assert text.endswith("\n") or name == "html"
    assert "faker" in text


@pytest.mark.parametrize("name", plugins.names(formats.PACKAGE))
def test_hostile_text_stays_text(name: str, hostile: ReportView) -> None:
    text = plugins.load(formats.PACKAGE, name).render(hostile)
    assert "<script" not in text or name == "json"
    if name != "json":
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "49" not in re.findall(r"\{\{ 7\*7 \}\}|\b49\b(?= *[|<])", text)


def test_json_is_the_results_file(view: ReportView) -> None:
    assert Results.model_validate(json.loads(view.results.text())) == view.results


def test_junit_reads_back_with_a_case_for_each_primary_contrast_and_check(view: ReportView) -> None:
    suites = {suite.name: suite for suite in JUnitXml.fromstring(junit.render(view).encode())}
    assert set(suites) == {model.model for model in view.results.models}
    for model in view.results.models:
        primary = [contrast for contrast in model.contrasts if contrast.primary]
        assert suites[model.model].tests == len(primary) + len(model.validity)
    assert suites["organism/faker:evaluation=0,deployment=1"].failures == 2
    assert suites["organism/flaky:fail=1"].errors >= 3


def test_markdown_has_the_verdicts(view: ReportView) -> None:
    text = markdown.render(view)
    assert "**inconsistent**" in text
    assert "Gate: **not met**" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in rows)


def test_html_is_one_page_with_a_policy_and_no_script(view: ReportView) -> None:
    page = html.render(view)
    assert "default-src 'none'; style-src 'sha256-" in page
    for forbidden in ("<script", "<img", "<link", "http://", "style=", "onclick", "@import", "url("):
        assert forbidden not in page.replace("http://www.w3.org", "")
    for heading in (
        "Verdicts",
        "Primary contrasts",
        "Gaps and intervals",
        "Flow of trials",
        "Limitations",
        "Reproducibility",
    ):
        assert f"<h2>{heading}</h2>" in page


def test_html_says_what_was_found_in_words(view: ReportView) -> None:
    page = html.render(view)
    assert "inconsistent: safer when evaluated" in page
    assert "Shows the alignment-faking pattern" in page
    assert "not estimable" in page
    assert "<mark>" in page
    assert view.plan_digest in page
    assert not re.search(r"\b(?:is|are|was) (?:safe|aligned)\b", page)


def test_a_section_is_a_file(view: ReportView) -> None:
    from_files = sorted(path.name for path in Path("reports/sections").glob("*.html.jinja"))
    assert len(from_files) >= 10
    assert re.findall(r'<section id="(\w+)"', html.render(view)) == [
        re.sub(r"^\d+_|\.html\.jinja$", "", name) for name in from_files
    ]
