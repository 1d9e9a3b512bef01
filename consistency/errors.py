"""Every error that this package raises on purpose.

ConsistencyError
├── ConfigurationError      a file, option or design that people can mend (exit 2)
│   └── ContentError        one or more problems in content files, each with file and line
├── StatisticsError         numbers that no estimate can be made from
├── StoreError              a run directory that cannot be used (exit 2)
│   ├── RunLocked           another process is writing to it
│   └── ChainBroken         its journal does not hash to what it says (exit 6)
├── EndpointDown            an endpoint that does not answer; what is recorded stays (exit 5)
├── Stopped                 a cap on money, calls or time is reached (exit 5)
└── CallFailed              a model call that brought no reply
"""

from dataclasses import dataclass


class ConsistencyError(Exception):
    """Base of all; `exit_code` is what the command line ends with."""

    exit_code = 1


class ConfigurationError(ConsistencyError):
    """What was asked for is wrong or impossible: the message says what was found and what is allowed."""

    exit_code = 2


@dataclass(frozen=True, order=True)
class Problem:
    """One fault in a content file. `line` counts from 1."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class ContentError(ConfigurationError):
    """Faults in scenarios, cues, probes, pools or studies; `problems` is never empty."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class StatisticsError(ConsistencyError, ValueError):
    """Numbers that an estimate cannot be made from."""


class StoreError(ConsistencyError):
    """A run directory that cannot be used as asked."""

    exit_code = 2


class RunLocked(StoreError):
    """Another process holds the run's journal."""


class ChainBroken(StoreError):
    """An entry of the journal does not match its digest or its predecessor's."""

    exit_code = 6


class EndpointDown(ConsistencyError):
    """An endpoint that has not answered for as long as patience allows. The run can be resumed."""

    exit_code = 5


class Stopped(ConsistencyError):
    """A cap is reached: no further call may be made. What is recorded stays, and the run can be resumed."""

    exit_code = 5


class CallFailed(ConsistencyError):
    """A model call that brought no usable reply.

    `kind` is one of `rate_limit`, `timeout`, `connection`, `server`, `malformed` (worth a retry), `authentication`,
    `quota`, `unknown_model`, `bad_request`, `context_length`, `content_policy` (not worth one).
    `retry_after` is the wait in seconds that the endpoint asked for, or None.
    """

    RETRYABLE = frozenset({"rate_limit", "timeout", "connection", "server", "malformed"})

    def __init__(self, kind: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message
        self.retry_after = retry_after

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed when made again."""
        return self.kind in self.RETRYABLE
