"""The one JSON form that digests are taken of."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consistency.records.base import Json, canonical

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers() | TEXTS | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=20)


@given(VALUES)
def test_reading_it_gives_the_value_and_writing_that_gives_it_again(value: Json) -> None:
    written = canonical(value)
    assert json.loads(written) == value
    assert canonical(json.loads(written)) == written


@given(st.dictionaries(TEXTS, st.integers()))
def test_the_order_of_keys_is_that_of_their_characters(table: dict[str, int]) -> None:
    assert list(json.loads(canonical(table))) == sorted(table)


def test_text_is_written_as_it_is_and_without_white_space() -> None:
    assert canonical({"b": [1, 0.5, "ü\n"], "a": (None, True)}) == '{"a":[null,true],"b":[1,0.5,"ü\\n"]}'.encode()


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("beside", [(), (None,), (2**70,)])
def test_what_is_no_number_has_no_form(number: float, beside: tuple[Json, ...]) -> None:
    for value in (number, [number, *beside], {"a": [{"b": (number,)}, *beside]}):
        with pytest.raises(ValueError, match=r"JSON|compliant"):
            canonical(value)


def test_integers_of_any_size_and_types_made_from_those_of_json_are_written() -> None:
    assert canonical([2**70, Counter(a=1)]) == b'[1180591620717411303424,{"a":1}]'


def test_half_a_surrogate_pair_has_no_form() -> None:
    with pytest.raises(UnicodeEncodeError):
        canonical(["\ud800"])
