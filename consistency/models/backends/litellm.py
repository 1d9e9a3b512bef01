"""`litellm/PROVIDER/MODEL`, or just `PROVIDER/MODEL`: real models, through litellm.

Only here is litellm imported, and only for asking once: its retries, caches, price downloads and silent dropping of
settings are off. Keys come from the environment alone. What left for the endpoint is kept in `Reply.sent`, since
litellm rewrites requests for some providers (system messages, schemas), alike for every arm.
"""

import asyncio
import copy
import json
import logging
import os
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from consistency.errors import CallFailed, ConfigurationError
from consistency.models.backends import BackendSettings
from consistency.models.completion import check_conversation, finish_reason, identified, text_or_none
from consistency.models.failures import HttpFailure, classify, tidy
from consistency.models.prices import listed_price
from consistency.models.wire import messages_to_wire, settings_to_wire, tools_to_wire, well_formed
from consistency.records.base import Json
from consistency.records.exchange import Reply, Request, Usage

# litellm reads these while it is imported: no download of a price map, no reading of .env files.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ.setdefault("LITELLM_MODE", "PRODUCTION")

import litellm
from litellm.llms.custom_httpx.async_client_cleanup import close_litellm_async_clients

litellm.suppress_debug_info = True
litellm.telemetry = False
litellm.drop_params = False
litellm.modify_params = False
litellm.cache = None
litellm.num_retries = None
for _name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

#: Typed here, since litellm leaves it untyped.
_close_connections: Callable[[], Awaitable[None]] = close_litellm_async_clients
_forget_connections: Callable[[], None] = litellm.in_memory_llm_clients_cache.flush_cache

#: Servers of one's own that speak the protocol want a key, and do not look at it.
_KEYLESS = {"openai": "OPENAI_API_KEY", "hosted_vllm": "HOSTED_VLLM_API_KEY"}
_DUMMY_KEY = "none"

_NO_KEY = re.compile(r"missing (\w+ )?(credentials|api key)|api_key client option", re.IGNORECASE)
_PREFIX = re.compile(r"^litellm\.\w+: (?:[^\n]*? - )?")
_TIMEOUTS = {"TimeoutError", "Timeout", "APITimeoutError", "TimeoutException", "ReadTimeout"}
_DISCONNECTIONS = {"TransportError", "ConnectionError", "ClientConnectionError", "ClientPayloadError"}
_MISREADINGS = {"JSONDecodeError", "KeyError", "IndexError", "AttributeError", "TypeError", "ValidationError"}

REMOTE = True

#: Backends that are open; litellm's connections are shared by all and closed with the last.
_open: set["LitellmBackend"] = set()


