"""Features of texts, categories and scores against plain counting; any embedding can take the default's place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from consistency.errors import StatisticsError
from consistency.stats.outcomes import FloatArray
from consistency.stats.text_kernels import character_ngrams, one_hot, rank_scores, text_features

TEXTS = [
    "I have sent the report to the regulator, as I was told.",
    "I have sent the reports to the regulator as I was told!",
    "Nothing was sent; the files are gone.",
    "Größe: 3 µm — ΔT ≤ 5 °C 🙂",
    "",
    "a",
    "\ud800 a lone surrogate",
]


def counted(text: str, lengths: Sequence[int]) -> Counter[tuple[str, ...]]:
    """All n-grams, the edges counting as characters."""
    characters = ("edge", *text, "edge")
    return Counter(characters[i : i + n] for n in lengths for i in range(len(characters) - n + 1))


def cosine(first: Counter[tuple[str, ...]], second: Counter[tuple[str, ...]]) -> float:
    product = sum(count * second[gram] for gram, count in first.items())
    return float(product / np.sqrt(sum(c**2 for c in first.values()) * sum(c**2 for c in second.values())))


@pytest.mark.parametrize("lengths", [(2, 3, 4), (1,), (5, 2)])
def test_inner_products_are_the_cosines_of_ngram_counts(lengths: tuple[int, ...]) -> None:
    features = character_ngrams(lengths, dimensions=1 << 18)(TEXTS)
    grams = [counted(text, lengths) for text in TEXTS]
    expected = [[cosine(one, other) for other in grams] for one in grams]
    assert features @ features.T == pytest.approx(np.array(expected), abs=0.02)


def test_fewer_dimensions_blur_and_hardly_shift() -> None:
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("abcdefgh "), size=80)) for _ in range(60)]
    narrow, wide = (character_ngrams(dimensions=size)(texts) for size in (1024, 1 << 16))
    error = (narrow @ narrow.T - wide @ wide.T)[np.triu_indices(60, 1)]
    assert abs(error.mean()) < 0.015
    assert error.std() < 0.05


def test_alike_texts_are_nearer() -> None:
    rows = text_features(TEXTS)
    similar = rows @ rows.T
    assert similar[0, 1] > 0.8 > 0.4 > similar[0, 2]
    assert np.diagonal(similar) == pytest.approx(1.0, abs=1e-5)


def test_the_same_text_has_the_same_row_whatever_stands_beside_it() -> None:
    long = "word " * 70_000
    texts = [*TEXTS, long, *TEXTS * 300]
    together = character_ngrams()(texts)
    for text, row in zip(texts[:9], together, strict=False):
        assert np.array_equal(character_ngrams()([text])[0], row)
    assert together.dtype == np.float32
    assert together.shape == (len(texts), 1024)


def test_rows_are_the_same_on_every_machine() -> None:
    row = character_ngrams((2,), dimensions=8)(["abca"])[0]
    # By hand, in whole numbers: the five bigrams fall on +0, +3, −3, +4 and −6.
    assert row == pytest.approx(np.array([1, 0, 0, 0, 1, 0, -1, 0]) / np.sqrt(3), abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=20), max_size=5))
def test_any_strings_make_rows_of_length_one(texts: list[str]) -> None:
    features = character_ngrams()(texts)
    assert features.shape == (len(texts), 1024)
    lengths = np.linalg.norm(features, axis=1)
    assert np.all((np.abs(lengths - 1.0) < 1e-5) | (lengths == 0.0))  # 0 where n-grams cancel, or there are none


def test_a_text_too_short_for_its_ngrams_is_a_row_of_zeros() -> None:
    assert character_ngrams((4,))(["", "a", "ab"]).any(axis=1).tolist() == [False, False, True]


def test_any_embedding_takes_its_place_and_sees_each_text_once() -> None:
    seen: list[str] = []

    def lengths(texts: Sequence[str]) -> FloatArray:
        seen.extend(texts)
        return np.array([[len(text), 1.0] for text in texts])

    features = text_features(["ab", "c", "ab", "ab"], lengths)
    assert features.tolist() == [[2, 1], [1, 1], [2, 1], [2, 1]]
    assert seen == ["ab", "c"]


@pytest.mark.parametrize(
    "rows", [np.zeros(2), np.zeros((3, 2)), np.full((2, 2), np.nan), np.array([["a"], ["b"]])], ids=str
)
def test_an_embedding_that_gives_no_row_for_each_text_is_refused(rows: FloatArray) -> None:
    with pytest.raises(StatisticsError, match="for 2 texts; one row of finite numbers per text is needed"):
        text_features(["a", "b"], lambda texts: rows)


def test_one_text_is_no_sequence_of_texts() -> None:
    for embed in (character_ngrams(), text_features):
        with pytest.raises(StatisticsError, match="found one text"):
            embed("a text")


@pytest.mark.parametrize(("lengths", "dimensions"), [((), 8), ((0,), 8), ((2,), 1)])
def test_ngrams_need_lengths_and_dimensions(lengths: tuple[int, ...], dimensions: int) -> None:
    with pytest.raises(StatisticsError, match="needed are ≥ 1 and ≥ 2"):
        character_ngrams(lengths, dimensions)


def test_category_indicators() -> None:
    assert one_hot(["b", "a", "b"]).tolist() == [[0, 1], [1, 0], [0, 1]]
    assert one_hot(["b"], ["c", "b", "a"]).tolist() == [[0, 1, 0]]
    assert one_hot([]).shape == (0, 0)
    with pytest.raises(StatisticsError, match=r"found 'z'; allowed are \['a', 'b'\]"):
        one_hot(["a", "z"], ["a", "b"])
    with pytest.raises(StatisticsError, match="named twice"):
        one_hot(["a"], ["a", "a"])


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=30))
def test_rank_scores_are_mean_ranks(values: list[int]) -> None:
    scores = rank_scores(values)
    assert scores[:, 0] == pytest.approx((rankdata(values) - 0.5) / len(values))
    assert scores.mean() == pytest.approx(0.5)
    assert np.array_equal(rank_scores(np.exp(values)), scores)


def test_rank_scores_need_finite_numbers() -> None:
    assert rank_scores([]).shape == (0, 1)
    with pytest.raises(StatisticsError, match="one finite number for each"):
        rank_scores([1.0, np.nan])
    with pytest.raises(StatisticsError, match=r"found shape \(1, 2\)"):
        rank_scores([[1.0, 2.0]])
