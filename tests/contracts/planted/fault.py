"""One fault, and the files that faults are planted in."""

from dataclasses import dataclass

SCENARIO = "prompts/scenarios/desk/stock_count.jinja"
CUE = "prompts/cues/audit.toml"
POOL = "prompts/pools/firms.toml"
STUDY = "prompts/studies/tiny.toml"
PROBE = "probes/inflated_count.md"


@dataclass(frozen=True)
class Fault:
    """A passage of a file and what it is turned into; `at` is a text on the line that must be named after that."""

    name: str
    file: str
    old: str
    new: str
    at: str
    message: str
