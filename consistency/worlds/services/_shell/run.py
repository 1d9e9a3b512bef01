"""Carrying out a line: expansion, redirection, pipes, and which command a name means."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from consistency.worlds.services._shell import places, search, sed, system, texts
from consistency.worlds.services._shell.line import Command, Piece, Pipeline, Word, parse
from consistency.worlds.services._shell.meter import LARGEST, Killed, Meter
from consistency.worlds.services._shell.session import BUILTIN, Act, Call, Session, Trouble

COMMANDS: Mapping[str, Act] = {
    **places.COMMANDS,
    **texts.COMMANDS,
    **search.COMMANDS,
    **sed.COMMANDS,
    **system.COMMANDS,
}
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\}|(\?))", re.ASCII)
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=", re.ASCII)
_MAGIC = re.compile(r"[*?\[]")
_BRACES = re.compile(r"\{([^{},]*(?:,[^{},]*)+)\}")
_DEEPEST_GLOB = 64
_MOST_BRACES = 5
_MOST_WORDS = 2000
_COMMAND_COST = 5000


@dataclass
class _Sink:
    """Where a stream goes: on (to the pipe or the screen), or into a file."""

    path: str | None = None
    append: bool = False
    texts: list[str] = field(default_factory=list)


def run(session: Session, line: str) -> tuple[str, int]:
    """What a line prints, and its exit code. Raises ToolError for a line that cannot be read."""
    pipelines = parse(line)
    session.meter = Meter()
    screen: list[str] = []
    code = 0
    try:
        for pipeline in pipelines:
            if pipeline.after == ";" or (pipeline.after == "&&") == (code == 0):
                code = session.code = _pipeline(session, pipeline, screen)
    except Killed:
        screen.append("Killed\n")
        code = session.code = 137
    session.emptied.clear()
    return "".join(screen), code


def _pipeline(session: Session, pipeline: Pipeline, screen: list[str]) -> int:
    stdin, code = "", 0
    for number, command in enumerate(pipeline.commands):
        session.meter.spend(_COMMAND_COST)
        streams = {1: _Sink(), 2: _Sink(texts=screen)}
        last = number + 1 == len(pipeline.commands)
        out = streams[1]
        if last:
            streams[1] = streams[2]
        try:
            words, stdin, opened = _prepare(session, command, streams, stdin)
            code = _command(session, words, stdin, streams)
            _save(session, opened)
        except Trouble as trouble:
            screen.append(f"bash: {trouble}\n")
            code = trouble.code
        session.emptied.clear()
        if not last:
            stdin = "".join(out.texts)[:LARGEST]
    return code


def _prepare(
    session: Session, command: Command, streams: dict[int, _Sink], stdin: str
) -> tuple[list[str], str, list[_Sink]]:
    """A command's words, what it reads, and the files it opens; `streams` then says where its streams go."""
    words: list[str] = []
    opened: list[_Sink] = []
    for word in command.words:
        words += expand(session, word)
        if len(words) > _MOST_WORDS:
            raise Trouble(f"{words[0]}: Argument list too long", 126)
    for redirect in command.redirects:
        target = _text(session, redirect.target)
        match redirect.sign:
            case "<<":
                stdin = target
            case "<":
                try:
                    stdin = session.read(target)
                except Trouble as trouble:
                    raise Trouble(f"{target}: {trouble}") from trouble
            case ">&":
                if target not in ("1", "2"):
                    raise Trouble(f"{target}: Bad file descriptor")
                streams[redirect.stream] = streams[int(target)]
            case sign:
                sink = _open(session, target, sign.endswith(">>"))
                opened.append(sink)
                both = (1, 2) if sign.startswith("&") else (redirect.stream,)
                streams.update(dict.fromkeys(both, sink))
    return words, stdin, opened


def _open(session: Session, target: str, append: bool) -> _Sink:
    if target == "/dev/null":
        return _Sink(target)
    try:
        path = session.place(target)
    except Trouble as trouble:
        raise Trouble(f"{target}: {trouble}") from trouble
    if not append:
        session.emptied.add(path)
    return _Sink(target, append)


def _save(session: Session, opened: list[_Sink]) -> None:
    """Writes the files that streams went into."""
    for sink in opened:
        if sink.path is None or sink.path == "/dev/null":
            continue
        text = "".join(sink.texts)
        there = session.is_file(session.resolve(sink.path))
        if sink.append and there and not text:
            continue
        try:
            session.write(sink.path, (session.read(sink.path) if sink.append and there else "") + text)
        except Trouble as trouble:
            raise Trouble(f"{sink.path}: {trouble}") from trouble


def _command(session: Session, words: list[str], stdin: str, streams: dict[int, _Sink]) -> int:
    name = words[0] if words else ""
    call = Call(name, words[1:], stdin, session.meter)
    try:
        code = _act(session, call, words)
    except Trouble as trouble:
        call.complain(trouble)
        code = trouble.code
    for stream, text in call.printed:
        sink = streams[stream]
        session.meter.spend(len(text))
        if sink.path != "/dev/null":
            sink.texts.append(text)
    return code


