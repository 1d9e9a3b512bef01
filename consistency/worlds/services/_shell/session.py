"""What commands work with: the drive seen from a folder, units, variables, and one call with its streams."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from getopt import GetoptError, gnu_getopt

from consistency.worlds.services import Record, clock, files
from consistency.worlds.services._shell.meter import LARGEST, Meter

_START = datetime.fromisoformat(clock.START)
_NULL = "/dev/null"
#: What bash does itself; it signs what goes wrong there.
BUILTIN = frozenset(["cd", "pwd", "echo", "printf", "export", "unset", "history", "true", "false", ":", "test", "["])
_GATHERED = ("e", "expression")
_LONGEST_PATH = 1024
_DEEPEST = 64


class Trouble(Exception):
    """Why something could not be done, in the words of the system, and the exit code that says so."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Session:
    """A shell's state. Paths in it are the drive's: without a slash in front, and empty for the top folder.

    The drive has folders only where files lie; `made` holds those that have no file yet, or none any more.
    """

    user: str
    host: str
    folder: str
    env: dict[str, str]
    units: dict[str, str]
    programs: dict[str, str]
    record: Record
    drive: files.Service
    watch: clock.Service | None = None
    meter: Meter = field(default_factory=Meter)
    history: list[str] = field(default_factory=list)
    made: set[str] = field(default_factory=set)
    emptied: set[str] = field(default_factory=set)
    changed: dict[str, datetime] = field(default_factory=dict)
    home: str = ""
    previous: str = ""
    began: datetime = _START
    code: int = 0

    def enter(self, folder: str) -> None:
        """Begins in a folder, which is the home from then on."""
        self.folder = self.home = self.previous = folder
        self.made.add(folder)

    @property
    def now(self) -> datetime:
        """The clock's time, or that of the beginning in a world without a clock."""
        return self.watch.now if self.watch else _START

    def variables(self) -> dict[str, str]:
        """The environment."""
        own = {"USER": self.user, "HOSTNAME": self.host, "HOME": f"/{self.home}", "SHELL": "/bin/bash"}
        return {**own, **self.env, "PWD": f"/{self.folder}"}

    def resolve(self, path: str) -> str:
        """A path as the drive keeps it. It never leaves the drive: above the top is the top."""
        path = path.replace("\\", "/")
        parts: list[str] = [] if path.startswith("/") else self.folder.split("/")
        for part in path.split("/"):
            match part.strip():
                case "" | ".":
                    continue
                case "..":
                    del parts[-1:]
                case _:
                    parts.append(part)
        found = "/".join(filter(None, parts)).strip()
        if len(found) > _LONGEST_PATH or found.count("/") > _DEEPEST:
            raise Trouble("File name too long")
        return found

    def is_file(self, path: str) -> bool:
        """Whether there is such a file."""
        return path in self.drive.files

    def is_folder(self, path: str) -> bool:
        """Whether there is such a folder."""
        if path in self.made and path not in self.drive.files and not self._blocked(path):
            return True
        return not path or self.drive.is_folder(path)

    def read(self, written: str) -> str:
        """The text of the file that a path names."""
        if written == _NULL:
            return ""
        path = self.resolve(written)
        self.meter.spend(len(self.drive.files) + len(path))
        if self.is_folder(path):
            raise Trouble("Is a directory")
        if path in self.emptied:
            return ""
        if path not in self.drive.files:
            raise Trouble("Not a directory" if self._blocked(path) else "No such file or directory")
        self.meter.spend(len(self.drive.files[path]))
        return self.drive.files[path]

    def place(self, written: str) -> str:
        """The path of a file that may be written."""
        path = self.resolve(written)
        self.meter.spend(len(self.drive.files) + len(path))
        if self.is_folder(path):
            raise Trouble("Is a directory")
        if self._blocked(path):
            raise Trouble("Not a directory")
        if written.endswith("/") or not self.is_folder(path.rpartition("/")[0]):
            raise Trouble("No such file or directory")
        return path

    def write(self, written: str, text: str) -> None:
        """Writes a file."""
        if written == _NULL:
            return
        path = self.place(written)
        if len(text) > LARGEST:
            raise Trouble("No space left on device")
        self.meter.spend(len(text))
        self.drive.put(path, text)
        self.changed[path] = self.now

    def delete(self, path: str) -> None:
        """Deletes a file; the folders that it lay in stay."""
        self.drive.remove(path)
        self.made.update(parents(path))

    def below(self, folder: str) -> list[str]:
        """All files below a folder."""
        self.meter.spend(len(self.drive.files))
        return sorted(path for path in self.drive.files if not folder or path.startswith(f"{folder}/"))

    def entries(self, folder: str) -> dict[str, bool]:
        """What lies right in a folder: names, sorted, with whether each is a folder."""
        top = f"{folder}/" if folder else ""
        self.meter.spend(len(self.drive.files) + len(self.made))
        names = {path[len(top) :].partition("/")[0] for path in (*self.drive.files, *self.made) if path.startswith(top)}
        return {name: f"{top}{name}" not in self.drive.files for name in sorted(names - {""})}

    def _blocked(self, path: str) -> bool:
        return any(above in self.drive.files for above in parents(path))


