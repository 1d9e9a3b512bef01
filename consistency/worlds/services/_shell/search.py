"""grep and find."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from consistency.worlds.services._shell.pattern import BadPattern, Pattern
from consistency.worlds.services._shell.session import Call, Commands, Session, Trouble, lines_of, parents

_LONGEST_GLOB = 256
_FLAGS = "inclLvrRqoshHwxEFGPe:A:B:C:m:"
_LONG = ("ignore-case", "line-number", "count", "files-with-matches", "invert-match", "recursive", "color=", "include=")
_SHORT = dict(zip(_LONG, "inclvr", strict=False)) | {"files-with-matches": "l", "invert-match": "v", "recursive": "r"}


@dataclass(frozen=True)
class _Sought:
    """What grep looks for, how, and how it shows it."""

    patterns: tuple[Pattern, ...]
    flags: frozenset[str]
    named: bool
    before: int
    after: int
    most: int

    def hits(self, line: str, call: Call) -> bool:
        return any(pattern.search(line, call.meter) for pattern in self.patterns) != ("v" in self.flags)


def _grep(session: Session, call: Call) -> int:
    options, operands = call.options(_FLAGS, _LONG, code=2)
    flags = frozenset({"R": "r", **_SHORT}.get(name, name) for name in options)
    flags |= {"egrep": {"E"}, "fgrep": {"F"}}.get(call.name, set())
    if "e" not in options and not operands:
        raise Trouble("usage: grep [OPTION]... PATTERNS [FILE]...", 2)
    written = options["e"] if "e" in options else operands.pop(0)
    try:
        patterns = tuple(_pattern(line, flags) for line in written.split("\n"))
    except BadPattern as error:
        raise Trouble(str(error), 2) from error
    names, code = _named(session, call, operands, flags)
    if "include" in options:
        names = [name for name in names if fits(name.rpartition("/")[2], options["include"])]
    around = _count(options.get("C", "0"))
    sought = _Sought(
        patterns,
        flags,
        "H" in flags or ("h" not in flags and (len(operands) > 1 or "r" in flags)),
        _count(options["B"]) if "B" in options else around,
        _count(options["A"]) if "A" in options else around,
        _count(options.get("m", "1000000")),
    )
    found = [_in_one(call, sought, name, call.stdin if name == "-" else session.read(name)) for name in names]
    return code or (0 if any(found) else 1)


def _pattern(text: str, flags: frozenset[str]) -> Pattern:
    extended = bool({"E", "P"} & flags)
    if "x" in flags or "w" in flags:
        opening, closing = ("^", "$") if "x" in flags else ("\\<", "\\>")
        if "F" in flags:
            text = "".join(f"[{char}]" if char not in "^\\" else f"\\{char}" for char in text)
        text = f"{opening}({text}){closing}" if extended else f"{opening}\\({text}\\){closing}"
        flags -= {"F"}
    return Pattern(text, extended=extended, fixed="F" in flags, ignore_case="i" in flags)


def _count(written: str) -> int:
    if not (written.isascii() and written.isdecimal() and len(written) < 10):
        raise Trouble(f"{written}: invalid context length argument", 2)
    return int(written)


def _named(session: Session, call: Call, operands: list[str], flags: frozenset[str]) -> tuple[list[str], int]:
    """The files to look through, as they are shown; and 2 as the code if one cannot be read."""
    names: list[str] = []
    code, recursive = 0, "r" in flags
    for operand in operands or (["."] if recursive else ["-"]):
        try:
            folder = session.resolve(operand)
            if operand == "-":
                names.append(operand)
            elif recursive and session.is_folder(folder):
                names += [_shown(operand if operands else "", folder, path) for path in session.below(folder)]
            else:
                session.read(operand)
                names.append(operand)
        except Trouble as trouble:
            if "s" not in flags:
                call.complain(f"{operand}: {trouble}")
            code = 2
    return names, code


def _shown(operand: str, folder: str, path: str) -> str:
    """A file below a folder, in the words that named the folder."""
    inner = path.removeprefix(folder).lstrip("/")
    return f"{operand.rstrip('/')}/{inner}" if operand else inner


def _in_one(call: Call, sought: _Sought, name: str, text: str) -> bool:
    """Looks through one text and prints what was found; whether anything was."""
    lines = lines_of(text)
    found = [number for number, line in enumerate(lines) if sought.hits(line, call)][: sought.most]
    title = "(standard input)" if name == "-" else name
    prefix = f"{title}:" if sought.named else ""
    if "q" in sought.flags:
        return bool(found)
    if {"l", "L"} & sought.flags:
        call.say(*([title] if bool(found) == ("l" in sought.flags) else []))
    elif "c" in sought.flags:
        call.say(f"{prefix}{len(found)}")
    elif "o" in sought.flags:
        for number in found:
            _parts(call, sought, lines[number], f"{prefix}{number + 1}:" if "n" in sought.flags else prefix)
    else:
        _with_context(call, sought, lines, found, title)
    return bool(found)


def _parts(call: Call, sought: _Sought, line: str, prefix: str) -> None:
    place = 0
    while place <= len(line):
        hits = [hit for pattern in sought.patterns if (hit := pattern.search(line, call.meter, place))]
        if not hits:
            return
        first = min(hits, key=lambda hit: (hit.start, -hit.end))
        if first.end > first.start:
            call.say(f"{prefix}{line[first.start : first.end]}")
        place = max(first.end, first.start + 1)


def _with_context(call: Call, sought: _Sought, lines: list[str], found: list[int], title: str) -> None:
    hits, last = set(found), -1
    for hit in found:
        first = max(hit - sought.before, last + 1)
        if (sought.before or sought.after) and last >= 0 and first > last + 1:
            call.say("--")
        for number in range(first, min(hit + sought.after + 1, len(lines))):
            sign = ":" if number in hits else "-"
            marks = [title] if sought.named else []
            marks += [str(number + 1)] if "n" in sought.flags else []
            call.say("".join(f"{mark}{sign}" for mark in marks) + lines[number])
            last = number


def fits(name: str, glob: str) -> bool:
    """Whether a name fits a pattern of the shell; an overlong one stands for itself."""
    return fnmatchcase(name, glob) if len(glob) <= _LONGEST_GLOB else name == glob


@dataclass(frozen=True)
class _Entry:
    """What find looks at."""

    shown: str
    path: str
    is_folder: bool
    depth: int = 0

    def passes(self, test: str, value: str) -> bool:
        """Whether it meets a condition."""
        name = self.shown.rstrip("/").rpartition("/")[2] or self.shown
        match test:
            case "-name":
                return fits(name, value)
            case "-iname":
                return fits(name.casefold(), value.casefold())
            case "-path":
                return fits(self.shown, value)
            case "-type":
                return value == ("d" if self.is_folder else "f")
            case "-maxdepth":
                return self.depth <= int(value)
            case _:
                return True


def _find(session: Session, call: Call) -> int:
    tops: list[str] = []
    words = [*call.words]
    while words and not words[0].startswith(("-", "!", "(")):
        tops.append(words.pop(0))
    wanted = _wanted(words)
    code = 0
    for top in tops or ["."]:
        path = session.resolve(top)
        if not session.is_folder(path) and not session.is_file(path):
            call.complain(f"'{top}': No such file or directory")
            code = 1
            continue
        for entry in _tree(session, top, path):
            call.meter.spend(len(entry.shown) + 8 * len(wanted))
            if not _is_wanted(entry, wanted):
                continue
            if ("-delete", "") not in wanted:
                call.say(entry.shown)
            elif not entry.is_folder:
                session.delete(entry.path)
    return code


def _is_wanted(entry: _Entry, wanted: list[tuple[str, str]]) -> bool:
    """Whether an entry meets the conditions: all those before an -o, or all those after it."""
    passed, negated = True, False
    for test, value in wanted:
        if test == "-o":
            if passed:
                return True
            passed = True
        elif test == "!":
            negated = not negated
        else:
            passed = passed and entry.passes(test, value) != negated
            negated = False
    return passed


def _wanted(words: list[str]) -> list[tuple[str, str]]:
    """The conditions of find, in pairs."""
    wanted: list[tuple[str, str]] = []
    while words:
        word = words.pop(0)
        if word in ("-print", "-delete", "-o", "-or", "!", "-not"):
            wanted.append(({"-or": "-o", "-not": "!"}.get(word, word), ""))
            continue
        if word not in ("-name", "-iname", "-path", "-type", "-maxdepth"):
            trouble = "unknown predicate" if word.startswith("-") else "paths must precede expression:"
            raise Trouble(f"{trouble} `{word}'")
        if not words:
            raise Trouble(f"missing argument to `{word}'")
        value = words.pop(0)
        if word == "-maxdepth" and not (value.isascii() and value.isdecimal() and len(value) < 10):
            raise Trouble(f"Expected a positive decimal integer argument to -maxdepth, but got '{value}'")
        wanted.append((word, value))
    return wanted


def _tree(session: Session, top: str, path: str) -> list[_Entry]:
    """A file, or a folder with all that lies below it."""
    first = _Entry(top, path, session.is_folder(path))
    if not first.is_folder:
        return [first]
    inside = f"{path}/" if path else ""
    every = {made for made in session.made if made.startswith(inside) and session.is_folder(made)}
    for file in session.below(path):
        every.add(file)
        every.update(above for above in parents(file) if above.startswith(inside))
    session.meter.spend(sum(map(len, every)))
    return [
        first,
        *(
            _Entry(
                _shown(top, path, inner), inner, not session.is_file(inner), inner.removeprefix(inside).count("/") + 1
            )
            for inner in sorted(every - {path, ""})
        ),
    ]


COMMANDS: Commands = {"grep": _grep, "egrep": _grep, "fgrep": _grep, "find": _find}
