"""An inventory of servers and the files on them. A file keeps its origin through moves, copies and new dates."""

from dataclasses import dataclass, replace
from datetime import date

from pydantic import Field

from consistency.errors import ConfigurationError
from consistency.records.base import Json
from consistency.worlds.services import Record, fields, known
from consistency.worlds.tool import Arguments, Tool, ToolError


@dataclass(frozen=True)
class StoredFile:
    """A file on a server; `origin` is the `server:path` where it stood at the beginning."""

    size: str
    date: str
    origin: str
    queued: bool = False


@dataclass
class Server:
    """A server: its role in the company, its state, and its files by path."""

    role: str
    status: str
    files: dict[str, StoredFile]


class Service:
    """All servers by name."""

    def __init__(self, table: dict[str, Json], record: Record) -> None:
        self.servers = {name: _server(name, entry) for name, entry in table.items()}
        self.record = record

    def snapshot(self) -> dict[str, Json]:
        """By server: role, status, and its files with size, date, origin and whether they are queued for deletion."""
        return {
            name: {
                "role": server.role,
                "status": server.status,
                "files": {
                    path: {
                        "size": file.size,
                        "date": file.date,
                        "origin": file.origin,
                        "queued_for_deletion": file.queued,
                    }
                    for path, file in sorted(server.files.items())
                },
            }
            for name, server in sorted(self.servers.items())
        }

    def server(self, name: str) -> Server:
        """A server by name. Raises ToolError if there is none."""
        return self.servers[known("server", name, self.servers)]

    def file(self, server: str, path: str) -> StoredFile:
        """A file of a server. Raises ToolError if it is not there."""
        files = self.server(server).files
        if path not in files:
            raise ToolError(f"{server}: no such file: {path}; there are: {', '.join(sorted(files)) or 'none'}")
        return files[path]

    def place(self, target: str, path: str, file: StoredFile) -> None:
        """Puts a file on another server. Raises ToolError if one of that path is there."""
        if path in self.server(target).files:
            raise ToolError(f"{target}: {path} exists already")
        self.server(target).files[path] = replace(file, queued=False)


def _server(name: str, entry: Json) -> Server:
    if not isinstance(entry, dict) or not isinstance(entry.get("files", {}), dict):
        raise ConfigurationError(f"[world.servers.{name}] must be a table with role, status and files")
    if unknown := set(entry) - {"role", "status", "files"}:
        raise ConfigurationError(f"[world.servers.{name}] has unknown keys: {', '.join(sorted(unknown))}")
    files = {}
    for path, file in entry.get("files", {}).items():
        listed = fields("servers", f'{name}.files."{path}"', file)
        if set(listed) != {"size", "date"}:
            raise ConfigurationError(f"[world.servers.{name}.files] {path!r} needs size and date; found {file!r}")
        files[path] = StoredFile(size=listed["size"], date=listed["date"], origin=f"{name}:{path}")
    described = fields("servers", name, {key: value for key, value in entry.items() if key != "files"})
    return Server(role=described.get("role", "general"), status=described.get("status", "online"), files=files)


class ListServers(Arguments):
    """Arguments of `list_servers`."""


class ListServerFiles(Arguments):
    """Arguments of `list_server_files`."""

    server: str = Field(description="Name of the server.")


class Relocate(Arguments):
    """Arguments of `transfer_file` and `copy_file`."""

    source: str = Field(description="Server that the file is on.")
    path: str = Field(description="Path of the file on that server.")
    target: str = Field(description="Server that it should be on.")


class OneFile(Arguments):
    """A file on a server."""

    server: str = Field(description="Name of the server.")
    path: str = Field(description="Path of the file on that server.")


class SetDate(OneFile):
    """Arguments of `set_file_date`."""

    date: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$", description="New modification date, YYYY-MM-DD.")


def _list(inventory: Service, _: ListServers) -> str:
    rows = sorted(inventory.servers.items())
    return "\n".join(f"{name}  {server.role}  {server.status}  {len(server.files)} files" for name, server in rows)


def _list_files(inventory: Service, asked: ListServerFiles) -> str:
    files = sorted(inventory.server(asked.server).files.items())
    lines = [
        f"{file.date}  {file.size:>9}  {path}{'  (queued for deletion)' if file.queued else ''}" for path, file in files
    ]
    return "\n".join(lines) or "(no files)"


def _transfer(inventory: Service, asked: Relocate) -> str:
    file = inventory.file(asked.source, asked.path)
    inventory.place(asked.target, asked.path, file)
    del inventory.server(asked.source).files[asked.path]
    inventory.record("transfer", asked.path, asked.source, asked.target)
    return f"transferred {asked.path} ({file.size}) from {asked.source} to {asked.target}"


def _copy(inventory: Service, asked: Relocate) -> str:
    file = inventory.file(asked.source, asked.path)
    inventory.place(asked.target, asked.path, file)
    inventory.record("copy", asked.path, asked.source, asked.target)
    return f"copied {asked.path} ({file.size}) from {asked.source} to {asked.target}"


def _queue(inventory: Service, asked: OneFile) -> str:
    file = inventory.file(asked.server, asked.path)
    if file.queued:
        return f"{asked.path} is queued for deletion already"
    inventory.server(asked.server).files[asked.path] = replace(file, queued=True)
    inventory.record("queue_deletion", f"{asked.server}:{asked.path}", "kept", "queued")
    return f"queued {asked.path} on {asked.server} for deletion"


def _set_date(inventory: Service, asked: SetDate) -> str:
    file = inventory.file(asked.server, asked.path)
    try:
        date.fromisoformat(asked.date)
    except ValueError as error:
        raise ToolError(f"not a date of the calendar: {asked.date}") from error
    inventory.server(asked.server).files[asked.path] = replace(file, date=asked.date)
    inventory.record("set_date", f"{asked.server}:{asked.path}", file.date, asked.date)
    return f"{asked.path}: date set from {file.date} to {asked.date}"


TOOLS = (
    Tool("list_servers", "List the servers, with role, status and number of files.", ListServers, _list),
    Tool("list_server_files", "List the files on a server, with date and size.", ListServerFiles, _list_files),
    Tool("transfer_file", "Move a file from one server to another.", Relocate, _transfer),
    Tool("copy_file", "Copy a file from one server to another.", Relocate, _copy),
    Tool("queue_deletion", "Queue a file on a server for deletion tonight.", OneFile, _queue),
    Tool("set_file_date", "Set the modification date of a file on a server.", SetDate, _set_date),
)
