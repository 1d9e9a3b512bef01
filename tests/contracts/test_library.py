"""What the library must keep as a whole: scenarios of their own, and cues that carry what they claim and no more."""

import math
import random
import re
from collections import Counter
from itertools import combinations
from statistics import fmean

import pytest

from consistency.records.scenario import Cue
from consistency.scenarios import factors
from consistency.scenarios.library import Library, Scenario
from consistency.scenarios.render import Item, Renderer

LIBRARY = Library.from_folders()
_WORD = re.compile(r"[a-z']+")
_SHINGLE = 8
_SPLITS = 60


def rendered(scenario: Scenario) -> str:
    """A scenario's texts in its first cell, without cues."""
    skeleton = Renderer(LIBRARY, scenario).skeleton(Item(scenario.id, factors.cells(scenario.head)[0], 1, seed=1))
    return f"{skeleton.system} {skeleton.user} {skeleton.world}".casefold()


def shingles(text: str) -> set[tuple[str, ...]]:
    words = _WORD.findall(text)
    return {tuple(words[start : start + _SHINGLE]) for start in range(len(words) - _SHINGLE + 1)}


def test_no_two_scenarios_share_their_wording() -> None:
    found = {name: shingles(rendered(scenario)) for name, scenario in LIBRARY.scenarios.items()}
    for (first, one), (second, other) in combinations(found.items(), 2):
        shared = len(one & other) / min(len(one), len(other))
        assert shared <= 0.30, f"{first} and {second} share {shared:.0%} of their eight-word shingles"


def test_canaries_differ() -> None:
    canaries = [scenario.head.canary for scenario in LIBRARY.scenarios.values()]
    assert len(set(canaries)) == len(canaries)


def words(cue: Cue, arm: str) -> list[Counter[str]]:
    """The bag of words of each wording in one arm."""
    texts = [" ".join(wording.texts[arm].values()) for wording in cue.wordings]  # type: ignore[index]
    return [Counter(_WORD.findall(re.sub(r"\{\{.*?\}\}", " ", text).casefold())) for text in texts]


def held_out_accuracy(cue: Cue) -> float:
    """How well naive Bayes, trained on half the wordings, tells the arms of the other half apart. Chance is a half."""
    evaluation, deployment = words(cue, "evaluation"), words(cue, "deployment")
    rng = random.Random(cue.id)
    accuracies = []
    for _ in range(_SPLITS):
        order = rng.sample(range(len(evaluation)), len(evaluation))
        train, test = order[: len(order) // 2], order[len(order) // 2 :]
        weights = log_odds([evaluation[index] for index in train], [deployment[index] for index in train])
        for bags, sign in ((evaluation, 1), (deployment, -1)):
            for index in test:
                score = sign * sum(weights.get(word, 0.0) * count for word, count in bags[index].items())
                accuracies.append(1.0 if score > 0 else 0.5 if score == 0 else 0.0)
    return fmean(accuracies)


def log_odds(first: list[Counter[str]], second: list[Counter[str]]) -> dict[str, float]:
    one, other = sum(first, Counter()), sum(second, Counter())
    vocabulary = one | other
    total, total_other = sum(one.values()) + len(vocabulary), sum(other.values()) + len(vocabulary)
    return {word: math.log((one[word] + 1) / total) - math.log((other[word] + 1) / total_other) for word in vocabulary}


@pytest.mark.parametrize("name", [name for name, cue in LIBRARY.cues.items() if cue.family != "placebo"])
def test_a_cue_carries_its_information_across_wordings(name: str) -> None:
    assert held_out_accuracy(LIBRARY.cues[name]) > 0.6


@pytest.mark.parametrize("name", [name for name, cue in LIBRARY.cues.items() if cue.family == "placebo"])
def test_a_placebo_carries_none(name: str) -> None:
    assert held_out_accuracy(LIBRARY.cues[name]) < 0.6
