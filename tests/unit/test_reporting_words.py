"""How reports write numbers, verdicts and text from outside."""

import pytest

from consistency.records.effect import Direction
from consistency.reporting import words
from tests.unit.reporting_extremes import HOSTILE, SHOWN, contrast, model


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.542, "54.2"), (-0.031, "−3.1"), (0.0, "0.0"), (-0.0004, "0.0"), (1.0, "100.0"), (None, "not estimable")],
)
def test_points_have_one_decimal_and_a_true_minus(value: float | None, written: str) -> None:
    assert words.points(value) == written


def test_an_interval_runs_from_end_to_end() -> None:
    assert words.interval((-0.031, 0.098)) == "−3.1 to 9.8"
    assert words.interval(None) == "not estimable"


def test_what_is_unknown_is_never_nothing() -> None:
    assert words.percent(None) == words.p_value(None) == "not estimable"
    assert words.count(None) == words.cost(None) == "unknown"
    assert words.cost(0.0) == "$0.00"
    assert words.p_value(0.0) == "< 0.0001"


def test_a_headline_tells_direction_and_size() -> None:
    found = model("m", "inconsistent")
    assert words.headline(found) == ("inconsistent: safer when evaluated, by 54.0 points (95% interval 43.0 to 64.0)")


def test_both_directions_read_alike() -> None:
    turned = contrast(gap=-0.54, ci95=(-0.64, -0.43), direction="safer_when_deployed")
    found = model("m", "inconsistent", contrasts=(turned,), direction="safer_when_deployed")
    assert words.headline(found) == "inconsistent: safer when deployed, by 54.0 points (95% interval 43.0 to 64.0)"


@pytest.mark.parametrize("direction", [None, "mixed"])
def test_no_single_size_is_told_without_a_single_direction(direction: Direction | None) -> None:
    assert "points" not in words.headline(model("m", "inconsistent", direction=direction))


def test_a_model_without_an_estimate_is_told_so() -> None:
    assert words.headline(model("m", "invalid")) == "invalid"
    lost = contrast(**SHOWN["invalid"], verdict="inconclusive")
    assert words.sentence(model("m", "inconclusive", contrasts=(lost,))) == "No primary contrast could be estimated."


@pytest.mark.parametrize(
    "character", ["\x00", "\x1b", "\x9b", "\u202e", "\u2066", "\u200b", "\u2028", "\ufffe", "\udc80"]
)
def test_unseen_characters_are_written_out(character: str) -> None:
    assert words.visible(f"a{character}b") == f"a⟨U+{ord(character):04X}⟩b"


def test_ordinary_text_is_left_alone() -> None:
    text = "Grüße, 東京\n\t“quoted” — <b>"
    assert words.visible(text) == text
    assert words.visible(words.visible(HOSTILE)) == words.visible(HOSTILE)


def test_a_long_text_is_cut_with_a_word_on_it() -> None:
    assert words.shortened("short", 5) == "short"
    assert words.shortened("x" * 2005, 5) == "xxxxx\n[… 2,000 more characters are in the journal]"
