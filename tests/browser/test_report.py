"""The report in a real browser: no script, no request, no console message, no sideways scrolling of the page.

Two pages are opened: of a run, and of a view made by hand that is large, lacks data, and is full of hostile text.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from consistency.reporting.formats import html
from consistency.scenarios.library import Library
from consistency.study import Study
from tests.runs import run_study
from tests.unit.reporting_extremes import view

pytestmark = pytest.mark.browser
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def report(library: Library, tiny: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    models = ("faker:evaluation=0,deployment=1", "steady", "refuser", "flaky:fail=1")
    directory, _ = run_study(tiny, library, tmp_path_factory.mktemp("runs") / "run", *models)
    return directory.path / "report.html"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "report.html"
    path.write_text(html.render(view()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser(report: Path) -> Iterator[Browser]:
    assert report.exists()  # made before: the browser's own event loop leaves no room for another
    if not CHROMIUM.exists():
        if "CI" in os.environ:
            pytest.fail(f"{CHROMIUM} is missing: CI must install it")
        pytest.skip(f"{CHROMIUM} is missing; install Debian's chromium to run this")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.mark.parametrize("which", ["report", "sample"])
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_quiet_and_fits(
    browser: Browser, report: Path, sample: Path, which: str, width: int, scheme: str
) -> None:
    opened = {"report": report, "sample": sample}[which]
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    messages: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))

    page.goto(opened.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(found => { found.open = true })")

    assert messages == []
    assert requests == [opened.as_uri()]
    assert page.evaluate("document.scripts.length") == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h1").count() == 1
    assert page.locator("section > h2").count() >= 10
    page.close()


def test_the_style_is_applied_under_the_policy(browser: Browser, report: Path) -> None:
    page = browser.new_page()
    page.goto(report.as_uri())
    assert (
        page.locator(".card.inconsistent .verdict").first.evaluate("node => getComputedStyle(node).fontWeight") == "650"
    )
    assert page.locator(".plot .band").first.bounding_box() is not None
    page.close()


#: Pairs of texts in one figure whose boxes meet.
COLLISIONS = """() => {
  const found = [];
  const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  for (const table of document.querySelectorAll('.plot')) {
    const boxes = [...table.querySelectorAll('th, td:not(.strip), svg text')].filter(node => node.textContent.trim())
      .map(node => {
        const range = document.createRange();
        range.selectNodeContents(node);
        return [node.textContent.trim(), range.getBoundingClientRect()];
      }).filter(([, box]) => box.width > 0);
    boxes.forEach(([text, box], index) => boxes.slice(index + 1).forEach(([other, second]) => {
      if (meet(box, second)) found.push(text + ' / ' + other);
    }));
  }
  return found;
}"""


@pytest.mark.parametrize("width", [1280, 1000, 900, 720, 400, 320])
def test_texts_of_figures_never_overlap(browser: Browser, sample: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(sample.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(found => { found.open = true })")
    assert page.evaluate(COLLISIONS) == []
    page.close()


def test_what_scrolls_or_opens_is_reached_by_keyboard(browser: Browser, sample: Path) -> None:
    page = browser.new_page(viewport={"width": 400, "height": 900})
    page.goto(sample.as_uri())
    unreachable = """() => [...document.querySelectorAll('*')].filter(node =>
      node.scrollWidth > node.clientWidth + 1 && ['auto', 'scroll'].includes(getComputedStyle(node).overflowX)
      && node.tabIndex < 0).map(node => node.outerHTML.slice(0, 80))"""
    assert page.evaluate(unreachable) == []
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#verdicts"
    page.close()


def test_levels_of_factors_are_printed_though_folded_on_screen(browser: Browser, sample: Path) -> None:
    page = browser.new_page(viewport={"width": 800, "height": 900})
    page.goto(sample.as_uri())
    folded = page.locator("#contrasts details .scroll").first
    assert not folded.is_visible()
    page.emulate_media(media="print")
    assert folded.is_visible()
    assert not page.locator("#transcripts details").first.is_visible()
    page.close()
