"""sed: substitution, deletion, printing and added lines, with addresses."""

from dataclasses import dataclass

from consistency.worlds.services._shell.meter import LARGEST, Killed, Meter
from consistency.worlds.services._shell.pattern import BadPattern, Found, Pattern
from consistency.worlds.services._shell.session import Call, Commands, Session, Trouble, lines_of

Address = int | str | Pattern


@dataclass
class _Edit:
    """One command: which lines it acts on, what it does, and with what."""

    addresses: tuple[Address, ...]
    negated: bool
    act: str
    pattern: Pattern | None = None
    text: str = ""
    flags: str = ""
    open: bool = False

    def chosen(self, number: int, last: bool, line: str, meter: Meter) -> bool:
        """Whether a line is one that it acts on."""
        if len(self.addresses) < 2:
            chosen = not self.addresses or _is_at(self.addresses[0], number, last, line, meter)
            return chosen != self.negated
        first, final = self.addresses
        if self.open:
            self.open = not (_is_at(final, number, last, line, meter) or (isinstance(final, int) and number >= final))
            chosen = not (isinstance(final, int) and number > final)
        else:
            chosen = _is_at(first, number, last, line, meter)
            self.open = chosen and not (isinstance(final, int) and number >= final) and not (final == "$" and last)
        return chosen != self.negated


def _is_at(address: Address, number: int, last: bool, line: str, meter: Meter) -> bool:
    match address:
        case int():
            return address == number
        case str():
            return last
        case _:
            return address.search(line, meter) is not None


class _Script:
    """Reads a script."""

    def __init__(self, text: str, extended: bool) -> None:
        self._text = text
        self._place = 0
        self._extended = extended

    def edits(self) -> list[_Edit]:
        """Its commands."""
        edits = []
        while self._skip(" \t\n;"):
            addresses = self._addresses()
            self._skip(" \t")
            negated = self._take("!")
            if not self._skip(" \t"):
                raise self._wrong("missing command")
            edits.append(self._edit(addresses, negated))
            self._skip(" \t")
            if self._place < len(self._text) and self._text[self._place] not in "\n;":
                raise self._wrong("extra characters after command")
        return edits

    def _skip(self, blanks: str) -> bool:
        while self._place < len(self._text) and self._text[self._place] in blanks:
            self._place += 1
        return self._place < len(self._text)

    def _take(self, char: str) -> bool:
        taken = self._text.startswith(char, self._place)
        self._place += len(char) if taken else 0
        return taken

    def _wrong(self, message: str) -> Trouble:
        return Trouble(f"-e expression #1, char {self._place}: {message}")

    def _addresses(self) -> tuple[Address, ...]:
        first = self._address()
        if first is None or not self._take(","):
            return () if first is None else (first,)
        final = self._address()
        if final is None:
            raise self._wrong("unexpected `,'")
        return first, final

    def _address(self) -> Address | None:
        if self._take("$"):
            return "$"
        if self._take("/"):
            return self._pattern(self._until("/", "unterminated address regex"), "I" if self._take("I") else "")
        start = self._place
        while self._place < len(self._text) and "0" <= self._text[self._place] <= "9":
            self._place += 1
        digits = self._text[start : self._place]
        if len(digits) > 9:
            raise self._wrong("invalid usage of line address")
        return int(digits) if digits else None

    def _until(self, ending: str, message: str) -> str:
        """The text up to an ending, which may stand in it after a backslash."""
        kept: list[str] = []
        while self._place < len(self._text):
            char = self._text[self._place]
            self._place += 1
            if char == ending:
                return "".join(kept)
            if char == "\\" and self._place < len(self._text):
                following = self._text[self._place]
                self._place += 1
                char = following if following == ending else f"\\{following}"
            kept.append(char)
        raise self._wrong(message)

    def _pattern(self, text: str, flags: str) -> Pattern:
        try:
            return Pattern(text, extended=self._extended, ignore_case=bool({"i", "I"} & set(flags)))
        except BadPattern as error:
            raise self._wrong(str(error)) from error

    def _edit(self, addresses: tuple[Address, ...], negated: bool) -> _Edit:
        act = self._text[self._place]
        self._place += 1
        match act:
            case "d" | "p" | "q" | "=":
                return _Edit(addresses, negated, act)
            case "a" | "i" | "c":
                return _Edit(addresses, negated, act, text=self._line())
            case "s":
                return self._substitution(addresses, negated)
            case _:
                raise self._wrong(f"unknown command: `{act}'")

    def _line(self) -> str:
        """The text that is added: what is left of the line, or the next one after a backslash."""
        self._skip(" \t")
        if self._take("\\"):
            self._skip(" \t")
            self._take("\n")
        end = self._text.find("\n", self._place)
        line = self._text[self._place : end] if end >= 0 else self._text[self._place :]
        self._place += len(line)
        if not line:
            raise self._wrong("expected \\ after `a', `c' or `i'")
        return line

    def _substitution(self, addresses: tuple[Address, ...], negated: bool) -> _Edit:
        between = self._text[self._place : self._place + 1]
        self._place += 1
        if between in ("", "\n", "\\"):
            raise self._wrong("unterminated `s' command")
        written = self._until(between, "unterminated `s' command")
        text = self._until(between, "unterminated `s' command")
        start = self._place
        while self._place < len(self._text) and self._text[self._place] in "gpiI0123456789":
            self._place += 1
        flags = self._text[start : self._place]
        if self._place < len(self._text) and self._text[self._place] not in " \t\n;":
            raise self._wrong("unknown option to `s'")
        if len("".join(filter(str.isdigit, flags))) > 9:
            raise self._wrong("number option to `s' command may not be zero")
        return _Edit(addresses, negated, "s", self._pattern(written, flags), text, flags)


