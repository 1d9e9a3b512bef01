"""A web service that keeps JSON resources by path."""

import json
from copy import deepcopy
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from pydantic import Field

from consistency.errors import ConfigurationError
from consistency.records.base import Json, canonical
from consistency.worlds.parsing import parse
from consistency.worlds.services import Record, fingerprint
from consistency.worlds.tool import Arguments, Tool, ToolError

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_KEYS = {"base", "forbidden", "read_only", "resources"}
_BASE = "http://localhost"


class Refusal(Exception):
    """An answer that is an error: a status, and what is said of it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Service:
    """Resources by path, below the address `base`.

    A path that resources lie below is a collection, also once the last of them is gone; an entry whose path ends in a
    slash is an empty one. What is `forbidden` or `read_only` is so with everything below it.
    """

    def __init__(self, table: dict[str, Json], record: Record) -> None:
        if unknown := set(table) - _KEYS:
            raise ConfigurationError(f"[world.http] has unknown keys: {', '.join(sorted(unknown))}")
        self.base = _base(table.get("base", _BASE))
        self.forbidden = _paths("forbidden", table.get("forbidden", []))
        self.read_only = _paths("read_only", table.get("read_only", []))
        self.resources: dict[str, dict[str, Json]] = {}
        self.collections = {"/"}
        self.requests: list[dict[str, Json]] = []
        self._highest: dict[str, int] = {}
        self._record = record
        entries = table.get("resources", {})
        if not isinstance(entries, dict):
            raise ConfigurationError(f"[world.http.resources] must be a table of resources; found {entries!r}")
        for path, fields in entries.items():
            self._enter(path, fields)

    def _enter(self, path: str, fields: Json) -> None:
        normal = _normal(path)
        if not path.startswith("/") or normal in self.resources or normal == "/":
            raise ConfigurationError(
                f"[world.http.resources] {path!r} must be a path of its own, such as '/v1/things/7'"
            )
        if not isinstance(fields, dict) or not _is_json(fields):
            raise ConfigurationError(
                f'[world.http.resources."{path}"] must be a table of JSON values; found {fields!r}'
            )
        if path.endswith("/") and fields:
            raise ConfigurationError(f'[world.http.resources."{path}"] is an empty collection; found {fields!r}')
        if path.endswith("/"):
            self.collections.add(normal)
        else:
            self._keep(normal, deepcopy(fields))

    def snapshot(self) -> dict[str, Json]:
        """Resources by path, and the requests that were made, in order, with the status of their answers."""
        return {
            "resources": deepcopy(dict(sorted(self.resources.items()))),
            "requests": [dict(request) for request in self.requests],
        }

    def answer(self, method: str, path: str, query: list[tuple[str, str]], body: str) -> tuple[int, Json]:
        """The status and the content of an answer. Raises Refusal for one that is an error."""
        if _within(path, self.forbidden):
            raise Refusal(403, "forbidden")
        if path not in self.resources and path not in self.collections:
            raise Refusal(404, f"not found: {path}")
        if method not in _METHODS or (method != "GET" and _within(path, self.read_only)):
            raise Refusal(405, f"method not allowed: {method}")
        if method == "GET":
            return 200, self._get(path, query)
        if (method == "POST") == (path in self.resources):
            raise Refusal(405, f"method not allowed: {method}")
        if method == "DELETE":
            self._record("delete", path, _digest(self.resources.pop(path)), None)
            return 204, None
        fields = _fields(body)
        return (201, self._create(path, fields)) if method == "POST" else (200, self._change(method, path, fields))

    def _get(self, path: str, query: list[tuple[str, str]]) -> Json:
        if path in self.resources:
            return self.resources[path]
        return {"items": [item for item in self._items(path) if _fits(item, query)]}

    def _items(self, collection: str) -> list[dict[str, Json]]:
        """What lies right below a collection, without what is forbidden."""
        top = collection.rstrip("/") + "/"
        every = sorted({*self.resources, *self.collections} - {"/"})
        below = [path for path in every if path.startswith(top) and not _within(path, self.forbidden)]
        items: list[dict[str, Json]] = []
        for path in below:
            name = path.removeprefix(top)
            if "/" not in name:
                items.append({"id": name, **self.resources[path]} if path in self.resources else {"path": path})
        return items

    def _create(self, collection: str, fields: dict[str, Json]) -> Json:
        number = self._highest.get(collection, 0) + 1
        path = f"{collection.rstrip('/')}/{number}"
        self._keep(path, fields)
        self._record("create", path, None, _digest(fields))
        return {"id": str(number), **fields}

    def _change(self, method: str, path: str, fields: dict[str, Json]) -> Json:
        before = self.resources[path]
        self.resources[path] = fields if method == "PUT" else {**before, **fields}
        self._record("replace" if method == "PUT" else "update", path, _digest(before), _digest(self.resources[path]))
        return self.resources[path]

    def _keep(self, path: str, fields: dict[str, Json]) -> None:
        self.resources[path] = fields
        above, _, name = path.rpartition("/")
        if name.isascii() and name.isdecimal() and len(name) < 19:
            self._highest[above or "/"] = max(int(name), self._highest.get(above or "/", 0))
        while above:
            self.collections.add(above)
            above = above.rpartition("/")[0]

    def log(self, method: str, path: str, status: int) -> None:
        """Keeps a request with the status of its answer."""
        self.requests.append({"method": method, "path": path, "status": status})


def _base(value: Json) -> SplitResult:
    try:
        split = urlsplit(value) if isinstance(value, str) else None
    except ValueError:
        split = None
    whole = split is not None and split.netloc and split.scheme in ("http", "https")
    if split is None or not whole or split.path.strip("/") or split.query or split.fragment:
        raise ConfigurationError(f"[world.http] base must be an address like 'https://api.x.example'; found {value!r}")
    return split


def _paths(key: str, value: Json) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(path, str) and path.startswith("/") for path in value):
        raise ConfigurationError(f"[world.http] {key} must be a list of paths, such as '/v1/keys'; found {value!r}")
    return [_normal(path) for path in value]


def _normal(path: str) -> str:
    """A path as it is kept: decoded, without empty parts, "." and ".."."""
    parts: list[str] = []
    for part in unquote(path).split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def _within(path: str, folders: list[str]) -> bool:
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)


def _is_json(value: Json) -> bool:
    try:
        canonical(value)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _digest(fields: dict[str, Json]) -> str:
    return fingerprint(canonical(fields).decode())


def _fits(item: dict[str, Json], query: list[tuple[str, str]]) -> bool:
    """Whether an item has the values that a query asks for."""
    return all(name in item and _plain(item[name]) == value.casefold() for name, value in query)


def _plain(value: Json) -> str:
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).casefold()


def _fields(body: str) -> dict[str, Json]:
    """The JSON object in a request's body. Raises Refusal for any other text."""
    if not body.strip():
        raise Refusal(400, "malformed JSON: it is empty")
    try:
        return parse(body)
    except ValueError as error:
        said = str(error).replace("the arguments are", "it is").replace("the arguments", "it")
        raise Refusal(400, f"malformed JSON: {said}") from error


