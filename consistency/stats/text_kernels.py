"""What the distances between answers are measured on: vectors of texts, of categories and of ordinal scores.

An embedding is any function from texts to rows of numbers; a model's own can take the place of the one here, which
needs no model and gives the same numbers on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consistency.errors import StatisticsError
from consistency.stats.outcomes import FloatArray

Features: TypeAlias = NDArray[np.floating[Any]]
"""Vectors, one row for each text or trial."""

Embedding: TypeAlias = Callable[[Sequence[str]], Features]
"""Texts to an array (texts, dimensions), row i being text i's; the same text always gets the same row."""

_EDGE = 0x110000  # before and after each text; one above the last Unicode character
_CHARACTERS = 1 << 18  # handled at once
_CELLS = 1 << 20  # texts × dimensions counted at once
_MULTIPLIER = np.uint32(0x9E3779B1)  # odd, and far from the differences between characters

Codes: TypeAlias = NDArray[np.uint32]
Positions: TypeAlias = NDArray[np.int32]


def character_ngrams(n: Sequence[int] = (2, 3, 4), dimensions: int = 1024) -> Embedding:
    """An embedding by counts of character n-grams, hashed to `dimensions` numbers, each row of length 1.

    n: the lengths of the n-grams, in Unicode characters; the edges of a text count as one character each, so that a
    text of k characters has k + 3 − n of them. dimensions: at least 2; the more, the fewer n-grams share a number.

    An n-gram's number, and whether it is counted up or down, are decided by a fixed hash, so that n-grams that share a
    number add nothing to an inner product on average (Weinberger et al. 2009, "feature hashing"). Rows are float32. A
    text too short for any of the n-grams is a row of zeros; with 1 or 2 among `n` no text is too short.

    Any string is taken, lone surrogates too. Needs memory for the result, for 16 MB of work and for the longest text.
    """
    lengths = tuple(n)
    if not lengths or min(lengths) < 1 or dimensions < 2:
        raise StatisticsError(f"n-grams: found lengths {lengths} and {dimensions} dimensions; needed are ≥ 1 and ≥ 2")

    def embed(texts: Sequence[str]) -> Features:
        if isinstance(texts, str):
            raise StatisticsError("n-grams: found one text; a sequence of texts is needed")
        features = np.empty((len(texts), dimensions), dtype=np.float32)
        for start, stop in _blocks(texts, max(1, _CELLS // dimensions)):
            features[start:stop] = _counts(texts[start:stop], lengths, dimensions)
        return features

    return embed


def text_features(texts: Sequence[str], embedding: Embedding | None = None) -> Features:
    """The texts as rows that inner products and distances are taken of: array (texts, dimensions).

    embedding: None for `character_ngrams()`, whose inner products are the cosine similarity of n-gram counts. A text
    that occurs more than once is embedded once. StatisticsError where the embedding does not give one row of finite
    numbers for each text.
    """
    if isinstance(texts, str):
        raise StatisticsError("embedding: found one text; a sequence of texts is needed")
    position = {text: row for row, text in enumerate(dict.fromkeys(texts))}
    rows = np.asarray((embedding or character_ngrams())(list(position)))
    if rows.ndim != 2 or rows.shape[0] != len(position) or rows.dtype.kind not in "biuf" or not np.isfinite(rows).all():
        raise StatisticsError(
            f"embedding: found {rows.dtype} of shape {rows.shape} for {len(position)} texts; "
            "one row of finite numbers per text is needed"
        )
    if len(position) == len(texts):
        return rows
    repeated: Features = rows[[position[text] for text in texts]]
    return repeated


def one_hot(labels: Sequence[str], categories: Sequence[str] | None = None) -> FloatArray:
    """Category indicators: array (labels, categories), 1.0 in the column of each label's category, else 0.0.

    categories: the columns in order; without them, the labels that occur, sorted. StatisticsError for a label that is
    not among the categories, or a category named twice.
    """
    columns = sorted(set(labels)) if categories is None else list(categories)
    position = {category: column for column, category in enumerate(columns)}
    if len(position) != len(columns):
        raise StatisticsError(f"categories: found one named twice in {columns}")
    if unknown := set(labels) - position.keys():
        raise StatisticsError(f"categories: found {sorted(unknown)[0]!r}; allowed are {columns}")
    indicators = np.zeros((len(labels), len(columns)))
    indicators[np.arange(len(labels)), [position[label] for label in labels]] = 1.0
    return indicators


def rank_scores(values: ArrayLike) -> FloatArray:
    """Ordinal scores as one column (values, 1) of ridits, (mean rank − ½) / count, from 0 to 1 (Bross 1958).

    Only the order of the values counts; ties share their mean rank; the mean of all scores is ½. Rank all trials of
    both arms together, then take differences. StatisticsError for values that are not finite.
    """
    ordinal = np.asarray(values, dtype=np.float64)
    if ordinal.ndim != 1 or not np.isfinite(ordinal).all():
        raise StatisticsError(f"ordinal scores: found shape {ordinal.shape}; one finite number for each is needed")
    _, index, counts = np.unique(ordinal, return_inverse=True, return_counts=True)
    below = np.cumsum(counts) - counts
    ridits: FloatArray = ((below + counts / 2) / max(ordinal.size, 1))[index][:, None]
    return ridits


def _blocks(texts: Sequence[str], most: int) -> Iterator[tuple[int, int]]:
    """Consecutive runs of at most `most` texts that hold few enough characters, or a single text."""
    start, characters = 0, 0
    for position, text in enumerate(texts):
        characters += len(text)
        if position > start and (position - start >= most or characters > _CHARACTERS):
            yield start, position
            start, characters = position, len(text)
    if start < len(texts):
        yield start, len(texts)


def _counts(texts: Sequence[str], lengths: tuple[int, ...], dimensions: int) -> Features:
    """Signed counts of the hashed n-grams, each row scaled to length 1 unless it is zero."""
    edge = chr(0)
    codes = np.frombuffer(
        "".join(f"{edge}{text}{edge}" for text in texts).encode("utf-32-le", "surrogatepass"), dtype="<u4"
    ).astype(np.uint32)
    sizes = np.fromiter((len(text) + 2 for text in texts), dtype=np.int64, count=len(texts))
    ends = np.cumsum(sizes)
    codes[ends - 1] = codes[ends - sizes] = _EDGE
    row: Positions = np.repeat(np.arange(len(texts), dtype=np.int32), sizes)
    left = (np.repeat(ends, sizes) - np.arange(codes.size)).astype(np.int32)
    counts = np.zeros(len(texts) * dimensions)
    for length in lengths:
        if codes.size >= length:
            _count(counts, codes, length, row, left)
    table = counts.reshape(len(texts), dimensions)
    norms = np.sqrt(np.einsum("td,td->t", table, table))
    scaled: Features = (table / np.where(norms > 0, norms, 1.0)[:, None]).astype(np.float32)
    return scaled


def _count(counts: FloatArray, codes: Codes, length: int, row: Positions, left: Positions) -> None:
    """Add the n-grams of one length to `counts`, texts × dimensions laid end to end.

    row: the text of each character. left: how many characters its text has from there on.
    """
    last = codes.size - length + 1
    hashed = np.full(last, length, dtype=np.uint32)
    for place in range(length):
        hashed = hashed * _MULTIPLIER + codes[place : place + last]
    hashed = _mixed(hashed)
    dimensions = counts.size // (int(row[-1]) + 1)
    bucket = (hashed >> np.uint32(1)).astype(np.int64) * dimensions >> 31
    up = np.where(left[:last] >= length, 1.0 - 2.0 * (hashed & np.uint32(1)), 0.0)
    counts += np.bincount(row[:last] * np.int64(dimensions) + bucket, weights=up, minlength=counts.size)


def _mixed(hashed: Codes) -> Codes:
    """Every bit of the result depends on every bit given (the last step of MurmurHash3, by Appleby)."""
    hashed ^= hashed >> np.uint32(16)
    hashed *= np.uint32(0x85EBCA6B)
    hashed ^= hashed >> np.uint32(13)
    hashed *= np.uint32(0xC2B2AE35)
    hashed ^= hashed >> np.uint32(16)
    return hashed
