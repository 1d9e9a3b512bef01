"""Commands that read text: cat, head, tail, wc, sort, uniq, cut, diff, tee."""

import re
from collections.abc import Callable
from difflib import SequenceMatcher, unified_diff
from itertools import groupby

from consistency.worlds.services._shell.session import Call, Commands, Session, Trouble, lines_of

_COUNT = re.compile(r"([+-]?)(\d{1,9})", re.ASCII)
_NUMBER = re.compile(r"[ \t]*(-?\d{1,300}(?:\.\d{1,300})?)", re.ASCII)
_KEY = re.compile(r"(\d{1,4})(?:\.\d+)?([a-zA-Z]*)(?:,(\d{1,4})(?:\.\d+)?([a-zA-Z]*))?", re.ASCII)
_SPAN = re.compile(r"(\d{0,9})(-?)(\d{0,9})", re.ASCII)
_MOST_COMPARED = 400


def _cat(session: Session, call: Call) -> int:
    options, operands = call.options("nAbsETv")
    texts, code = call.texts(session, operands)
    whole = "".join(text for _, text in texts)
    if "n" in options:
        call.say(*(f"{number:>6}\t{line}" for number, line in enumerate(lines_of(whole), 1)))
    else:
        call.write(whole)
    return code


def _ends(keep: Callable[[list[str], str, int], list[str]]) -> Callable[[Session, Call], int]:
    def act(session: Session, call: Call) -> int:
        if call.words and re.fullmatch(r"-\d{1,9}", call.words[0], re.ASCII):
            call.words[0] = f"-n{call.words[0][1:]}"
        options, operands = call.options("n:c:qvfF", ("lines=", "bytes=", "follow"))
        size = options.get("c", options.get("bytes"))
        wanted = options.get("n", options.get("lines", "10")) if size is None else size
        counted = _COUNT.fullmatch(wanted)
        if not counted:
            raise Trouble(f"invalid number of {'lines' if size is None else 'bytes'}: '{wanted}'")
        texts, code = call.texts(session, operands)
        for number, (name, text) in enumerate(texts):
            if len(operands) > 1 and "q" not in options:
                call.say(*([""] if number else []), f"==> {name} <==")
            kept = keep(lines_of(text) if size is None else [*text], counted[1], int(counted[2]))
            if size is None:
                call.say(*kept)
            else:
                call.write("".join(kept))
        return code

    return act


def _first(lines: list[str], sign: str, count: int) -> list[str]:
    return lines[: max(len(lines) - count, 0)] if sign == "-" else lines[:count]


def _last(lines: list[str], sign: str, count: int) -> list[str]:
    return lines[max(count - 1, 0) :] if sign == "+" else lines[max(len(lines) - count, 0) :]


def _wc(session: Session, call: Call) -> int:
    options, operands = call.options("lwcm", ("lines", "words", "bytes", "chars"))
    wanted = {name[0] for name in options if name != "chars"} | ({"m"} if "chars" in options else set()) or set("lwc")
    texts, code = call.texts(session, operands)
    rows = [(_counts(text, wanted), name) for name, text in texts]
    if len(operands) > 1:
        whole = _counts("", wanted)
        rows.append(([sum(column) for column in zip(whole, *(row for row, _ in rows), strict=True)], "total"))
    alone = len(wanted) == 1 and len(rows) == 1
    width = 1 if alone else len(str(sum(len(text.encode()) for _, text in texts))) if operands else 7
    for counts, name in rows:
        call.say(" ".join([*(f"{count:>{width}}" for count in counts), *([name] if operands else [])]))
    return code


def _counts(text: str, wanted: set[str]) -> list[int]:
    every = {"l": text.count("\n"), "w": len(text.split()), "m": len(text), "c": len(text.encode())}
    return [count for name, count in every.items() if name in wanted]


def _sort(session: Session, call: Call) -> int:
    options, operands = call.options("nrubfhVsk:t:o:", ("numeric-sort", "reverse", "unique", "key="), code=2)
    for long, short in (("numeric-sort", "n"), ("reverse", "r"), ("unique", "u")):
        if long in options:
            options[short] = ""
    written = options.get("k", options.get("key", ""))
    spot = _KEY.fullmatch(written)
    if written and not spot:
        raise Trouble(f"-: invalid field specification '{written}'", 2)
    texts, code = call.texts(session, operands)
    lines = [line for _, text in texts for line in lines_of(text)]
    flags = {name for name in options if len(name) == 1} | {*((spot[2] or "") + (spot[4] or "") if spot else "")}
    keyed = [(_key(line, spot, options.get("t"), "n" in flags or "h" in flags, "f" in flags), line) for line in lines]
    call.meter.spend(4 * sum(map(len, lines)))
    keyed.sort(key=lambda pair: pair[0] if "u" in options else pair, reverse="r" in flags)
    if "u" in options:
        keyed = [next(same) for _, same in groupby(keyed, key=lambda pair: pair[0])]
    text = "".join(f"{line}\n" for _, line in keyed)
    if "o" in options:
        session.write(options["o"], text)
    else:
        call.write(text)
    return 2 if code else 0