class LitellmBackend:
    """One real model."""

    def __init__(self, name: str, settings: BackendSettings, supported: frozenset[str]) -> None:
        self._name = name
        self._settings = settings
        self._supported = supported
        self._priced = listed_price(f"litellm/{name}") is not None
        _open.add(self)

    async def complete(self, request: Request) -> Reply:
        """One call within the deadline. Raises CallFailed."""
        check_conversation(request)
        arguments, dropped = self._arguments(request)
        observed = _Observed()
        try:
            call = litellm.acompletion(**arguments, logger_fn=observed.note)
            response = await asyncio.wait_for(call, self._settings.timeout)
            reply = _reply(response, observed, request, dropped)
            if self._settings.price is not None:
                return reply.model_copy(update={"cost": self._settings.price.of(reply.usage)})
            # litellm writes a cost of 0 for some models whose price it does not know.
            return reply if reply.cost or self._priced else reply.model_copy(update={"cost": None})
        except CallFailed:
            raise
        except TimeoutError as error:
            raise CallFailed("timeout", f"no reply within {self._settings.timeout:g} s") from error
        except Exception as error:  # litellm lets any exception through, bare ones too: this is the boundary
            raise _failure(error) from error

    async def close(self) -> None:
        """Closes litellm's connections when no other model uses them."""
        if self in _open:
            _open.discard(self)
            if not _open:
                await _close_connections()
                # Left to itself, litellm would use closed connections for the next model.
                _forget_connections()

    def _arguments(self, request: Request) -> tuple[dict[str, Any], tuple[str, ...]]:
        """What litellm is called with, and the names of settings that the provider does not take."""
        settings = settings_to_wire(request)
        taken = {name: value for name, value in settings.items() if name in self._supported}
        arguments = {
            "model": self._name,
            "messages": messages_to_wire(request.messages),
            "timeout": self._settings.timeout,
            "max_retries": 0,
            "num_retries": 0,
            **taken,
        }
        if request.tools:
            arguments |= self._tools(request)
        if self._settings.api_base is not None:
            arguments["api_base"] = self._settings.api_base
            key = _KEYLESS.get(self._name.partition("/")[0])
            if key is not None and not os.environ.get(key):
                arguments["api_key"] = _DUMMY_KEY
        return arguments, tuple(sorted(settings.keys() - taken.keys()))

    def _tools(self, request: Request) -> dict[str, Any]:
        wanted = self._settings.tools_supported
        if wanted is False or (wanted is None and "tools" not in self._supported):
            because = "the study says so" if wanted is False else "set tools_supported = true if it does"
            raise CallFailed("bad_request", f"{self._name} takes no tools ({because})")
        forced = {} if "tools" in self._supported else {"allowed_openai_params": ["tools"]}
        # litellm changes the schemas that it is given.
        return {"tools": copy.deepcopy(tools_to_wire(request.tools)), **forced}


def open_backend(name: str, settings: BackendSettings) -> LitellmBackend:
    """A model of one of litellm's providers. Raises ConfigurationError for one that it cannot place."""
    supported = litellm.get_supported_openai_params(name)
    if supported is None:
        raise ConfigurationError(
            f"model {name!r}: no provider known; write PROVIDER/MODEL (openai/…, anthropic/…, hosted_vllm/…), "
            "for any other server that speaks OpenAI's protocol openai/MODEL with an api_base"
        )
    if name.startswith("hosted_vllm/") and not (settings.api_base or os.environ.get("HOSTED_VLLM_API_BASE")):
        raise ConfigurationError(f"model {name!r}: an api_base is needed; without one litellm asks a public endpoint")
    return LitellmBackend(name, settings, frozenset(supported))


class _Observed:
    """What litellm tells its logging function: the body as it left, and the body as it came."""

    def __init__(self) -> None:
        self.sent: dict[str, Json] | None = None
        self.came: Json = None

    def note(self, details: Mapping[str, Any]) -> None:
        """Called by litellm before and after the exchange, more than once each."""
        if details.get("log_event_type") == "pre_api_call" and self.sent is None:
            body = _as_json(details.get("additional_args", {}).get("complete_input_dict"))
            if isinstance(body, dict):
                # The OpenAI client merges extra_body into the body; other providers have none.
                merged = body.pop("extra_body", None) or {}
                self.sent = body | merged
        if isinstance(details.get("original_response"), str):
            self.came = _as_json(details["original_response"])

    @property
    def choice(self) -> dict[str, Json]:
        """The first choice as the endpoint wrote it; empty where it speaks another protocol."""
        match self.came:
            case {"choices": [{"message": dict()} as choice, *_]}:
                return dict(choice)
            case _:
                return {}


def _as_json(value: Json) -> Json:
    try:
        return json.loads(value if isinstance(value, str | bytes) else json.dumps(value, default=str))
    except ValueError:
        return None


