"""`openai_compatible/MODEL`: endpoints that speak OpenAI's chat completions, asked directly.

OpenAI's own, and vLLM, llama.cpp, Ollama, LM Studio and gateways at an `api_base` that ends in `/v1`. A call takes a
fraction of the processor time that litellm's lane takes, and the body that leaves is the same. The key comes from
OPENAI_API_KEY; endpoints of one's own need none.
"""

import asyncio
import json
import os
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp
import orjson

from consistency.errors import CallFailed, ConfigurationError
from consistency.models.backends import BackendSettings
from consistency.models.completion import check_conversation, read_completion
from consistency.models.failures import HttpFailure, classify, tidy
from consistency.models.prices import listed_price
from consistency.models.wire import request_body
from consistency.records.base import Json
from consistency.records.exchange import Reply, Request

REMOTE = True

_OPENAI = "https://api.openai.com/v1"
_KEY = "OPENAI_API_KEY"

#: A longer body is no reply; in bytes.
_LARGEST_BODY = 64 * 1024 * 1024
#: For how long an address that was looked up is kept, in seconds.
_ADDRESS_KEPT = 300
#: For how long an idle connection is kept, in seconds: less than servers usually do, which then close it mid-call.
_IDLE_KEPT = 4.0

#: OpenAI's reasoning models, which want the limit of a reply's tokens by another name than all others.
_REASONING_MODEL = re.compile(r"gpt-[56](?!-chat)|(?:^|/)o[1-9](?:-|$)")


class OpenAICompatibleBackend:
    """One model behind one endpoint."""

    def __init__(self, name: str, settings: BackendSettings) -> None:
        self._name = name
        self._settings = settings
        self._url = f"{(settings.api_base or _OPENAI).rstrip('/')}/chat/completions"
        self._price = settings.price or listed_price(f"openai_compatible/{name}")
        self._limit = "max_completion_tokens" if _REASONING_MODEL.search(name) else "max_tokens"
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def complete(self, request: Request) -> Reply:
        """One call within the deadline. Raises CallFailed."""
        check_conversation(request)
        sent = self._body(request)
        status, headers, body = await self._exchange(_written(sent))
        if 300 <= status < 400:
            target = headers.get("location", "nowhere")
            raise CallFailed("bad_request", tidy(f"HTTP {status}: redirects are not followed; this one is to {target}"))
        if not 200 <= status < 300:
            raise classify(HttpFailure(status, headers, body.decode("utf-8", "replace")))
        parsed = _parsed(body)
        if failure := _failure_in(parsed):
            raise classify(failure)
        return read_completion(parsed, request, self._price, sent)

    async def close(self) -> None:
        """Closes the connections."""
        session, self._session, self._loop = self._session, None, None
        if session is not None:
            await session.close()

    def _body(self, request: Request) -> dict[str, Json]:
        if request.tools and self._settings.tools_supported is False:
            raise CallFailed("bad_request", f"{self._name} takes no tools (the study says so)")
        body = request_body(self._name, request)
        if "max_tokens" in body and self._limit != "max_tokens":
            body[self._limit] = body.pop("max_tokens")
        return body

    async def _exchange(self, data: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers by lower-case name, and body. Raises CallFailed."""
        session = await self._opened()
        try:
            async with (
                asyncio.timeout(self._settings.timeout),
                session.post(self._url, data=data, allow_redirects=False) as response,
            ):
                body = await _read(response)
                headers = {} if response.status == 200 else {n.lower(): v for n, v in response.headers.items()}
                return response.status, headers, body
        # The causes are left out: those of aiohttp hold the headers that were sent, and the key with them.
        except TimeoutError:
            raise CallFailed("timeout", f"no reply within {self._settings.timeout:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise CallFailed("connection", tidy(str(error) or type(error).__name__)) from None

    async def _opened(self) -> aiohttp.ClientSession:
        """The session of the running loop; a loop before it, which is over, leaves none that could be used."""
        loop = asyncio.get_running_loop()
        if self._session is not None and self._loop is loop:
            return self._session
        earlier = self._session
        self._session, self._loop = self._new_session(), loop
        if earlier is not None:
            await earlier.close()
        return self._session

    def _new_session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=_ADDRESS_KEPT, keepalive_timeout=_IDLE_KEPT),
            headers={"Accept": "application/json", "Content-Type": "application/json", **self._authorization()},
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
        )

    def _authorization(self) -> dict[str, str]:
        key = os.environ.get(_KEY, "").strip()
        if not key and self._settings.api_base is None:
            raise CallFailed("authentication", f"missing credentials: set {_KEY}, or an api_base of your own")
        if not key.isprintable():
            raise CallFailed("authentication", f"{_KEY} holds characters that no key has")
        return {"Authorization": f"Bearer {key}"} if key else {}


def open_backend(name: str, settings: BackendSettings) -> OpenAICompatibleBackend:
    """The model `name` of an endpoint. Raises ConfigurationError for an api_base that is no plain web address."""
    if settings.api_base is not None and not _is_address(settings.api_base):
        raise ConfigurationError(
            f"model {name!r}: its api_base is no address such as http://HOST:PORT/v1; a key comes from {_KEY} only"
        )
    return OpenAICompatibleBackend(name, settings)


def _is_address(text: str) -> bool:
    """Whether it is a web address with a host, and without password, query and fragment."""
    try:
        parts = urlsplit(text)
        named = parts.hostname is not None and parts.port != 0
    except ValueError:
        return False
    return named and parts.scheme in {"http", "https"} and not ("@" in parts.netloc or parts.query or parts.fragment)


def _written(body: dict[str, Json]) -> bytes:
    """The body as bytes. orjson needs a tenth of the time, but takes no halves of surrogate pairs."""
    try:
        return orjson.dumps(body)
    except TypeError:
        return json.dumps(body).encode()


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for part in response.content.iter_any():
        body += part
        if len(body) > _LARGEST_BODY:
            raise CallFailed("malformed", f"the reply is longer than {_LARGEST_BODY} bytes")
    return bytes(body)


def _parsed(body: bytes) -> Json:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass  # the standard library reads some more: halves of surrogate pairs, other encodings
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        begin = body[:200].decode("utf-8", "replace")
        raise CallFailed("malformed", tidy(f"the reply is no JSON: {begin!r}")) from None


def _failure_in(body: Json) -> HttpFailure | None:
    """The failure that some gateways tell in a response whose status says that all is well."""
    error = body.get("error") if isinstance(body, dict) else None
    if not error or (isinstance(error, dict) and not error.get("message") and error.get("code") is None):
        return None
    code = error.get("code") if isinstance(error, dict) else None
    # A code that is a word stands for no status: whether another attempt would help is not known, so it is made.
    status = code if isinstance(code, int) else 422 if code is None else 0
    return HttpFailure(status, body=json.dumps(body))
