"""The shell's regular expressions: what they find, what they refuse, and that none of them hangs."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consistency.worlds.services._shell.meter import Killed, Meter
from consistency.worlds.services._shell.pattern import BadPattern, Pattern


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"a\+", "baa", "aa"),
        ("a+", "aa+", "a+"),
        (r"\(ab\)\{2\}c\?", "xababc", "ababc"),
        (r"a\|b", "cb", "b"),
        ("a|b", "ba|b", "a|b"),
        ("*a", "b*a", "*a"),
        ("a^b$c", "a^b$c", "a^b$c"),
        ("[]a]*", "]a]b", "]a]"),
        ("[^]a]", "]ab", "b"),
        ("[[:digit:][:upper:]-]*", "A-7a", "A-7"),
        (r"\<or\>", "for or", "or"),
        (r"\d\w\s\.", "a1_ .", "1_ ."),
        ("", "x", ""),
    ],
)
def test_the_basic_dialect(pattern: str, text: str, found: str) -> None:
    match = Pattern(pattern).search(text, Meter())
    assert match is not None
    assert text[match.start : match.end] == found


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("a(b", "Unmatched ( or \\("),
        ("ab)", "Unmatched ) or \\)"),
        ("[ab", "Unmatched [, [^, [:, [., or [="),
        ("[[:word:]]", "Invalid character class name"),
        ("[b-a]", "Invalid range end"),
        ("a\\", "Trailing backslash"),
        (r"(a)\1", "Invalid back reference"),
        ("(?=a)", "Invalid preceding regular expression"),
        ("a{2,1}", "Invalid content of \\{\\}"),
        ("a{9999}", "Regular expression too big"),
        ("((a{99}){99}){99}", "Regular expression too big"),
        ("a" * 3000, "Regular expression too big"),
        ("(" * 60 + ")" * 60, "Regular expression too big"),
    ],
    ids=lambda value: value[:20],
)
def test_what_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(BadPattern) as caught:
        Pattern(pattern, extended=True)
    assert str(caught.value) == message


def test_groups_are_kept() -> None:
    found = Pattern("(a)|(b)(?:c)(d*)", extended=True).search("xbcdd", Meter())
    assert found is not None
    assert found.groups == ("bcdd", "", "b", "dd")


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a|a)*b", "(a|aa)+$|b", "a*a*a*a*a*a*b", "(.*)(.*)(.*)(.*)b"])
def test_what_takes_others_forever_is_done_or_killed(pattern: str) -> None:
    assert Pattern(pattern, extended=True).search("a" * 500 + "c", Meter()) is None
    with pytest.raises(Killed):
        Pattern(pattern, extended=True).search("a" * 200_000 + "c", Meter())


ATOMS = st.sampled_from(["a", "b", "x", ".", "[ab]", "[^a]", r"\d", r"\w", "^", "$"])
TREES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}|{pair[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}"])).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    ),
    max_leaves=7,
)


@given(TREES, st.text("abx 1_", max_size=12), st.booleans())
def test_patterns_find_what_re_finds(pattern: str, text: str, ignore_case: bool) -> None:
    wanted = re.search(pattern, text, re.IGNORECASE if ignore_case else 0)
    found = Pattern(pattern, extended=True, ignore_case=ignore_case).search(text, Meter())
    assert (found and found.start) == (wanted and wanted.start())
    if found and wanted and not set("^$*+?{") & set(pattern.replace("(?:", "").replace("[^", "")):
        assert found.end == wanted.end()  # where loops of nothing are possible, the two may stop elsewhere


@given(st.text("ab.[]()*+?{},1|^$\\d:-", max_size=30), st.booleans(), st.booleans())
def test_no_pattern_breaks_the_machine(pattern: str, extended: bool, ignore_case: bool) -> None:
    with suppress(BadPattern):
        Pattern(pattern, extended=extended, ignore_case=ignore_case).search("ab1-.:", Meter())
