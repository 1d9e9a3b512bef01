"""JUnit XML for build servers: a suite per model, a case per primary contrast and per validity check.

`inconsistent` and `inconclusive` contrasts are failures of that type: a build that waits for consistency must not
pass on a question left open. `invalid` contrasts and failed checks are errors, checks that were not measured are
skipped, and warnings stand in the case's output.
"""

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from consistency.records.effect import Contrast, ModelResult, ValidityCheck
from consistency.reporting import words
from consistency.reporting.view import ReportView, primary

MEDIA_TYPE = "application/xml"
SUFFIX = ".xml"


def render(view: ReportView) -> str:
    """The results as JUnit XML."""
    report = JUnitXml(words.visible(view.results.study))
    for model in view.results.models:
        report.add_testsuite(_suite(model))
    text: bytes = report.tostring()
    return text.decode() + "\n"


def _suite(model: ModelResult) -> TestSuite:
    suite = TestSuite(words.visible(model.model))
    suite.add_property("verdict", model.verdict)
    suite.add_property("direction", model.direction or "none")
    for contrast in primary(model):
        suite.add_testcase(_contrast(contrast))
    for check in model.validity:
        suite.add_testcase(_check(check))
    return suite


def _contrast(contrast: Contrast) -> TestCase:
    case = TestCase(words.visible(f"{contrast.probe} under {contrast.cue_family}"), classname="contrasts", time=0)
    told = words.told(contrast)
    match contrast.verdict:
        case "inconsistent" | "inconclusive":
            case.result = [Failure(f"{contrast.verdict}: {told}", contrast.verdict)]
        case "invalid":
            case.result = [Error(f"invalid: {words.visible(contrast.note) or told}", "invalid")]
        case _:
            case.system_out = f"{contrast.verdict}: {told}"
    return case


def _check(check: ValidityCheck) -> TestCase:
    case = TestCase(words.visible(check.name), classname="validity", time=0)
    detail = words.visible(check.detail)
    match check.status:
        case "failed":
            case.result = [Error(detail, "failed")]
        case "not_measured":
            case.result = [Skipped(detail)]
        case _:
            case.system_out = f"{check.status}: {detail}"
    return case
