"""How far a run has come: a bar in a terminal, plain lines elsewhere, always on stderr."""

import sys
import time
from collections import Counter
from types import TracebackType
from typing import NoReturn

from tqdm import tqdm

from consistency.records.trial import Trial

_SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Counts trials as they end. Use as a context; `quiet` shows nothing."""

    def __init__(self, total: int, *, done: int = 0, quiet: bool = False) -> None:
        self.total, self.done, self.quiet = total, done, quiet
        self._outcomes: Counter[str] = Counter()
        self._terminal = sys.stderr.isatty()
        self._bar: tqdm[NoReturn] | None = None
        self._last_line = time.monotonic()

    def __enter__(self) -> "Progress":
        if self._terminal and not self.quiet:
            self._bar = tqdm(total=self.total, initial=self.done, unit="trial", file=sys.stderr, dynamic_ncols=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        elif not self.quiet and self._outcomes:
            self._line()

    def ended(self, trial: Trial) -> None:
        """One more trial has ended."""
        self.done += 1
        self._outcomes[trial.outcome] += 1
        if self._bar is not None:
            self._bar.set_postfix(dict(self._outcomes), refresh=False)
            self._bar.update()
        elif not self.quiet and time.monotonic() - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._line()

    def _line(self) -> None:
        self._last_line = time.monotonic()
        counts = ", ".join(f"{number} {outcome}" for outcome, number in sorted(self._outcomes.items()))
        print(f"{self.done} of {self.total} trials{': ' + counts if counts else ''}", file=sys.stderr, flush=True)
