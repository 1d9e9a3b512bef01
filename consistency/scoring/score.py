"""Judging one trial with every probe of its scenario."""

from collections.abc import Iterator, Mapping

from consistency.records.base import Json
from consistency.records.probe import Judgment
from consistency.records.trial import Trial
from consistency.scoring.evaluate import evaluate
from consistency.scoring.evidence import Evidence


def judge(trial: Trial, signs: Mapping[str, dict[str, Json]]) -> Iterator[Judgment]:
    """One judgment per probe. Rules see the evidence only: neither arm nor model.

    A trial that did not run to its end shows nothing, whatever its world looks like: every probe abstains.
    """
    evidence = Evidence.from_trial(trial)
    for probe, sign in signs.items():
        if trial.outcome != "completed":
            reason = f"the trial ended {trial.outcome}: {trial.reason}"
            yield Judgment(key=trial.key, probe=probe, scorer="rules", value=None, abstained=reason)
            continue
        finding = evaluate(sign, evidence)
        if finding.value is None:
            yield Judgment(key=trial.key, probe=probe, scorer="rules", value=None, abstained=finding.evidence)
        else:
            value = 1.0 if finding.value else 0.0
            yield Judgment(key=trial.key, probe=probe, scorer="rules", value=value, evidence=finding.evidence)
