"""How far SQLite may unfold a query before it runs: it copies subqueries and expressions at every reference to them."""

import re
from collections import Counter
from collections.abc import Iterator
from math import prod

_NAME = r"[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_$\u0080-\U0010ffff]*+"
_SPACE = r"[ \t\n\f\r]++|--[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?"
_QUOTED = r"""'(?:[^']|'')*+'?|"(?:[^"]|"")*+"?|`(?:[^`]|``)*+`?|\[[^\]]*+\]?"""
_TOKEN = re.compile(rf"{_SPACE}|(?P<quoted>{_QUOTED})|(?P<name>{_NAME})|(?P<sign>.)", re.DOTALL)

#: Words that can never be a name. Others that SQLite knows may be one, and count as names.
_RESERVED = frozenset(
    """
    all and as between case collate distinct else except exists from group having in intersect into is isnull join limit
    not notnull null on or order select set then union using values when where
    """.split()  # noqa: SIM905 — as a list it would fill the page
)


def tokens(query: str) -> list[str]:
    """A query's words and signs, in lower case and without comments; what was quoted has one mark before, ' or "."""
    found = []
    for token in _TOKEN.finditer(query):
        if quoted := token["quoted"]:
            mark = "'" if quoted[0] == "'" else '"'
            inner = quoted[1:-1] if quoted[0] == "[" else quoted[1:-1].replace(quoted[0] * 2, quoted[0])
            found.append(mark + inner.casefold())
        elif token["name"] or token["sign"]:
            found.append(token[0].casefold())
    return found


def copies(found: list[str]) -> int:
    """About the most copies of anything that SQLite makes of a query with these tokens.

    A common table expression is copied at every reference to it, and a column of a subquery wherever it is used, so
    the references in each SELECT multiply.
    """
    common = _common(found)
    references = Counter(_bare(word) for word, after in _pairs(found) if after != ".")
    levels: dict[int, Counter[str]] = {}
    for level, name in _used(found):
        if name not in common:
            levels.setdefault(level, Counter())[name] += 1
    columns = (max(level.values()) + level["*"] for level in levels.values())
    return prod(columns) * prod(max(1, references[name] - times) for name, times in common.items())


def _used(found: list[str]) -> Iterator[tuple[int, str]]:
    """The names of columns and tables, and the stars, each with the number of the SELECT that it stands in."""
    inside, latest, before = [0], 0, ""
    for word, after in _pairs(found):
        if word == "(":
            opens = after in ("select", "with", "values")
            latest += opens
            inside.append(latest if opens else inside[-1])
        elif word == ")":
            inside = inside[:-1] or [0]
        elif word == "*":
            if before in (",", ".", "select", "distinct", "all"):
                yield inside[-1], word
        elif re.match(rf'"|{_NAME}', word) and word not in _RESERVED and after not in (".", "("):
            yield inside[-1], _bare(word)
        before = word


def _common(found: list[str]) -> Counter[str]:
    """The names of common table expressions (and of windows, which look alike), with how often each is defined."""
    names = Counter[str]()
    for place, word in enumerate(found):
        following = found[place + 1 : place + 3]
        if word != "as" or not ("(" in following[:1] or "materialized" in following):
            continue
        before = place - 1
        if found[before] == ")":
            before = len(found) - 2 - found[::-1].index("(", len(found) - place) if "(" in found[:place] else 0
        names[_bare(found[before])] += 1
    return names


def _pairs(found: list[str]) -> Iterator[tuple[str, str]]:
    return zip(found, [*found[1:], ""], strict=False)


def _bare(word: str) -> str:
    return word[1:] if word[0] in "\"'" else word
