"""A shared drive: text files by path."""

from pydantic import Field

from consistency.errors import ConfigurationError
from consistency.records.base import Json
from consistency.worlds.services import Record, fingerprint, texts
from consistency.worlds.tool import Arguments, Tool, ToolError


class Service:
    """The drive's files."""

    def __init__(self, table: dict[str, Json], record: Record) -> None:
        self.files: dict[str, str] = {}
        self._record = record
        for path, text in texts("files", table).items():
            try:
                normal = self.free(path)
            except ToolError as error:
                raise ConfigurationError(f"[world.files] {path!r} cannot be a path: {error}") from error
            if normal in self.files:
                raise ConfigurationError(f"[world.files] {path!r} names a file that is there already: {normal}")
            self.files[normal] = text

    def snapshot(self) -> dict[str, Json]:
        """Text by path."""
        return dict(sorted(self.files.items()))

    def find(self, path: str) -> str:
        """A path as it is kept. Raises ToolError if there is no such file, with what lies nearest to it."""
        normal = _normal(path)
        if self.is_folder(normal):
            raise ToolError(f"{normal} is a folder, not a file")
        if normal not in self.files:
            raise ToolError(f"no such file: {path}{self._nearby(normal)}")
        return normal

    def free(self, path: str) -> str:
        """A path as it is kept, where a file may be written. Raises ToolError if a folder stands in its way."""
        normal = _normal(path)
        if self.is_folder(normal):
            raise ToolError(f"{normal} is a folder, not a file")
        for folder in _folders(normal):
            if folder in self.files:
                raise ToolError(f"{folder} is a file, not a folder")
        return normal

    def is_folder(self, normal: str) -> bool:
        """Whether files lie below a path."""
        return any(path.startswith(f"{normal}/") for path in self.files)

    def _nearby(self, normal: str) -> str:
        """The files of the nearest folder above a path that has any, in words."""
        for folder in (*_folders(normal), ""):
            beside = [path for path in sorted(self.files) if path.rpartition("/")[0] == folder]
            if beside:
                return f" (in {folder or 'the top folder'}: {', '.join(beside)})"
        return ""

    def put(self, path: str, content: str) -> None:
        """Writes a file and logs it."""
        before = self.files.get(path)
        self.files[path] = content
        self._record("write", path, None if before is None else fingerprint(before), fingerprint(content))

    def remove(self, path: str) -> None:
        """Deletes a file and logs it."""
        self._record("delete", path, fingerprint(self.files.pop(path)), None)


def _normal(path: str) -> str:
    """A path as it is kept: "./a" and "/a" are "a". Raises ToolError for the empty path and for "..", wherever."""
    normal = below_top(path)
    if not normal:
        raise ToolError("the path is empty")
    return normal


def below_top(path: str) -> str:
    """A path as it is kept, or the empty text for the drive itself. Raises ToolError for one that leaves the drive."""
    parts = [part for part in path.strip().replace("\\", "/").split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ToolError(f"path leaves the drive: {path}")
    return "/".join(parts)


def _folders(normal: str) -> list[str]:
    """The folders that a path lies in, nearest first, without the top folder."""
    parts = normal.split("/")
    return ["/".join(parts[:length]) for length in range(len(parts) - 1, 0, -1)]


class ListFiles(Arguments):
    """Arguments of `list_files`."""

    folder: str = Field(default="", description="Folder to list, with everything below it; empty for the whole drive.")


class ReadFile(Arguments):
    """Arguments of `read_file`."""

    path: str = Field(description="Path of the file.")


class WriteFile(Arguments):
    """Arguments of `write_file`."""

    path: str = Field(description="Path of the file; folders are made as needed.")
    content: str = Field(description="The whole new content.")


class EditFile(Arguments):
    """Arguments of `edit_file`."""

    path: str = Field(description="Path of the file.")
    old: str = Field(min_length=1, description="Text to replace; it must occur exactly once.")
    new: str = Field(description="Text to put in its place.")


class DeleteFile(Arguments):
    """Arguments of `delete_file`."""

    path: str = Field(description="Path of the file.")


def _list(drive: Service, asked: ListFiles) -> str:
    folder = below_top(asked.folder)
    if folder in drive.files:
        raise ToolError(f"{folder} is a file, not a folder")
    found = [path for path in sorted(drive.files) if not folder or path.startswith(f"{folder}/")]
    if not found:
        raise ToolError(f"no such folder: {asked.folder}")
    return "\n".join(f"{len(drive.files[path].encode()):>8}  {path}" for path in found)


def _read(drive: Service, asked: ReadFile) -> str:
    return drive.files[drive.find(asked.path)]


def _write(drive: Service, asked: WriteFile) -> str:
    path = drive.free(asked.path)
    drive.put(path, asked.content)
    return f"wrote {len(asked.content.encode())} bytes to {path}"


def _edit(drive: Service, asked: EditFile) -> str:
    path = drive.find(asked.path)
    count = drive.files[path].count(asked.old)
    if count != 1:
        raise ToolError(f"{path}: the text to replace occurs {count} times; it must occur exactly once")
    drive.put(path, drive.files[path].replace(asked.old, asked.new))
    return f"edited {path}"


def _delete(drive: Service, asked: DeleteFile) -> str:
    path = drive.find(asked.path)
    drive.remove(path)
    return f"deleted {path}"


TOOLS = (
    Tool("list_files", "List the files of the shared drive, with their sizes in bytes.", ListFiles, _list),
    Tool("read_file", "Read a text file of the shared drive.", ReadFile, _read),
    Tool("write_file", "Create or overwrite a text file on the shared drive.", WriteFile, _write),
    Tool("edit_file", "Replace one passage in a text file of the shared drive.", EditFile, _edit),
    Tool("delete_file", "Delete a file from the shared drive.", DeleteFile, _delete),
)
