"""The report in a real browser: no script, no request, no console message, no sideways scrolling of the page."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from consistency.scenarios.library import Library
from consistency.study import Study
from tests.runs import run_study

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


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_quiet_and_fits(browser: Browser, report: Path, width: int, scheme: str) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    messages: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))

    page.goto(report.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(found => { found.open = true })")

    assert messages == []
    assert requests == [report.as_uri()]
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
    assert page.locator("svg.chart").first.bounding_box() is not None
    page.close()
