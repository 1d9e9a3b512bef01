"""Commands about files and folders: pwd, cd, ls, cp, mv, rm, mkdir, rmdir, touch, test."""

from collections.abc import Callable

from consistency.worlds.services._shell.session import Call, Commands, Session, Trouble

_MISSING = "No such file or directory"


def _pwd(session: Session, call: Call) -> int:
    call.say(f"/{session.folder}")
    return 0


def _cd(session: Session, call: Call) -> int:
    if len(call.words) > 1:
        raise Trouble("too many arguments")
    written = call.words[0] if call.words else f"/{session.home}"
    path = session.previous if written == "-" else session.resolve(written)
    if not session.is_folder(path):
        raise Trouble(f"{written}: {'Not a directory' if session.is_file(path) else _MISSING}")
    session.previous, session.folder = session.folder, path
    session.made.add(path)
    if written == "-":
        call.say(f"/{path}")
    return 0


def _ls(session: Session, call: Call) -> int:
    options, operands = call.options("laAh1RrtFSd", ("all", "human-readable", "color=", "recursive"), code=2)
    code = 0
    folders: list[str] = []
    single: dict[str, tuple[str, bool]] = {}
    for operand in operands or ["."]:
        path = session.resolve(operand)
        if session.is_folder(path) and "d" not in options:
            folders.append(operand)
        elif session.is_file(path) or session.is_folder(path):
            single[operand] = (path, session.is_folder(path))
        else:
            call.complain(f"cannot access '{operand}': {_MISSING}")
            code = 2
    _listing(session, call, single, options)
    if {"R", "recursive"} & set(options):
        folders = [inner for folder in folders for inner in _folders_below(session, folder)]
    for number, folder in enumerate(folders):
        if len(folders) > 1 or single or {"R", "recursive"} & set(options):
            call.say(*([""] if number or single else []), f"{folder}:")
        top = session.resolve(folder)
        inside = {name: (f"{top}/{name}" if top else name, deeper) for name, deeper in session.entries(top).items()}
        if not {"a", "A", "all"} & set(options):
            inside = {name: entry for name, entry in inside.items() if not name.startswith(".")}
        elif {"a", "all"} & set(options):
            inside = {".": (top, True), "..": (top.rpartition("/")[0], True), **inside}
        if "l" in options:
            call.say(f"total {4 * sum(name not in ('.', '..') for name in inside)}")
        _listing(session, call, inside, options)
    return code


def _folders_below(session: Session, shown: str) -> list[str]:
    found, waiting = [], [shown]
    while waiting:
        folder = waiting.pop(0)
        found.append(folder)
        inside = session.entries(session.resolve(folder))
        waiting += [f"{folder.rstrip('/')}/{name}" for name, deeper in inside.items() if deeper]
    return sorted(found)


def _listing(session: Session, call: Call, entries: dict[str, tuple[str, bool]], options: dict[str, str]) -> None:
    names = [*entries]
    if "S" in options:
        names.sort(key=lambda name: -_size(session, *entries[name]))
    if "t" in options:
        names.sort(key=lambda name: session.changed.get(entries[name][0], session.began), reverse=True)
    if "r" in options:
        names.reverse()
    width = max((len(str(_size(session, *entry))) for entry in entries.values()), default=1)
    for name in names:
        path, is_folder = entries[name]
        shown = f"{name}/" if "F" in options and is_folder else name
        if "l" not in options:
            call.say(shown)
            continue
        when = session.changed.get(path, session.began)
        rights = "drwxr-xr-x 2" if is_folder else "-rw-r--r-- 1"
        size = _size(session, path, is_folder)
        call.say(f"{rights} {session.user} {session.user} {size:>{width}} {when:%b} {when.day:>2} {when:%H:%M} {shown}")


def _size(session: Session, path: str, is_folder: bool) -> int:
    return 4096 if is_folder else len(session.drive.files[path].encode())


Move = Callable[[Session, Call, str, str, bool], None]