def _reply(response: Any, observed: _Observed, request: Request, dropped: tuple[str, ...]) -> Reply:
    choice = next(iter(getattr(response, "choices", None) or ()), None)
    message = getattr(choice, "message", None)
    if message is None:
        raise CallFailed("malformed", "the response holds no message")
    calls = identified(_calls(message, observed.choice), request)
    usage = _usage(getattr(response, "usage", None))
    return Reply(
        text=well_formed(message.content or ""),
        tool_calls=calls,
        finish_reason=finish_reason(_word(choice, observed.choice), calls),
        refusal=text_or_none(getattr(message, "refusal", None) or _fields(message).get("refusal")),
        reasoning=text_or_none(getattr(message, "reasoning_content", None)),
        usage=usage,
        cost=None if usage.input_tokens is None else response._hidden_params.get("response_cost"),
        model=text_or_none(getattr(response, "model", None)),
        sent=observed.sent,
        dropped=dropped,
    )


def _fields(holder: Any) -> Mapping[str, Any]:
    return getattr(holder, "provider_specific_fields", None) or {}


def _word(choice: Any, written: dict[str, Json]) -> Json:
    """The endpoint's own word where it is known: litellm makes `stop` of what is missing or strange."""
    return written.get("finish_reason") if written else choice.finish_reason


def _calls(message: Any, written: dict[str, Json]) -> Iterator[tuple[str | None, str, str]]:
    """Ids, names and arguments of tool calls. litellm makes up a random id where there is none: it is left out."""
    originals = written.get("message", {}).get("tool_calls") or []
    for index, call in enumerate(message.tool_calls or []):
        function = getattr(call, "function", None)
        if function is None:
            raise CallFailed("malformed", f"tool call {index} names no function")
        invented = index < len(originals) and not originals[index].get("id")
        yield None if invented else call.id, function.name or "", function.arguments or ""


def _usage(usage: Any) -> Usage:
    """Token counts. litellm writes 0 for what is missing, so that a 0 says nothing: it counts as not reported."""
    details = getattr(usage, "completion_tokens_details", None)
    return Usage(
        input_tokens=getattr(usage, "prompt_tokens", None) or None,
        output_tokens=getattr(usage, "completion_tokens", None) or None,
        reasoning_tokens=getattr(details, "reasoning_tokens", None) or None,
    )


def _failure(error: Exception) -> CallFailed:
    """The kind of a failure by its first cause: litellm's own classes and statuses mislead."""
    causes = list(_causes(error))
    names = {parent.__name__ for cause in causes for parent in type(cause).__mro__}
    message = tidy(_message(error))
    if "HTTPStatusError" in names:
        return classify(_http_failure(causes))
    if names & _TIMEOUTS:
        return CallFailed("timeout", message)
    if names & _DISCONNECTIONS:
        return CallFailed("connection", message)
    if names & _MISREADINGS or "invalid response" in message or "no 'choices'" in message or "not a list" in message:
        return CallFailed("malformed", message)
    if "AuthenticationError" in names or _NO_KEY.search(message):
        return CallFailed("authentication", message)
    if "ImportError" in names:
        return CallFailed("bad_request", f"this provider needs a package that is not installed: {message}")
    status = next((code for code in map(_status, reversed(causes)) if code is not None), None)
    return CallFailed("malformed", message) if status is None else classify(HttpFailure(status, body=_message(error)))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _status(error: BaseException) -> int | None:
    code = getattr(error, "status_code", None)
    return code if isinstance(code, int) else None


def _http_failure(causes: list[BaseException]) -> HttpFailure:
    """The HTTP response at the root of the failure; httpx's error for it is the last of its kind in the chain."""
    roots = [cause for cause in causes if any(kind.__name__ == "HTTPStatusError" for kind in type(cause).__mro__)]
    response: Any = getattr(roots[-1], "response", None)
    headers = {name.lower(): value for name, value in response.headers.items()}
    return HttpFailure(response.status_code, headers, response.text)


def _message(error: Exception) -> str:
    """What litellm says, without the class names that it puts in front, and without its traceback."""
    text, _, _ = str(error).partition("Traceback (most recent call last)")
    return _PREFIX.sub("", text).strip() or type(error).__name__