def _substitute(edit: _Edit, pattern: Pattern, line: str, meter: Meter) -> tuple[str, bool]:
    """A line with what the pattern finds replaced, and whether it finds anything."""
    parts: list[str] = []
    place = count = done = length = ended = 0
    nth = int("".join(filter(str.isdigit, edit.flags)) or 1)
    while place <= len(line) and (found := pattern.search(line, meter, place)):
        parts.append(line[place : found.start])
        whole = line[found.start : found.end]
        stale = count > 0 and found.end == ended  # nothing, right after a match, is no match of its own
        count += not stale
        ended = found.end
        if stale:
            pass
        elif count == nth or (count > nth and "g" in edit.flags):
            whole = _replacement(edit.text, found, meter)
            done += 1
        empty = found.end == found.start
        parts += [whole, line[found.end : found.end + 1] if empty else ""]
        place = found.end + empty
        length += len(parts[-2])
        if length > LARGEST:
            raise Killed
        if done and "g" not in edit.flags:
            break
    return "".join([*parts, line[place:]]), done > 0


def _replacement(text: str, found: Found, meter: Meter) -> str:
    parts: list[str] = []
    place = 0
    while place < len(text):
        char = text[place]
        place += 1
        if char == "&":
            parts.append(found.groups[0])
        elif char == "\\" and place < len(text):
            char = text[place]
            place += 1
            if "0" <= char <= "9":
                parts.append(found.groups[int(char)] if int(char) < len(found.groups) else "")
            else:
                parts.append({"n": "\n", "t": "\t"}.get(char, char))
        else:
            parts.append(char)
        meter.spend(len(parts[-1]))
    return "".join(parts)


def _run(edits: list[_Edit], text: str, quiet: bool, meter: Meter) -> str:
    """A text after all commands."""
    lines = lines_of(text)
    out: list[str] = []
    for number, first in enumerate(lines, 1):
        line: str | None = first
        after: list[str] = []
        ended = False
        for edit in edits:
            meter.spend(4)
            if line is None or ended or not edit.chosen(number, number == len(lines), line, meter):
                continue
            line, ended = _apply(edit, line, number, (out, after), meter)
        out += [*([line] if line is not None and not quiet else []), *after]
        meter.spend(len(line or ""))
        if ended:
            break
    ending = "\n" if text.endswith("\n") or len(out) > len(lines) else ""
    return "\n".join(out) + ending if out else ""


def _apply(
    edit: _Edit, line: str, number: int, added: tuple[list[str], list[str]], meter: Meter
) -> tuple[str | None, bool]:
    """The line after one command, None if it is gone, and whether sed ends with it."""
    before, after = added
    meter.spend(len(edit.text) + len(line))
    match edit.act:
        case "d":
            return None, False
        case "q":
            return line, True
        case "p" | "=":
            before.append(line if edit.act == "p" else str(number))
        case "a":
            after.append(edit.text)
        case "i":
            before.append(edit.text)
        case "c":
            before.append(edit.text)
            return None, False
        case _ if edit.pattern:
            line, done = _substitute(edit, edit.pattern, line, meter)
            if done and "p" in edit.flags:
                before.append(line)
    return line, False


def _sed(session: Session, call: Call) -> int:
    suffix = next((word[2:] for word in call.words if word.startswith("-i") and len(word) > 2), "")
    call.words = ["-i" if word.startswith("-i") else word for word in call.words]
    options, operands = call.options("niEre:s", ("in-place", "quiet", "silent", "regexp-extended", "expression="))
    if "e" not in options and "expression" not in options and not operands:
        raise Trouble("no script specified")
    script = options.get("e", options.get("expression"))
    if script is None:
        script = operands.pop(0)
    edits = _Script(script, bool({"E", "r", "regexp-extended"} & set(options))).edits()
    quiet = bool({"n", "quiet", "silent"} & set(options))
    if not {"i", "in-place"} & set(options):
        texts, code = call.texts(session, operands)
        call.write(_run(edits, "".join(text for _, text in texts), quiet, call.meter))
        return 2 if code else 0
    if not operands:
        raise Trouble("no input files")
    code = 0
    for operand in operands:
        code = max(code, _in_place(session, call, operand, edits, quiet, suffix))
    return code


def _in_place(session: Session, call: Call, name: str, edits: list[_Edit], quiet: bool, suffix: str) -> int:
    try:
        text = session.read(name)
    except Trouble as trouble:
        call.complain(f"can't read {name}: {trouble}")
        return 2
    edited = _run(edits, text, quiet, call.meter)
    for edit in edits:
        edit.open = False
    if suffix:
        session.write(f"{name}{suffix}", text)
    if edited != text:
        session.write(name, edited)
    return 0


COMMANDS: Commands = {"sed": _sed}