def _onto(move: Move) -> Callable[[Session, Call], int]:
    """cp and mv: one source to a name, or several into a folder."""

    def act(session: Session, call: Call) -> int:
        options, operands = call.options("rRafivnupT", ("recursive", "force", "verbose"))
        if len(operands) < 2:
            raise Trouble(
                f"missing destination file operand after '{operands[0]}'" if operands else "missing file operand"
            )
        target = session.resolve(operands[-1])
        into = session.is_folder(target)
        if len(operands) > 2 and not into:
            missing = "Not a directory" if session.is_file(target) else _MISSING
            raise Trouble(f"target '{operands[-1]}': {missing}")
        code = 0
        for source in operands[:-1]:
            name = session.resolve(source).rpartition("/")[2]
            try:
                if not session.resolve(source) and call.name == "mv":
                    raise Trouble(f"cannot move '{source}': Device or resource busy")
                written = f"{operands[-1].rstrip('/')}/{name}" if into else operands[-1]
                move(session, call, source, written, bool({"r", "R", "a", "recursive"} & set(options)))
                if {"v", "verbose"} & set(options):
                    call.say(f"'{source}' -> '{written}'")
            except Trouble as trouble:
                call.complain(trouble)
                code = 1
        return code

    return act


def _cp(session: Session, call: Call, source: str, target: str, deep: bool) -> None:
    path, goal = session.resolve(source), session.resolve(target)
    if session.is_folder(path):
        if not deep:
            raise Trouble(f"-r not specified; omitting directory '{source}'")
        if goal == path or goal.startswith(f"{path}/" if path else ""):
            raise Trouble(f"cannot copy a directory, '{source}', into itself, '{target}'")
        _carry(session, path, goal, target)
        return
    _check(session, path, goal, source, target, "stat")
    try:
        session.write(target, session.read(source))
    except Trouble as trouble:
        raise Trouble(f"cannot create regular file '{target}': {trouble}") from trouble


def _mv(session: Session, call: Call, source: str, target: str, deep: bool) -> None:
    path, goal = session.resolve(source), session.resolve(target)
    if session.is_folder(path):
        if goal == path or goal.startswith(f"{path}/"):
            raise Trouble(f"cannot move '{source}' to a subdirectory of itself, '{target}'")
        below = session.below(path)
        _carry(session, path, goal, target)
        for inner in below:
            session.delete(inner)
        session.made = {made for made in session.made if made != path and not made.startswith(f"{path}/")}
        return
    _check(session, path, goal, source, target, "stat")
    text = session.read(source)
    try:
        session.write(target, text)
    except Trouble as trouble:
        raise Trouble(f"cannot move '{source}' to '{target}': {trouble}") from trouble
    session.delete(path)


def _check(session: Session, path: str, goal: str, source: str, target: str, what: str) -> None:
    if not session.is_file(path):
        raise Trouble(f"cannot {what} '{source}': {_MISSING}")
    if path == goal:
        raise Trouble(f"'{source}' and '{target}' are the same file")


def _carry(session: Session, path: str, goal: str, target: str) -> None:
    """Copies a folder with all that is in it to where no file stands."""
    above = goal.rpartition("/")[0]
    if session.is_file(goal) or not session.is_folder(above):
        trouble = "cannot overwrite non-directory" if session.is_file(goal) else "cannot create directory"
        raise Trouble(f"{trouble} '{target}': {'Not a directory' if session.is_file(goal) else _MISSING}")
    session.made.add(goal)
    for inner in session.below(path):
        moved = goal + inner.removeprefix(path) if path else f"{goal}/{inner}"
        folders = moved.split("/")
        session.made.update("/".join(folders[:length]) for length in range(1, len(folders)))
        session.write(f"/{moved}", session.read(f"/{inner}"))


def _rm(session: Session, call: Call) -> int:
    options, operands = call.options("rRfiIvd", ("recursive", "force", "no-preserve-root", "verbose"))
    forced = bool({"f", "force"} & set(options))
    if not operands and not forced:
        raise Trouble("missing operand")
    code = 0
    for operand in operands:
        try:
            _remove(session, operand, options, forced)
        except Trouble as trouble:
            call.complain(trouble)
            code = 1
        else:
            call.say(*([f"removed '{operand}'"] if {"v", "verbose"} & set(options) else []))
    return code


