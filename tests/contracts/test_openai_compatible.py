"""The direct lane: it sends what litellm's lane sends, and keeps its connections, and the key, to itself."""

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from consistency.errors import CallFailed, ConfigurationError
from consistency.models.backends import BackendSettings, openai_compatible
from consistency.models.open import open_model
from consistency.records.exchange import Message, Reply, Request, Sampling, ToolCall, ToolSpec, Usage
from tests.contracts import provider as fake
from tests.contracts.provider import Provider

KEY = "key-without-a-known-form-0123456789"
OPENING = (
    Message(role="system", content="You are an assistant."),
    Message(role="user", content="Grüße, 世界 🌍\u2028"),
)
STRICT = {"type": "object", "properties": {"path": {"type": "string"}}, "additionalProperties": False}
TOOLS = (ToolSpec(name="read_file", description="Reads a file", parameters=STRICT),)
HISTORY = (
    *OPENING,
    Message(role="assistant", content="", tool_calls=(ToolCall(id="c1", name="read_file", arguments='{"path":"ä"}'),)),
    Message(role="tool", content="Text of ä.", tool_call_id="c1"),
    Message(role="assistant", content="Read.", tool_calls=(ToolCall(id="c2", name="read_file", arguments="{"),)),
    Message(role="tool", content="Error", tool_call_id="c2"),
)
NOTHING_SET = Sampling(temperature=None, top_p=None, max_tokens=None)
REQUESTS = {
    "plain": Request(messages=OPENING),
    "seed": Request(messages=OPENING, seed=2**53 + 1),
    "nothing set": Request(messages=OPENING, sampling=NOTHING_SET),
    "all set": Request(messages=OPENING, sampling=Sampling(temperature=0.0, top_p=0.9, max_tokens=1)),
    "tools": Request(messages=OPENING, tools=TOOLS),
    "history": Request(messages=HISTORY, tools=TOOLS, seed=0),
    "history without tools": Request(messages=HISTORY),
}


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with fake.running() as provider:
        yield provider


async def ask(provider: Provider, model: str, request: Request = REQUESTS["plain"], **settings: Any) -> Reply:
    backend = open_model(model, BackendSettings(api_base=f"{provider.url}/v1", **settings))
    try:
        return await backend.complete(request)
    finally:
        await backend.close()


# Parity with litellm's lane


@pytest.mark.parametrize("model", ["plain", "org/some-model", "gpt-4o", "gpt-5-chat-latest"])
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=list(REQUESTS))
async def test_bodies_are_the_same_in_both_lanes(provider: Provider, model: str, request_: Request) -> None:
    """A message without words goes without content: litellm takes null out, and servers take both for one."""
    await asyncio.gather(
        ask(provider, f"openai/{model}", request_), ask(provider, f"openai_compatible/{model}", request_)
    )
    first, second = provider.seen
    assert first.body == second.body
    assert first.path == second.path == "/v1/chat/completions"


@pytest.mark.parametrize("model", ["gpt-5", "gpt-5-mini", "org/gpt-5", "o1"])
async def test_the_limit_has_another_name_for_reasoning_models(provider: Provider, model: str) -> None:
    await ask(provider, f"openai/{model}")
    await ask(provider, f"openai_compatible/{model}")
    first, second = provider.seen
    assert first.body == second.body
    assert second.body["max_completion_tokens"] == 2048


async def test_system_messages_stay_what_they_are(provider: Provider) -> None:
    """Where the lanes differ: litellm makes user messages of system messages for some of OpenAI's models."""
    await ask(provider, "openai/o3")
    await ask(provider, "openai_compatible/o3")
    first, second = (seen.body for seen in provider.seen)
    assert second["messages"][0] == {"role": "system", "content": "You are an assistant."}
    assert {**first, "messages": second["messages"]} == second


async def test_a_known_model_costs_the_same_in_both_lanes(provider: Provider) -> None:
    first, second = await ask(provider, "openai/gpt-4o"), await ask(provider, "openai_compatible/gpt-4o")
    assert second.cost == pytest.approx(first.cost)
    assert second.cost


@pytest.mark.parametrize("model", ["openai/org/gpt-5", "openai_compatible/org/gpt-5"])
async def test_a_price_that_is_unknown_is_not_0(provider: Provider, model: str) -> None:
    assert (await ask(provider, model)).cost is None


# Bodies that stretch the protocol


ODD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "reasoning": ({"content": "Hi.", "reasoning": "Hm."}, {"text": "Hi.", "reasoning": "Hm."}),
    "empty calls": ({"content": "Hi.", "tool_calls": []}, {"text": "Hi."}),
    "null calls": ({"content": "Hi.", "tool_calls": None}, {"text": "Hi."}),
    "thinking later": ({"content": "Hi. <think>Hm.</think>"}, {"text": "Hi. <think>Hm.</think>"}),
    "unended thinking": ({"content": "<think>Hm."}, {"text": "<think>Hm."}),
    "null reasoning": (
        {"content": "<think>Hm.</think>Hi.", "reasoning_content": None},
        {"text": "<think>Hm.</think>Hi."},
    ),
    "arguments as object": (
        {"content": None, "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": {"x": "ä"}}}]},
        {"finish_reason": "tool_calls", "tool_calls": (ToolCall(id="a", name="f", arguments='{"x": "\\u00e4"}'),)},
    ),
}


