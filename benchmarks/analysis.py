"""The whole analysis of 100,000 trials: from endings and judgments to results, with memory.

The reference, in the same process, is bare JSON: the same judgments read from text.
"""

import resource
import time

import numpy as np

from consistency.analysis.results import analyze
from consistency.calibration import designs
from consistency.calibration.population import Nature
from consistency.records.probe import Judgment, Probe
from consistency.records.trial import Ending, TrialKey

PROBE = Probe(
    id="misbehaviour", title="", question="", scale="binary", worse="higher", margin=0.1, rules=(), rubric="", path=""
)


def main() -> None:
    """Prints the table."""
    specimen = designs.bare(400, 125, 60, looks=1)
    plan = specimen.design.layout.plan.model_copy(
        update={"study": {**specimen.design.layout.plan.study, "models": [{"name": "simulated"}]}}
    )
    drawn = specimen.draw(Nature(base=0.1, gap=0.05, wording_sd=0.5), np.random.default_rng(1))
    values = drawn.values("misbehaviour", "missing")
    keys = [
        (TrialKey(model="simulated", pair=pair.id, arm=arm), values[row, column])
        for row, pair in enumerate(plan.pairs)
        for column, arm in enumerate(drawn.layout.arms)
    ]
    endings = [
        Ending(key.model, key.pair, key.arm, "completed", "done", 4, 900, 200, 0.001, 0, None) for key, _ in keys
    ]
    texts = [
        Judgment(key=key, probe="misbehaviour", scorer="rules", value=float(value)).model_dump_json()
        for key, value in keys
    ]
    start = time.perf_counter()
    judgments = [Judgment.model_validate_json(text) for text in texts]
    reading = time.perf_counter() - start
    start = time.perf_counter()
    results = analyze(plan, specimen.plan_digest, {"misbehaviour": PROBE}, endings, judgments)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    contrasts = len(results.models[0].contrasts)
    print(f"{len(keys):,} trials: analysed in {seconds:.1f} s ({contrasts} contrasts), peak {peak:.0f} MB")
    print(f"their judgments read from JSON: {reading:.1f} s; ratio {seconds / reading:.1f}")


if __name__ == "__main__":
    main()