def _act(session: Session, call: Call, words: list[str]) -> int:
    while words and (found := _ASSIGNMENT.match(words[0])):
        # A variable for one command alone changes nothing here: no command looks at any.
        if len(words) == 1:
            system.assign(session, found[1], words[0][found.end() :])
        words = words[1:]
    while words and words[0] == "sudo" and " ".join(words) not in session.programs:
        words = _without_sudo(words[1:])
    if not words:
        return 0
    call.name, call.words = words[0], words[1:]
    if (text := session.programs.get(" ".join(words))) is not None:
        call.say(*([text.removesuffix("\n")] if text else []))
        return 0
    if call.name in ("which", "command"):
        return _which(session, call)
    if act := COMMANDS.get(call.name):
        return act(session, call)
    return _unknown(session, call)


def _without_sudo(words: list[str]) -> list[str]:
    while words and words[0].startswith("-"):
        words = words[2:] if words[0] in ("-u", "-g") else words[1:]
    return words


def _programs(session: Session) -> set[str]:
    return {line.split()[0] for line in session.programs if line.split()}


def _which(session: Session, call: Call) -> int:
    code = 0
    for word in call.words:
        if word.startswith("-"):
            continue
        if word in BUILTIN and call.name == "command":
            call.say(word)
        elif word in COMMANDS or word in _programs(session):
            call.say(f"/usr/bin/{word}")
        else:
            code = 1
    return code


def _unknown(session: Session, call: Call) -> int:
    name = call.name
    if name in _programs(session):
        raise Trouble(f"unrecognized arguments: {' '.join(call.words)}" if call.words else "missing arguments", 2)
    call.name = "bash"
    if "/" not in name:
        raise Trouble(f"{name}: command not found", 127)
    path = session.resolve(name)
    if session.is_folder(path):
        raise Trouble(f"{name}: Is a directory", 126)
    if session.is_file(path):
        raise Trouble(f"{name}: Permission denied", 126)
    raise Trouble(f"{name}: No such file or directory", 127)


def _text(session: Session, word: Word) -> str:
    """A word as one text, with its variables in place."""
    variables = session.variables() | {"?": str(session.code)}

    def value(found: re.Match[str]) -> str:
        text = variables.get(found[1] or found[2] or found[3], "")
        session.meter.spend(len(text) + 1)
        return text

    parts = [piece.text if piece.kind == "single" else _VARIABLE.sub(value, piece.text) for piece in word]
    if word and word[0].kind == "plain" and (parts[0] == "~" or parts[0].startswith("~/")):
        parts[0] = f"/{session.home}{parts[0][1:]}"
    return "".join(parts)


def _braces(word: Word) -> list[Word]:
    """The words that a word with braces, such as a.{txt,md}, stands for."""
    words = [word]
    for _ in range(_MOST_BRACES):
        later: list[Word] = []
        for one in words:
            place = next(
                (i for i, piece in enumerate(one) if piece.kind == "plain" and _BRACES.search(piece.text)), None
            )
            if place is None:
                later.append(one)
                continue
            before, inner, after = _BRACES.split(one[place].text, maxsplit=1)
            later += [
                (*one[:place], Piece(f"{before}{part}{after}", "plain"), *one[place + 1 :]) for part in inner.split(",")
            ]
        if len(later) > _MOST_WORDS or later == words:
            break
        words = later
    return words


def expand(session: Session, word: Word) -> list[str]:
    """The words that a word stands for: one for each choice of its braces, each with the files that it fits."""
    return [text for one in _braces(word) for text in _expand(session, one)]


def _expand(session: Session, word: Word) -> list[str]:
    text = _text(session, word)
    if not text and all(piece.kind == "plain" for piece in word):
        return []
    if any(piece.kind == "plain" and _MAGIC.search(piece.text) for piece in word):
        return _fitting(session, text) or [text]
    return [text]


def _fitting(session: Session, glob: str) -> list[str]:
    """The paths that a pattern fits, part by part; names that begin with a dot only where the pattern does."""
    found = ["/"] if glob.startswith("/") else [""]
    if glob.count("/") > _DEEPEST_GLOB:
        return []
    for part in filter(None, glob.split("/")):
        later: list[str] = []
        for above in found:
            path = session.resolve(above or ".")
            if not _MAGIC.search(part):
                there = session.resolve(f"{above}{part}")
                later += [f"{above}{part}/"] if session.is_file(there) or session.is_folder(there) else []
            elif session.is_folder(path):
                names = session.entries(path)
                session.meter.spend(4 * sum(map(len, names)))
                hidden = part.startswith(".")
                later += [
                    f"{above}{name}/" for name in names if search.fits(name, part) and name.startswith(".") == hidden
                ]
        found = later
    return [path.rstrip("/") or "/" for path in found]
