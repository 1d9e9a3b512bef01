"""Reading a command line: words, quotes, pipes, redirections and here-documents, as bash reads them.

What bash would do with other programs' help, such as loops, `$(...)` or background jobs, is refused.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from consistency.worlds.tool import ToolError

_REDIRECT = re.compile(r"([0-9]?)(<<<|<<-|<<|<|>>|>&|>\||>)|(&>>?)")
_OPERATORS = ("&&", "||", ";", "|", "\n")
_RESERVED = frozenset(["for", "while", "until", "if", "case", "select", "function", "{", "[[", "!", "do", "then"])
_BREAKS = " \t\r\n;|&<>()"
_NOT_PLAIN = f"{_BREAKS}'\"\\"


@dataclass(frozen=True)
class Piece:
    """Part of a word; `kind` is `plain` (all is expanded), `double` (variables are) or `single` (nothing is)."""

    text: str
    kind: str


Word = tuple[Piece, ...]


@dataclass
class Redirect:
    """Where a stream goes or comes from: `sign` is `>`, `>>`, `>&`, `<`, `<<` or `&>`, `&>>`."""

    stream: int
    sign: str
    target: Word = ()


@dataclass
class Command:
    """One command of a pipeline."""

    words: list[Word] = field(default_factory=list)
    redirects: list[Redirect] = field(default_factory=list)


@dataclass
class Pipeline:
    """Commands joined by pipes; `after` is `;`, `&&` or `||`, which stands before the first."""

    after: str
    commands: list[Command]


def parse(text: str) -> list[Pipeline]:
    """The pipelines of a line. Raises ToolError for a line that cannot be read."""
    pipelines: list[Pipeline] = []
    after, commands, command = ";", [], Command()
    for item in [*_Scanner(text).tokens(), "\n"]:
        if isinstance(item, Redirect):
            command.redirects.append(item)
        elif not isinstance(item, str):
            _refuse_reserved(command, item)
            command.words.append(item)
        elif command.words or command.redirects:
            commands.append(command)
            command = Command()
            if item != "|":
                pipelines.append(Pipeline(after, commands))
                after, commands = ";" if item == "\n" else item, []
        elif item != "\n":
            raise _unexpected(item)
    if commands or after in ("&&", "||"):
        raise ToolError("bash: syntax error: unexpected end of file")
    return pipelines


def _refuse_reserved(command: Command, word: Word) -> None:
    if not command.words and len(word) == 1 and word[0].kind == "plain" and word[0].text in _RESERVED:
        raise ToolError(f"bash: `{word[0].text}': compound commands are not available in this shell")


def _unexpected(item: str) -> ToolError:
    shown = "newline" if item == "\n" else item
    return ToolError(f"bash: syntax error near unexpected token `{shown}'")


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self._waiting: list[Redirect] = []

    def tokens(self) -> Sequence[str | Word | Redirect]:
        """Operators, words and redirections, in order."""
        found: list[str | Word | Redirect] = []
        while self._skip_blanks():
            operator = next((sign for sign in _OPERATORS if self._text.startswith(sign, self._place)), None)
            if operator:
                self._place += len(operator)
                found.append(operator)
                if operator == "\n":
                    self._here_documents()
            elif redirect := _REDIRECT.match(self._text, self._place):
                found.append(self._redirect(redirect))
            else:
                found.append(self._word())
        return found

    def _skip_blanks(self) -> bool:
        """Goes to the next token; whether there is one."""
        while self._place < len(self._text):
            if self._text.startswith("\\\n", self._place):
                self._place += 2
            elif self._text[self._place] in " \t\r":
                self._place += 1
            elif self._text[self._place] == "#":
                end = self._text.find("\n", self._place)
                self._place = len(self._text) if end < 0 else end
            else:
                return True
        return False

    def _redirect(self, found: re.Match[str]) -> Redirect:
        self._place = found.end()
        sign = found[3] or found[2]
        redirect = Redirect(int(found[1]) if found[1] else 0 if sign.startswith("<") else 1, sign)
        if not self._skip_blanks() or self._text[self._place] in _BREAKS:
            raise _unexpected(self._text[self._place : self._place + 1] or "newline")
        redirect.target = self._word()
        if sign in ("<<", "<<-"):
            self._waiting.append(redirect)
        elif sign == "<<<":
            redirect.target = (*redirect.target, Piece("\n", "single"))
        redirect.sign = {"<<<": "<<", ">|": ">"}.get(sign, sign)
        return redirect

    def _here_documents(self) -> None:
        for redirect in self._waiting:
            ending = "".join(piece.text for piece in redirect.target)
            quoted = any(piece.kind != "plain" for piece in redirect.target)
            lines: list[str] = []
            while self._place < len(self._text):
                end = self._text.find("\n", self._place)
                line = self._text[self._place : end if end >= 0 else None]
                self._place += len(line) + 1
                line = line.lstrip("\t") if redirect.sign == "<<-" else line
                if line == ending:
                    break
                lines.append(f"{line}\n")
            redirect.sign = "<<"
            redirect.target = (Piece("".join(lines), "single" if quoted else "double"),)
        self._waiting.clear()

    def _word(self) -> Word:
        pieces: list[Piece] = []
        while self._place < len(self._text) and (char := self._text[self._place]) not in _BREAKS:
            match char:
                case "'":
                    pieces.append(self._single())
                case '"':
                    pieces += self._double()
                case "\\":
                    escaped = self._text[self._place + 1 : self._place + 2]
                    pieces += [Piece(escaped, "single")] if escaped != "\n" else []
                    self._place += 2
                case _:
                    pieces.append(self._plain())
        if not pieces:
            self._refuse(self._text[self._place])
        return tuple(pieces)

    def _single(self) -> Piece:
        end = self._text.find("'", self._place + 1)
        if end < 0:
            raise _unclosed("'")
        text = self._text[self._place + 1 : end]
        self._place = end + 1
        return Piece(text, "single")

    def _double(self) -> list[Piece]:
        pieces = [Piece("", "double")]
        start = self._place = self._place + 1
        while self._place < len(self._text):
            char = self._text[self._place]
            if char == '"' or (char == "\\" and self._text[self._place + 1 : self._place + 2] in tuple('"\\$`\n')):
                pieces.append(Piece(self._text[start : self._place], "double"))
                if char == '"':
                    self._place += 1
                    return pieces
                pieces.append(Piece(self._text[self._place + 1].replace("\n", ""), "single"))
                self._place += 2
                start = self._place
            else:
                self._refuse_substitution()
                self._place += 1
        raise _unclosed('"')

    def _plain(self) -> Piece:
        start = self._place
        while self._place < len(self._text) and self._text[self._place] not in _NOT_PLAIN:
            self._refuse_substitution()
            self._place += 1
        return Piece(self._text[start : self._place], "plain")

    def _refuse_substitution(self) -> None:
        if self._text[self._place] == "`" or self._text.startswith("$(", self._place):
            raise ToolError("bash: command substitution is not available in this shell")

    def _refuse(self, char: str) -> None:
        if char == "&":
            raise ToolError("bash: no job control in this shell")
        raise _unexpected(char)


def _unclosed(quote: str) -> ToolError:
    return ToolError(f"bash: unexpected EOF while looking for matching `{quote}'")