def parents(path: str) -> list[str]:
    """The folders that a path lies in, without the top."""
    parts = path.split("/")
    return ["/".join(parts[:length]) for length in range(1, len(parts))]


@dataclass
class Call:
    """One call of a command: its words, what it reads, and what it prints, by stream (1 or 2) and in order."""

    name: str
    words: list[str]
    stdin: str
    meter: Meter
    printed: list[tuple[int, str]] = field(default_factory=list)

    def write(self, text: str) -> None:
        """Prints a text as it is."""
        self.meter.spend(len(text))
        self.printed.append((1, text))

    def say(self, *lines: str) -> None:
        """Prints lines."""
        self.write("".join(f"{line}\n" for line in lines))

    def complain(self, message: object) -> None:
        """Prints an error, after the command's name."""
        self.complain_plainly(f"{'bash: ' if self.name in BUILTIN else ''}{self.name}: {message}")

    def complain_plainly(self, message: str) -> None:
        """Prints an error without the command's name."""
        self.meter.spend(len(message))
        self.printed.append((2, f"{message}\n"))

    def options(self, short: str, long: tuple[str, ...] = (), code: int = 1) -> tuple[dict[str, str], list[str]]:
        """The options by letter or name, without hyphens, and the operands; `short` and `long` as for getopt."""
        try:
            words = [word for word in self.words if not word.startswith("--color")]
            found, operands = gnu_getopt(words, short, list(long))
        except GetoptError as error:
            raise Trouble(_misused(error), code) from error
        options: dict[str, str] = {}
        for name, value in ((name.lstrip("-"), value) for name, value in found):
            options[name] = f"{options[name]}\n{value}" if name in _GATHERED and name in options else value
        return options, operands

    def texts(self, session: Session, operands: list[str]) -> tuple[list[tuple[str, str]], int]:
        """The files that are named, or what comes in, as names and texts; and 1 as the code if one cannot be read."""
        found, code = [], 0
        for operand in operands or ["-"]:
            try:
                found.append((operand, self.stdin if operand == "-" else session.read(operand)))
            except Trouble as trouble:
                self.complain(f"{operand}: {trouble}")
                code = 1
        return found, code


def _misused(error: GetoptError) -> str:
    if "requires argument" in error.msg:
        return f"option requires an argument -- '{error.opt}'"
    return f"invalid option -- '{error.opt}'" if len(error.opt) == 1 else f"unrecognized option '--{error.opt}'"


def lines_of(text: str) -> list[str]:
    """A text's lines, without their ends."""
    return text.removesuffix("\n").split("\n") if text else []


Act = Callable[[Session, Call], int]
Commands = Mapping[str, Act]
