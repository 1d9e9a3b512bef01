r"""Regular expressions that cannot hang: a machine that follows all possible matches at once, character by character.

The patterns come from a model, so they must not reach `re`, whose time is exponential in bad ones. The work here is at
most the length of the text times that of the pattern, and is counted. Both of grep's dialects are read, with `\d`,
`\w`, `\s`, `\b` and `(?:` in either; back references and look-around are refused. Of several matches the first
alternative wins, as in Perl, and not the longest, as in POSIX.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from consistency.worlds.services._shell.meter import Meter

_LONGEST = 2000
_MOST_REPEATS = 255
_DEEPEST = 50
_SEARCH_COST = 10
_SPECIAL = frozenset("\\[].*^$+?{}()|")

Test = Callable[[str], bool]
Spans = tuple[int, ...]


class BadPattern(Exception):
    """A pattern that cannot be used, as grep puts it."""


@dataclass(frozen=True)
class Step:
    """One step of the machine: `char`, `split`, `jump`, `save`, `assert` or `match`.

    `to` and `other` count from the step itself, `to` being the better way; for `save` and `assert`, `to` is what.
    """

    kind: str
    to: int = 0
    other: int = 0
    test: Test | None = None


Code = tuple[Step, ...]


@dataclass(frozen=True)
class Found:
    """A match: its text and where that stands, and the text of each group."""

    start: int
    end: int
    groups: tuple[str, ...]


class Pattern:
    """A pattern that is ready to search with. Raises BadPattern."""

    def __init__(self, text: str, *, extended: bool = False, fixed: bool = False, ignore_case: bool = False) -> None:
        if len(text) > _LONGEST:
            raise BadPattern("Regular expression too big")
        plain = not ignore_case and (fixed or _SPECIAL.isdisjoint(text))
        self._literal = text if plain else None
        reader = _Reader(text, extended, ignore_case)
        body = reader.fixed() if fixed else reader.whole()
        self._code: Code = (Step("save", 0), *body, Step("save", 1), Step("match"))
        self._slots = 2 * reader.groups + 2

    def search(self, text: str, meter: Meter, start: int = 0) -> Found | None:
        """The leftmost match from a place on, or None."""
        meter.spend(_SEARCH_COST + (len(text) - start) // 8)
        if self._literal is not None:
            found = text.find(self._literal, start)
            return None if found < 0 else Found(found, found + len(self._literal), (self._literal,))
        return self._run(text, meter, start)

    def _run(self, text: str, meter: Meter, start: int) -> Found | None:
        best: Spans | None = None
        threads: list[tuple[int, Spans]] = []
        seen: set[int] = set()
        for place in range(start, len(text) + 1):
            if best is None:
                self._follow(threads, seen, (0, (-1,) * self._slots), (text, place))
            elif not threads:
                break
            meter.spend(2 + 2 * len(seen))
            later: list[tuple[int, Spans]] = []
            seen = set()
            for position, spans in threads:
                step = self._code[position]
                if step.test is None:
                    best = spans
                    break
                if place < len(text) and step.test(text[place]):
                    self._follow(later, seen, (position + 1, spans), (text, place + 1))
            threads = later
        return None if best is None else _found(text, best)

    def _follow(
        self, threads: list[tuple[int, Spans]], seen: set[int], first: tuple[int, Spans], where: tuple[str, int]
    ) -> None:
        """Adds the steps that look at a character, or end the match, and are reached from a step, best first."""
        waiting = [first]
        while waiting:
            position, spans = waiting.pop()
            if position in seen:
                continue
            seen.add(position)
            step = self._code[position]
            match step.kind:
                case "jump":
                    waiting.append((position + step.to, spans))
                case "split":
                    waiting += [(position + step.other, spans), (position + step.to, spans)]
                case "save":
                    waiting.append((position + 1, (*spans[: step.to], where[1], *spans[step.to + 1 :])))
                case "assert":
                    if _holds("^$bB<>"[step.to], *where):
                        waiting.append((position + 1, spans))
                case _:
                    threads.append((position, spans))


def _found(text: str, spans: Spans) -> Found:
    pairs = [(spans[slot], spans[slot + 1]) for slot in range(0, len(spans), 2)]
    return Found(*pairs[0], tuple(text[start:end] if start >= 0 <= end else "" for start, end in pairs))


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _holds(what: str, text: str, place: int) -> bool:
    before = place > 0 and _is_word(text[place - 1])
    after = place < len(text) and _is_word(text[place])
    match what:
        case "^":
            return place == 0
        case "$":
            return place == len(text)
        case "b":
            return before != after
        case "B":
            return before == after
        case "<":
            return after and not before
        case _:
            return before and not after


_CLASSES: dict[str, Test] = {
    "alpha": str.isalpha,
    "digit": lambda char: "0" <= char <= "9",
    "alnum": str.isalnum,
    "upper": str.isupper,
    "lower": str.islower,
    "space": str.isspace,
    "blank": lambda char: char in " \t",
    "punct": lambda char: char.isascii() and char.isprintable() and not char.isalnum() and char != " ",
    "xdigit": lambda char: char in "0123456789abcdefABCDEF",
    "print": str.isprintable,
}
_SHORT: dict[str, Test] = {"d": _CLASSES["digit"], "s": str.isspace, "w": _is_word}


def _not(test: Test) -> Test:
    return lambda char: not test(char)


def _any(tests: Sequence[Test]) -> Test:
    return lambda char: any(test(char) for test in tests)


def _is(wanted: str) -> Test:
    return lambda char: char == wanted


def _between(first: str, last: str) -> Test:
    return lambda char: first <= char <= last


def _either_case(test: Test) -> Test:
    return lambda char: test(char) or any(len(other) == 1 and test(other) for other in (char.lower(), char.upper()))


def _either(left: Code, right: Code) -> Code:
    return (Step("split", 1, len(left) + 2), *left, Step("jump", len(right) + 1), *right)


def _maybe(code: Code) -> Code:
    return (Step("split", 1, len(code) + 1), *code)


def _repeat(code: Code, least: int, most: int | None) -> Code:
    """A code that is run from `least` to `most` times, None being as often as may be."""
    times = least + 1 if most is None else most
    if times > _MOST_REPEATS or times * (len(code) + 2) > _LONGEST:
        raise BadPattern("Regular expression too big")
    if most is None:
        return (*code * least, Step("split", 1, len(code) + 2), *code, Step("jump", -len(code) - 1))
    tail: Code = ()
    for _ in range(most - least):
        tail = _maybe((*code, *tail))
    return (*code * least, *tail)


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, text: str, extended: bool, ignore_case: bool) -> None:
        self.groups = 0
        self._text = text
        self._place = 0
        self._depth = 0
        self._extended = extended
        self._ignore_case = ignore_case

    def fixed(self) -> Code:
        """The text as it stands."""
        return tuple(step for char in self._text for step in self._char(_is(char)))

    def whole(self) -> Code:
        """The text as a pattern."""
        code = self._alternatives()
        if self._place < len(self._text):
            raise BadPattern("Unmatched ) or \\)")
        return code

    def _char(self, test: Test) -> Code:
        return (Step("char", test=_either_case(test) if self._ignore_case else test),)

    def _next(self, mark: str) -> bool:
        """Whether an operator comes next; it carries a backslash in the basic dialect."""
        written = mark if self._extended else f"\\{mark}"
        return self._text.startswith(written, self._place)

    def _take(self, mark: str) -> bool:
        if not self._next(mark):
            return False
        self._place += 1 if self._extended else 2
        return True

    def _alternatives(self) -> Code:
        branches = [self._branch()]
        while self._take("|"):
            branches.append(self._branch())
        code = branches.pop()
        while branches:
            code = _either(branches.pop(), code)
        return code

    def _branch(self) -> Code:
        parts: list[Step] = []
        first = self._place
        while self._place < len(self._text) and not self._next("|") and not (self._depth and self._next(")")):
            atom = self._atom(self._place == first)
            parts += self._quantified(atom)
            if len(parts) > _LONGEST:
                raise BadPattern("Regular expression too big")
        return tuple(parts)

    def _quantified(self, code: Code) -> Code:
        while self._place < len(self._text):
            if self._text[self._place] == "*":
                self._place += 1
                code = _repeat(code, 0, None)
            elif self._take("+"):
                code = _repeat(code, 1, None)
            elif self._take("?"):
                code = _repeat(code, 0, 1)
            elif not self._next("{") or (bounds := self._bounds()) is None:
                break
            else:
                code = _repeat(code, *bounds)
        return code

    def _bounds(self) -> tuple[int, int | None] | None:
        """What stands in braces; None, in the extended dialect, if that is no count."""
        opening = self._place + (1 if self._extended else 2)
        closing = self._text.find("}" if self._extended else "\\}", opening)
        least, comma, most = self._text[opening : max(closing, opening)].partition(",")
        numbers = [number for number in (least, most) if number]
        if closing < 0 or not numbers or not all(n.isascii() and n.isdecimal() and len(n) < 5 for n in numbers):
            if self._extended:
                return None
            raise BadPattern("Invalid content of \\{\\}")
        self._place = closing + (1 if self._extended else 2)
        low, high = int(least or 0), int(most) if most else None
        high = high if comma else low
        if high is not None and high < low:
            raise BadPattern("Invalid content of \\{\\}")
        return low, high

    def _atom(self, first: bool) -> Code:
        if self._take("("):
            return self._group()
        char = self._text[self._place]
        self._place += 1
        match char:
            case "\\":
                return self._escape()
            case "[":
                return self._bracket()
            case ".":
                return self._char(lambda other: other != "\n")
            case "^" if self._extended or first:
                return (Step("assert", 0),)
            case "$" if self._extended or self._place == len(self._text) or self._next(")") or self._next("|"):
                return (Step("assert", 1),)
            case ")" if self._extended:
                raise BadPattern("Unmatched ) or \\)")
            case _:
                return self._char(_is(char))

    def _group(self) -> Code:
        kept = not self._text.startswith("?", self._place)
        if not kept and not self._text.startswith("?:", self._place):
            raise BadPattern("Invalid preceding regular expression")
        self._place += 0 if kept else 2
        self.groups += kept
        slot = 2 * self.groups
        self._depth += 1
        if self._depth > _DEEPEST or self.groups > _DEEPEST:
            raise BadPattern("Regular expression too big")
        code = self._alternatives()
        self._depth -= 1
        if not self._take(")"):
            raise BadPattern("Unmatched ( or \\(")
        return (Step("save", slot), *code, Step("save", slot + 1)) if kept else code

    def _escape(self) -> Code:
        if self._place == len(self._text):
            raise BadPattern("Trailing backslash")
        char = self._text[self._place]
        self._place += 1
        if char in _SHORT:
            return self._char(_SHORT[char])
        if char.lower() in _SHORT:
            return self._char(_not(_SHORT[char.lower()]))
        if char in "bB<>":
            return (Step("assert", "^$bB<>".index(char)),)
        if char in "123456789":
            raise BadPattern("Invalid back reference")
        if char == ")" and not self._extended:
            raise BadPattern("Unmatched ) or \\)")
        return self._char(_is({"n": "\n", "t": "\t"}.get(char, char)))

    def _bracket(self) -> Code:
        inverted = self._text.startswith("^", self._place)
        self._place += inverted
        tests: list[Test] = []
        first = self._place
        while not self._text.startswith("]", self._place) or self._place == first:
            if self._place >= len(self._text):
                raise BadPattern("Unmatched [, [^, [:, [., or [=")
            tests.append(self._class() or self._range())
        self._place += 1
        # Either case comes before the negation: [^a] without regard to case is neither "a" nor "A".
        test = _either_case(_any(tests)) if self._ignore_case else _any(tests)
        return (Step("char", test=_not(test) if inverted else test),)

    def _class(self) -> Test | None:
        if not self._text.startswith("[:", self._place):
            return None
        closing = self._text.find(":]", self._place)
        name = self._text[self._place + 2 : max(closing, 0)]
        if name not in _CLASSES:
            raise BadPattern("Invalid character class name")
        self._place = closing + 2
        return _CLASSES[name]

    def _range(self) -> Test:
        first = self._text[self._place]
        self._place += 1
        last = self._text[self._place + 1 : self._place + 2]
        if not self._text.startswith("-", self._place) or last in ("", "]"):
            return _is(first)
        if last < first:
            raise BadPattern("Invalid range end")
        self._place += 2
        return _between(first, last)