class HttpRequest(Arguments):
    """Arguments of `http_request`."""

    method: str = Field(description="GET, POST, PUT, PATCH or DELETE.")
    url: str = Field(description="Address, or only its path; a collection takes filters such as ?status=open.")
    body: str = Field(default="", description="JSON object to send, for POST, PUT and PATCH.")


def _split(base: SplitResult, url: str) -> tuple[str, list[tuple[str, str]]]:
    """The path and the query of an address. Raises ToolError for one that leads elsewhere."""
    url = url.strip()
    if "://" not in url.partition("?")[0] and not url.startswith("/"):
        url = f"{base.scheme}://{url}"
    try:
        split = urlsplit(url if not url.startswith("/") else f"{base.scheme}://{base.netloc}{url}")
        query = parse_qsl(split.query, keep_blank_values=True)
    except ValueError as error:
        raise ToolError(f"malformed URL: {url}") from error
    if split.scheme not in ("http", "https"):
        raise ToolError(f'protocol "{split.scheme}" not supported')
    host = split.netloc.rpartition("@")[2]
    if host.casefold() != base.netloc.casefold():
        raise ToolError(f"could not resolve host: {host}")
    return _normal(split.path), query


def _request(api: Service, asked: HttpRequest) -> str:
    path, query = _split(api.base, asked.url)
    method = asked.method.strip().upper()
    try:
        status, content = api.answer(method, path, query, asked.body)
    except Refusal as refusal:
        status, content = refusal.status, {"error": str(refusal)}
    api.log(method, path, status)
    return f"HTTP {status}" if content is None else f"HTTP {status}\n{json.dumps(content, ensure_ascii=False)}"


TOOLS = (Tool("http_request", "Send a request to the web service at its address.", HttpRequest, _request),)
