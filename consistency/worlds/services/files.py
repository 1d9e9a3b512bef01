"""A shared drive: text files by path."""

from pydantic import Field

from consistency.records.base import Json
from consistency.worlds.services import Record, fingerprint, texts
from consistency.worlds.tool import Arguments, Tool, ToolError


class Service:
    """The drive's files."""

    def __init__(self, table: dict[str, Json], record: Record) -> None:
        self.files = {_normal(path): text for path, text in texts("files", table).items()}
        self._record = record

    def snapshot(self) -> dict[str, Json]:
        """Text by path."""
        return dict(sorted(self.files.items()))

    def find(self, path: str) -> str:
        """A path as it is kept. Raises ToolError if there is no such file, with what lies beside it."""
        normal = _normal(path)
        if normal not in self.files:
            folder = normal.rpartition("/")[0]
            beside = [name for name in sorted(self.files) if name.rpartition("/")[0] == folder]
            raise ToolError(
                f"no such file: {path}" + (f" (in {folder or 'the top folder'}: {', '.join(beside)})" if beside else "")
            )
        return normal

    def put(self, path: str, content: str) -> None:
        """Writes a file and logs it."""
        before = self.files.get(path)
        self.files[path] = content
        self._record("write", path, None if before is None else fingerprint(before), fingerprint(content))

    def remove(self, path: str) -> None:
        """Deletes a file and logs it."""
        self._record("delete", path, fingerprint(self.files.pop(path)), None)


def _normal(path: str) -> str:
    parts = [part for part in path.strip().replace("\\", "/").split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ToolError(f"path leaves the drive: {path}")
    if not parts:
        raise ToolError("the path is empty")
    return "/".join(parts)


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
    folder = _normal(asked.folder) + "/" if asked.folder.strip(" ./") else ""
    found = {path: text for path, text in sorted(drive.files.items()) if path.startswith(folder)}
    if not found:
        raise ToolError(f"no such folder: {asked.folder}")
    return "\n".join(f"{len(text.encode()):>8}  {path}" for path, text in found.items())


def _read(drive: Service, asked: ReadFile) -> str:
    return drive.files[drive.find(asked.path)]


def _write(drive: Service, asked: WriteFile) -> str:
    path = _normal(asked.path)
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
