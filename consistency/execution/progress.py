"""How far a run has come: a bar in a terminal, plain lines elsewhere, events for machines; always on stderr."""

import json
import sys
import time
from collections import Counter
from types import TracebackType
from typing import Literal, NoReturn

from tqdm import tqdm

from consistency.models.budget import Spent
from consistency.records.trial import Outcome

_SECONDS_BETWEEN_LINES = 10.0
_SECONDS_BETWEEN_EVENTS = 1.0

#: How a run tells of itself: to a person, to a machine as one JSON object per line, or not at all.
Manner = Literal["person", "machine", "quiet"]


class Progress:
    """Counts trials as they end, and what their calls cost. Use as a context.

    total: trials of the plan. done: those that had ended before. before: what was spent before.
    """

    def __init__(self, total: int, *, done: int = 0, before: Spent | None = None, manner: Manner = "person") -> None:
        self.total, self.done, self.manner = total, done, manner
        self._outcomes: Counter[str] = Counter()
        self._spent = before or Spent()
        self._waiting: dict[str, str] = {}
        self._terminal = manner == "person" and sys.stderr.isatty()
        self._bar: tqdm[NoReturn] | None = None
        self._last_line = time.monotonic()

    def __enter__(self) -> "Progress":
        if self._terminal:
            self._bar = tqdm(total=self.total, initial=self.done, unit="trial", file=sys.stderr, dynamic_ncols=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        elif self._outcomes or self.manner == "machine":
            self._line()

    def ended(self, outcome: Outcome) -> None:
        """One more trial has ended."""
        self.done += 1
        self._outcomes[outcome] += 1
        if self._bar is not None:
            self._bar.update()
        self._now_and_then()

    def spent(self, total: Spent) -> None:
        """What all calls of the run come to by now."""
        self._spent = total
        self._now_and_then()

    def waiting(self, endpoint: str, words: str | None) -> None:
        """What is being waited for at an endpoint; None when that is over."""
        if self._waiting.get(endpoint) == words:
            return
        if words is None:
            self._waiting.pop(endpoint, None)
        else:
            self._waiting[endpoint] = words
        if self.manner == "machine":
            self._event("waiting", endpoint=endpoint, reason=words)
        self._now_and_then()

    def _now_and_then(self) -> None:
        if self._bar is not None:
            self._bar.set_postfix_str(self._words(), refresh=False)
            return
        between = _SECONDS_BETWEEN_EVENTS if self.manner == "machine" else _SECONDS_BETWEEN_LINES
        if time.monotonic() - self._last_line >= between:
            self._line()

    def _line(self) -> None:
        self._last_line = time.monotonic()
        if self.manner == "machine":
            known = {"calls": self._spent.calls, "cost": self._spent.cost, "unpriced_calls": self._spent.unpriced}
            self._event("progress", done=self.done, total=self.total, outcomes=dict(self._outcomes), **known)
        elif self.manner == "person":
            words = self._words()
            print(f"{self.done} of {self.total} trials{': ' + words if words else ''}", file=sys.stderr, flush=True)

    def _words(self) -> str:
        found = [f"{number} {outcome}" for outcome, number in sorted(self._outcomes.items())]
        if self._spent.cost or self._spent.unpriced:
            found.append(f"${self._spent.cost:,.2f}{' and calls of unknown price' if self._spent.unpriced else ''}")
        found += [f"{endpoint}: {words}" for endpoint, words in sorted(self._waiting.items())]
        return ", ".join(found)

    def _event(self, name: str, **fields: object) -> None:
        print(json.dumps({"event": name, **fields}, ensure_ascii=False), file=sys.stderr, flush=True)
