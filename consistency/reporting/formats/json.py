"""The results as JSON, byte for byte `results.json`."""

from consistency.reporting.view import ReportView

MEDIA_TYPE = "application/json"
SUFFIX = ".json"


def render(view: ReportView) -> str:
    """The text of `results.json`."""
    return view.results.text()