def _key(line: str, spot: re.Match[str] | None, between: str | None, numeric: bool, fold: bool) -> tuple[float, str]:
    text = line
    if spot:
        fields = line.split(between or None)
        text = (between or " ").join(fields[max(int(spot[1]) - 1, 0) : int(spot[3]) if spot[3] else None])
    if not numeric:
        return 0.0, text.upper() if fold else text
    number = _NUMBER.match(text)
    return float(number[1]) if number else 0.0, ""


def _uniq(session: Session, call: Call) -> int:
    options, operands = call.options("cdui", ("count", "repeated", "unique"))
    texts, code = call.texts(session, operands[:1])
    for _, text in texts:
        for _, same in groupby(lines_of(text), key=str.casefold if "i" in options else str):
            lines = [*same]
            if ("d" in options and len(lines) == 1) or ("u" in options and len(lines) > 1):
                continue
            call.say(f"{len(lines):>7} {lines[0]}" if {"c", "count"} & set(options) else lines[0])
    return code


def _cut(session: Session, call: Call) -> int:
    options, operands = call.options("d:f:c:b:s", ("delimiter=", "fields=", "characters="))
    between = options.get("d", options.get("delimiter", "\t"))
    wanted = options.get("f", options.get("fields"))
    characters = options.get("c", options.get("b", options.get("characters")))
    if wanted is None and characters is None:
        raise Trouble("you must specify a list of bytes, characters, or fields")
    if len(between) != 1:
        raise Trouble("the delimiter must be a single character")
    spans = _spans(wanted or characters or "")
    texts, code = call.texts(session, operands)
    for _, text in texts:
        for line in lines_of(text):
            call.meter.spend(len(line) * len(spans))
            if wanted is None:
                call.say("".join(_chosen([*line], spans)))
            elif between in line or "s" not in options:
                call.say(between.join(_chosen(line.split(between), spans)) if between in line else line)
    return code


def _spans(written: str) -> list[tuple[int, int]]:
    spans = []
    for part in written.split(","):
        span = _SPAN.fullmatch(part)
        if not span or not (span[1] or span[3]) or "0" in (span[1], span[3]):
            raise Trouble(f"invalid field value '{part}'")
        first = int(span[1] or 1)
        spans.append((first, int(span[3] or 10**9) if span[2] else first))
    return spans


def _chosen(parts: list[str], spans: list[tuple[int, int]]) -> list[str]:
    return [part for number, part in enumerate(parts, 1) if any(first <= number <= last for first, last in spans)]


def _diff(session: Session, call: Call) -> int:
    options, operands = call.options("uqNrwbBiyU:", ("unified", "brief", "color="), code=2)
    if len(operands) != 2:
        last = [call.name, *operands][-1]
        raise Trouble(f"{'missing operand after' if len(operands) < 2 else 'extra operand'} '{last}'", 2)
    texts, code = call.texts(session, operands)
    if code:
        return 2
    (before, after), (left, right) = operands, (lines_of(text) for _, text in texts)
    if left == right:
        return 0
    if {"q", "brief"} & set(options):
        call.say(f"Files {before} and {after} differ")
        return 1
    if len(left) > _MOST_COMPARED or len(right) > _MOST_COMPARED:
        raise Trouble("memory exhausted", 2)
    call.meter.spend(1000 * (len(left) + len(right)))
    if {"u", "U", "unified"} & set(options):
        call.say(*unified_diff(left, right, before, after, lineterm=""))
    else:
        _changes(call, left, right)
    return 1


def _changes(call: Call, left: list[str], right: list[str]) -> None:
    """The differences, as diff prints them by itself."""
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, left, right).get_opcodes():
        old, new = (
            f"{first + 1},{last}" if last - first > 1 else str(first + 1) for first, last in ((i1, i2), (j1, j2))
        )
        removed, added = [f"< {line}" for line in left[i1:i2]], [f"> {line}" for line in right[j1:j2]]
        match tag:
            case "replace":
                call.say(f"{old}c{new}", *removed, "---", *added)
            case "delete":
                call.say(f"{old}d{j1}", *removed)
            case "insert":
                call.say(f"{i1}a{new}", *added)


def _tee(session: Session, call: Call) -> int:
    options, operands = call.options("ai")
    code = 0
    for operand in operands:
        try:
            before = session.read(operand) if "a" in options and session.is_file(session.resolve(operand)) else ""
            session.write(operand, before + call.stdin)
        except Trouble as trouble:
            call.complain(f"{operand}: {trouble}")
            code = 1
    call.write(call.stdin)
    return code


COMMANDS: Commands = {
    "cat": _cat,
    "head": _ends(_first),
    "tail": _ends(_last),
    "wc": _wc,
    "sort": _sort,
    "uniq": _uniq,
    "cut": _cut,
    "diff": _diff,
    "tee": _tee,
}