def _remove(session: Session, operand: str, options: dict[str, str], forced: bool) -> None:
    path = session.resolve(operand)
    if session.is_file(path) and not operand.endswith("/"):
        session.delete(path)
        return
    if not session.is_folder(path):
        if not forced:
            raise Trouble(f"cannot remove '{operand}': {_MISSING}")
        return
    if not {"r", "R", "recursive"} & set(options):
        raise Trouble(f"cannot remove '{operand}': Is a directory")
    if operand.rstrip("/").rpartition("/")[2] in (".", ".."):
        raise Trouble(f"refusing to remove '.' or '..' directory: skipping '{operand}'")
    if not path and "no-preserve-root" not in options:
        raise Trouble(f"it is dangerous to operate recursively on '{operand}'")
    for inner in session.below(path):
        session.delete(inner)
    below = f"{path}/" if path else ""
    session.made = {made for made in session.made if made != path and not made.startswith(below)}


def _mkdir(session: Session, call: Call) -> int:
    options, operands = call.options("pvm:", ("parents", "mode=", "verbose"))
    if not operands:
        raise Trouble("missing operand")
    code = 0
    for operand in operands:
        path = session.resolve(operand)
        parts = path.split("/")
        folders = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
        trouble = ""
        if any(session.is_file(folder) for folder in folders):
            trouble = "File exists" if session.is_file(path) else "Not a directory"
        elif not {"p", "parents"} & set(options):
            trouble = "File exists" if session.is_folder(path) else ""
            trouble = trouble or ("" if session.is_folder(path.rpartition("/")[0]) else _MISSING)
        if trouble:
            call.complain(f"cannot create directory '{operand}': {trouble}")
            code = 1
            continue
        call.meter.spend(sum(map(len, folders)))
        session.made.update(folders)
    return code


def _rmdir(session: Session, call: Call) -> int:
    _, operands = call.options("p")
    code = 0
    for operand in operands:
        path = session.resolve(operand)
        trouble = "Directory not empty" if session.is_folder(path) and session.entries(path) else ""
        if not session.is_folder(path):
            trouble = "Not a directory" if session.is_file(path) else _MISSING
        if trouble:
            call.complain(f"failed to remove '{operand}': {trouble}")
            code = 1
        session.made -= {path} if not trouble else set()
    return code


def _touch(session: Session, call: Call) -> int:
    _, operands = call.options("acmd:t:r:")
    if not operands:
        raise Trouble("missing file operand")
    code = 0
    for operand in operands:
        try:
            path = session.resolve(operand)
            if session.is_file(path):
                session.changed[path] = session.now
            elif not session.is_folder(path):
                session.write(operand, "")
        except Trouble as trouble:
            call.complain(f"cannot touch '{operand}': {trouble}")
            code = 1
    return code


def _test(session: Session, call: Call) -> int:
    words = [*call.words]
    if call.name == "[":
        if words[-1:] != ["]"]:
            raise Trouble("missing `]'", 2)
        words.pop()
    negated = words[:1] == ["!"]
    return int(_holds(session, words[negated:]) == negated)


def _holds(session: Session, words: list[str]) -> bool:
    match words:
        case []:
            return False
        case [word] | ["-n", word]:
            return bool(word)
        case ["-z", word]:
            return not word
        case ["-f" | "-d" | "-e" | "-s" | "-r" | "-w" as kind, word]:
            path = session.resolve(word)
            file, folder = session.is_file(path), session.is_folder(path)
            return {"f": file, "d": folder, "s": folder or bool(session.drive.files.get(path))}.get(
                kind[1], file or folder
            )
        case [left, "=" | "==", right]:
            return left == right
        case [left, "!=", right]:
            return left != right
        case _:
            raise Trouble(f"{words[0]}: unary operator expected", 2)


COMMANDS: Commands = {
    "pwd": _pwd,
    "cd": _cd,
    "ls": _ls,
    "cp": _onto(_cp),
    "mv": _onto(_mv),
    "rm": _rm,
    "mkdir": _mkdir,
    "rmdir": _rmdir,
    "touch": _touch,
    "test": _test,
    "[": _test,
}
