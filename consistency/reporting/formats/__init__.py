"""The contract of a report format: a module with `MEDIA_TYPE`, `SUFFIX` and `render(view) -> str`.

Other packages add formats through entry points in the group `consistency.formats`.
"""

from typing import Protocol

from consistency.reporting.view import ReportView

PACKAGE = __name__


class Format(Protocol):
    """A module of this folder."""

    MEDIA_TYPE: str
    SUFFIX: str

    def render(self, view: ReportView) -> str:
        """The whole report as text; the same view gives the same text."""
        ...