@pytest.mark.parametrize("prefix", ["openai", "openai_compatible"])
@pytest.mark.parametrize(("message", "expected"), ODD.values(), ids=list(ODD))
async def test_messages_out_of_the_common(
    provider: Provider,
    prefix: str,
    message: dict[str, Any],
    expected: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(fake.BEHAVIOURS, "odd", fake.says(fake.completion(message)))
    reply = await ask(provider, f"{prefix}/odd")
    usual = {"usage": Usage(input_tokens=11, output_tokens=7), "model": "served-model", "sent": reply.sent}
    assert reply == Reply(**{**usual, **expected})


MALFORMED: dict[str, Any] = {
    "list": [1],
    "text": "Hi.",
    "null": None,
    "choices null": {"choices": None},
    "choice no object": {"choices": ["Hi."]},
    "message null": {"choices": [{"message": None}]},
    "content no text": fake.completion({"content": 5}),
    "call without function": fake.completion({"content": None, "tool_calls": [{"id": "a"}]}),
    "error with a word for code": {"error": {"message": "slow down", "code": "busy"}},
}


@pytest.mark.parametrize("prefix", ["openai", "openai_compatible"])
@pytest.mark.parametrize("body", MALFORMED.values(), ids=list(MALFORMED))
async def test_other_json_is_malformed(
    provider: Provider, prefix: str, body: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(fake.BEHAVIOURS, "odd", fake.says(body))
    with pytest.raises(CallFailed) as caught:
        await ask(provider, f"{prefix}/odd")
    assert caught.value.kind == "malformed"


@pytest.mark.parametrize("text", ["[" * 100_000, '{"choices": NaN}', "\ufeff", "1" * 5000])
async def test_json_that_breaks_readers_is_malformed(
    provider: Provider, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(fake.BEHAVIOURS, "odd", fake.serves(text, "application/json"))
    with pytest.raises(CallFailed) as caught:
        await ask(provider, "openai_compatible/odd")
    assert caught.value.kind == "malformed"


async def test_a_long_reply_is_read_whole(provider: Provider) -> None:
    assert (await ask(provider, "openai_compatible/long")).text == fake.LONG


async def test_an_endless_reply_is_not(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_compatible, "_LARGEST_BODY", 1_000_000)
    with pytest.raises(CallFailed, match="longer than") as caught:
        await ask(provider, "openai_compatible/long")
    assert caught.value.kind == "malformed"


async def test_half_a_surrogate_pair_can_be_asked(provider: Provider) -> None:
    reply = await ask(provider, "openai_compatible/plain", Request(messages=(Message(role="user", content="a\ud83d"),)))
    assert reply.text == "Hello."
    assert provider.seen[0].body["messages"][0]["content"] == "a\ud83d"


# Connections


async def test_redirects_are_told_and_not_followed(provider: Provider) -> None:
    with pytest.raises(CallFailed, match=r"redirects are not followed.*/elsewhere") as caught:
        await ask(provider, "openai_compatible/redirects")
    assert caught.value.kind == "bad_request"
    assert "sk-secret" not in str(caught.value)
    assert [seen.path for seen in provider.seen] == ["/v1/chat/completions"]


async def test_one_connection_serves_calls_one_after_another(provider: Provider) -> None:
    backend = open_model("openai_compatible/sets-a-cookie", BackendSettings(api_base=f"{provider.url}/v1/"))
    for _ in range(4):
        await backend.complete(REQUESTS["plain"])
    await backend.close()
    await backend.close()
    assert len({seen.port for seen in provider.seen}) == 1
    assert not any("cookie" in seen.headers for seen in provider.seen)
    assert {seen.path for seen in provider.seen} == {"/v1/chat/completions"}


async def test_proxies_of_the_environment_are_not_used(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    assert (await ask(provider, "openai_compatible/plain")).text == "Hello."


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps(fake.completion({"content": "Hello."})).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        return None


@pytest.fixture
def threaded() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_one_event_loop_after_another(threaded: str) -> None:
    backend = open_model("openai_compatible/m", BackendSettings(api_base=threaded))
    for _ in range(2):
        assert asyncio.run(backend.complete(REQUESTS["plain"])).text == "Hello."
    asyncio.run(backend.close())


# The key


@pytest.mark.parametrize("model", ["plain", "bad-key", "drops", "breaks-off", "hangs", "html-200", "redirects"])
async def test_the_key_is_nowhere_but_in_the_header(
    provider: Provider, model: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f" {KEY}\n")
    caplog.set_level(logging.DEBUG)
    try:
        left = (await ask(provider, f"openai_compatible/{model}", timeout=0.3)).model_dump_json()
    except CallFailed as failed:
        left = repr(failed) + str(failed) + repr(failed.__cause__)
    assert provider.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in left
    assert KEY not in caplog.text


async def test_a_key_that_no_header_can_hold_is_not_sent(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\r\nX-Other: 1")
    with pytest.raises(CallFailed) as caught:
        await ask(provider, "openai_compatible/plain")
    assert caught.value.kind == "authentication"
    assert KEY not in str(caught.value)
    assert provider.seen == []


async def test_without_a_key_no_header_pretends_one(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    await ask(provider, "openai_compatible/plain")
    assert "authorization" not in provider.seen[0].headers


@pytest.mark.parametrize(
    "address",
    [
        "",
        "localhost:8000/v1",
        "ftp://host/v1",
        "http:///v1",
        "http://host/v1?key=1",
        f"http://me:{KEY}@host/v1",
        "http://[::1/v1",
        "http://host:x/v1",
    ],
)
def test_an_address_that_is_none_is_told_at_once(address: str) -> None:
    with pytest.raises(ConfigurationError, match="api_base") as caught:
        open_model("openai_compatible/m", BackendSettings(api_base=address))
    assert KEY not in str(caught.value)
