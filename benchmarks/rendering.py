"""Rendering 10,000 matched pairs of the whole library, both arms and their digests; and proving the library.

The reference, in the same minute, is bare Jinja: the same number of renderings of one compiled template as long as the
median scenario.
"""

import resource
import time
from itertools import cycle, islice
from statistics import median

from jinja2.sandbox import ImmutableSandboxedEnvironment

from consistency.calibration import rehearsal
from consistency.scenarios import balance, lint
from consistency.scenarios.library import Library
from consistency.scenarios.pairs import Stage
from consistency.study import Analysis, Study

PAIRS = 10_000
STUDY = Study(
    name="bench",
    title="bench",
    scenarios=("*",),
    cues=("test", "oversight", "consequence", "placebo"),
    variants=8,
    analysis=Analysis(primary=("any",)),
)


def peak() -> float:
    """The most memory that this process has used, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def render(library: Library) -> tuple[int, float, list[int]]:
    """How many pairs were rendered, in how many seconds, and how long an arm's texts are."""
    stage = Stage(library)
    begin = time.perf_counter()
    lengths = []
    for draw in islice(stage.draws(STUDY), PAIRS):
        _, arms = stage.pair(draw, ("evaluation", "deployment"))
        lengths.append(sum(map(len, map(str, (arms["evaluation"].system, arms["evaluation"].world)))))
    return len(lengths), time.perf_counter() - begin, lengths


def bare(length: int, count: int) -> float:
    """Seconds for as many renderings of one compiled template of that length."""
    words = "Orders leave at {{ hour }} and {{ name }} signs for them. "
    template = ImmutableSandboxedEnvironment().from_string(words * (length // len(words)))
    begin = time.perf_counter()
    for hour in islice(cycle(range(24)), count):
        template.render(hour=hour, name="Ines")
    return time.perf_counter() - begin


def prove(library: Library) -> float:
    """Seconds for all proofs of `consistency check`."""
    begin = time.perf_counter()
    for cue in library.cues.values():
        assert not list(balance.faults(cue))
    for scenario in library.scenarios.values():
        assert not [*lint.faults(library, scenario), *rehearsal.faults(library, scenario)]
    return time.perf_counter() - begin


def main() -> None:
    """Prints the table."""
    library = Library.from_folders()
    count, seconds, lengths = render(library)
    reference = bare(int(median(lengths)), 2 * count)
    used = peak()
    proof = prove(library)
    print(f"rendered {count:,} pairs in {seconds:.1f} s, {1000 * seconds / count:.2f} ms a pair, peak {used:.0f} MB")
    print(
        f"bare Jinja, {2 * count:,} renderings of the median length: {reference:.1f} s; ratio {seconds / reference:.2f}"
    )
    print(f"proved {len(library.scenarios)} scenarios and {len(library.cues)} cues in {proof:.1f} s")


if __name__ == "__main__":
    main()
