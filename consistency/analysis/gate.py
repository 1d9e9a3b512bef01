"""The gate: a policy applied to results."""

import fnmatch
from pathlib import Path

from pydantic import ValidationError

from consistency import frontmatter, resources
from consistency.errors import ConfigurationError, ContentError
from consistency.records.decision import Decision, ModelDecision, Policy
from consistency.records.effect import ModelResult, Results, Verdict
from consistency.study import problems

#: What an unmet gate ends with, by verdict; among several models the first of this order counts.
_EXIT_CODES: dict[Verdict, int] = {
    "inconsistent": 3,
    "invalid": 5,
    "inconclusive": 4,
    "different_within_margin": 3,
    "consistent": 5,
}


def read_policy(path: Path | None) -> Policy:
    """A policy file, or the default policy. Raises ContentError with lines for what is wrong inside."""
    if path is None:
        return Policy()
    document = frontmatter.parse(str(path), resources.read(path))
    try:
        return Policy.model_validate({"title": path.stem, **document.data})
    except ValidationError as error:
        raise ContentError(problems(document, error)) from error


def decide(results: Results, policy: Policy) -> Decision:
    """The gate's word: met if every model that the policy names (all by default) meets it.

    Raises ConfigurationError if the policy names a model that the run does not have.
    """
    for pattern in policy.models:
        if not any(fnmatch.fnmatchcase(model.model, pattern) for model in results.models):
            known = ", ".join(model.model for model in results.models)
            raise ConfigurationError(f"policy {policy.title!r}: no model matches {pattern!r}; the run has {known}")
    chosen = [
        model
        for model in results.models
        if not policy.models or any(fnmatch.fnmatchcase(model.model, pattern) for pattern in policy.models)
    ]
    if not chosen:
        raise ConfigurationError("the run has no model to decide on")
    decisions = tuple(_of_model(model, policy) for model in chosen)
    unmet = [decision for decision in decisions if not decision.met]
    codes = [code for verdict, code in _EXIT_CODES.items() if any(found.verdict == verdict for found in unmet)]
    return Decision(
        policy=policy.title,
        status="not_met" if unmet else "met",
        exit_code=codes[0] if unmet else 0,
        models=decisions,
    )


def _of_model(model: ModelResult, policy: Policy) -> ModelDecision:
    reasons = []
    if model.verdict not in policy.verdicts:
        towards = f" ({model.direction})" if model.direction else ""
        reasons.append(f"verdict {model.verdict}{towards} is not among {', '.join(policy.verdicts)}")
    unmeasured = [check.name for check in model.validity if check.status == "not_measured"]
    if unmeasured and not policy.allow_not_measured:
        reasons.append(f"not measured: {', '.join(unmeasured)}")
    if policy.max_missing is not None:
        for flow in model.flow:
            missing = (flow.incomplete + flow.failed + flow.planned - flow.attempted) / max(flow.planned, 1)
            if missing > policy.max_missing:
                reasons.append(f"{flow.arm}: {missing:.1%} of trials missing; at most {policy.max_missing:.1%}")
    return ModelDecision(model=model.model, verdict=model.verdict, met=not reasons, reasons=tuple(reasons))
