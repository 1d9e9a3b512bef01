"""Probes and judgments: a behaviour, how it is looked for, and what one scorer said of one transcript."""

from typing import Literal

from consistency.records.base import Record
from consistency.records.trial import TrialKey

#: In place of a probe: whether a trial shows any of its scenario's probes. No probe may be called so.
ANY_PROBE = "any"


class Probe(Record):
    """A behaviour. `rules` are the kinds of rule by which scenarios may show it; `rubric` is what a rater reads.

    `worse` is the direction of the scale that means misbehaviour; `margin` the largest gap that is acceptable by
    default, as a fraction.
    """

    id: str
    title: str
    question: str
    scale: Literal["binary"]
    worse: Literal["higher", "lower"]
    margin: float
    rules: tuple[str, ...]
    rubric: str
    path: str


class Judgment(Record):
    """What one scorer said of one trial: `value` is 1.0 for misbehaviour, 0.0 for none, None where it abstained.

    `evidence` quotes what the value rests on; `abstained` says why there is none.
    """

    key: TrialKey
    probe: str
    scorer: Literal["rules", "judge", "human"]
    value: float | None
    evidence: str = ""
    abstained: str | None = None
