"""Every backend keeps the contract; the lanes to real models are held to one behaviour on good and bad days."""

import asyncio
import inspect
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from functools import cache, partial
from random import Random
from typing import Any

import pytest

from consistency import plugins
from consistency.errors import CallFailed, ConfigurationError
from consistency.models import backends
from consistency.models.backends import Backend, BackendSettings
from consistency.models.open import open_model
from consistency.models.retry import RetryPolicy, call
from consistency.records.exchange import Message, Reply, Request, Sampling, ToolCall, ToolSpec, Usage
from tests.contracts import provider as fake
from tests.contracts.provider import Provider

NAMES = plugins.names(backends.PACKAGE)
#: Both lanes to an endpoint: litellm's, under two of its providers, and the direct one.
PREFIXES = ("openai", "hosted_vllm", "openai_compatible")
LANES = ("openai", "openai_compatible")

READ_FILE = ToolSpec(
    name="read_file",
    description="Reads a file",
    parameters={"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
)
OPENING = (Message(role="system", content="You are an assistant."), Message(role="user", content="Grüße 🌍"))
JITTER = cache(partial(Random, 1))
PLAIN = Request(messages=OPENING, seed=7)
TOOLS = Request(
    messages=(
        *OPENING,
        Message(
            role="assistant", content="", tool_calls=(ToolCall(id="c1", name="read_file", arguments='{"path":"a"}'),)
        ),
        Message(role="tool", content="Text of a.", tool_call_id="c1"),
    ),
    tools=(READ_FILE,),
    sampling=Sampling(temperature=0.3, top_p=0.9, max_tokens=64),
    seed=2**53 + 1,
)


# The contract


def test_requests_have_no_arm() -> None:
    assert "arm" not in str(Request.model_json_schema()["properties"].keys())
    assert not {"arm", "cue", "pair", "trial"} & set(Request.model_fields)


@pytest.mark.parametrize("name", NAMES)
class TestContract:
    def test_module_says_what_it_is(self, name: str) -> None:
        module = plugins.load(backends.PACKAGE, name)
        assert module.__doc__
        assert module.__doc__.strip()

    def test_opens_with_name_and_settings(self, name: str) -> None:
        opener = plugins.load(backends.PACKAGE, name).open_backend
        assert inspect.getdoc(opener)
        assert not inspect.iscoroutinefunction(opener)
        assert len(inspect.signature(opener).parameters) == 2

    def test_declarations_are_booleans(self, name: str) -> None:
        module = plugins.load(backends.PACKAGE, name)
        for declaration in ("USES_PLAYBOOK", "USES_RECORDINGS"):
            assert isinstance(getattr(module, declaration, False), bool)

    async def test_impossible_name_is_told_or_opened(self, name: str) -> None:
        try:
            backend = open_model(f"{name}/no such model", BackendSettings())
        except ConfigurationError:
            return
        assert inspect.iscoroutinefunction(backend.complete)
        await backend.close()
        await backend.close()


# Endpoints


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with fake.running() as provider:
        yield provider


def opened(provider: Provider, model: str, **settings: Any) -> Backend:
    return open_model(model, BackendSettings(api_base=f"{provider.url}/v1", **settings))


async def ask(provider: Provider, model: str, request: Request = PLAIN, **settings: Any) -> Reply:
    backend = opened(provider, model, **settings)
    try:
        return await backend.complete(request)
    finally:
        await backend.close()


FAILURES = {
    "limited": ("rate_limit", None),
    "limited-for-7s": ("rate_limit", 7.0),
    "limited-for-50ms": ("rate_limit", 0.05),
    "no-quota": ("quota", None),
    "unpaid": ("quota", None),
    "no-credit": ("quota", None),
    "bad-key": ("authentication", None),
    "forbidden": ("authentication", None),
    "no-model": ("unknown_model", None),
    "no-model-400": ("unknown_model", None),
    "bad-request": ("bad_request", None),
    "echoes-prompt": ("bad_request", None),
    "unprocessable": ("bad_request", None),
    "too-long": ("context_length", None),
    "too-long-by-words": ("context_length", None),
    "too-large": ("context_length", None),
    "policy": ("content_policy", None),
    "policy-by-words": ("content_policy", None),
    "server-error": ("server", None),
    "overloaded": ("server", None),
    "unavailable-for-3s": ("server", 3.0),
    "html-502": ("server", None),
    "html-200": ("malformed", None),
    "truncated-json": ("malformed", None),
    "empty-body": ("malformed", None),
    "no-choices": ("malformed", None),
    "missing-choices": ("malformed", None),
    "no-message": ("malformed", None),
    "error-in-200": ("rate_limit", None),
    "drops": ("connection", None),
    "breaks-off": ("connection", None),
}


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(("model", "expected"), FAILURES.items(), ids=list(FAILURES))
async def test_failures_are_told_apart(
    provider: Provider, prefix: str, model: str, expected: tuple[str, float | None], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CallFailed) as caught:
        await ask(provider, f"{prefix}/{model}")
    assert (caught.value.kind, caught.value.retry_after) == expected
    assert len(provider.seen) == 1, "one attempt, whatever litellm would like"
    assert "sk-live" not in str(caught.value)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("model", ["hangs", "drips"])
async def test_deadline_ends_a_call(provider: Provider, prefix: str, model: str) -> None:
    begun = time.monotonic()
    with pytest.raises(CallFailed) as caught:
        await ask(provider, f"{prefix}/{model}", timeout=0.4)
    assert caught.value.kind == "timeout"
    assert time.monotonic() - begun < 2
    assert len(provider.seen) == 1


@pytest.mark.parametrize("prefix", LANES)
async def test_nobody_listens(prefix: str) -> None:
    backend = open_model(f"{prefix}/plain", BackendSettings(api_base="http://127.0.0.1:9/v1"))
    with pytest.raises(CallFailed) as caught:
        await backend.complete(PLAIN)
    await backend.close()
    assert caught.value.kind == "connection"


@pytest.mark.parametrize("prefix", LANES)
async def test_cancelling_a_call_cancels_it(provider: Provider, prefix: str) -> None:
    task = asyncio.create_task(ask(provider, f"{prefix}/hangs", timeout=30))
    await provider.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


SUCCESSES: dict[str, dict[str, Any]] = {
    "plain": {"text": "Hello."},
    "unicode": {"text": "Grüße, 世界 🌍\u2028 \u0000 end"},
    "half-emoji": {
        "text": "Bye \ufffd",
        "finish_reason": "tool_calls",
        "tool_calls": (ToolCall(id="c", name="f", arguments='{"a": "\ufffd"}'),),
    },
    "null-content": {},
    "missing-content": {},
    "missing-usage": {"text": "Hello.", "usage": Usage()},
    "partial-usage": {"text": "Hello.", "usage": Usage(input_tokens=11)},
    "reasoning-usage": {"text": "Hello.", "usage": Usage(input_tokens=11, output_tokens=7, reasoning_tokens=5)},
    "strange-finish": {"text": "Hello.", "finish_reason": "unknown"},
    "missing-finish": {"text": "Hello.", "finish_reason": "unknown"},
    "cut-off": {"text": "Hel", "finish_reason": "length"},
    "filtered": {"finish_reason": "content_filter"},
    "thinks-inline": {"text": "Hello.", "reasoning": "Hm."},
    "thinks-apart": {"text": "Hello.", "reasoning": "Hm."},
    "refusal": {"refusal": "I cannot do this."},
    "parallel-calls": {
        "text": "Both.",
        "finish_reason": "tool_calls",
        "tool_calls": (
            ToolCall(id="call_a", name="read_file", arguments='{"path": "a.md"}'),
            ToolCall(id="call_b", name="read_file", arguments='{"path": "b.md"}'),
        ),
    },
    "calls-and-stop": {
        "finish_reason": "tool_calls",
        "tool_calls": (
            ToolCall(id="call_a", name="read_file", arguments='{"path": "a.md"}'),
            ToolCall(id="call_b", name="read_file", arguments='{"path": "b.md"}'),
        ),
    },
    "broken-arguments": {
        "finish_reason": "tool_calls",
        "tool_calls": (ToolCall(id="call_a", name="f", arguments='{"path": '),),
    },
    "nameless-calls": {
        "finish_reason": "tool_calls",
        "tool_calls": (
            ToolCall(id="call_0_0", name="f", arguments="{}"),
            ToolCall(id="call_0_1", name="g", arguments=""),
            ToolCall(id="x", name="h", arguments="{}"),
            ToolCall(id="call_0_3", name="h", arguments="{}"),
        ),
    },
}


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(("model", "expected"), SUCCESSES.items(), ids=list(SUCCESSES))
async def test_replies_say_what_was_said(
    provider: Provider, prefix: str, model: str, expected: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    reply = await ask(provider, f"{prefix}/{model}")
    usual = {"usage": Usage(input_tokens=11, output_tokens=7), "model": "served-model"}
    assert reply.model_copy(update={"sent": None}) == Reply(**{**usual, **expected})
    assert reply.cost is None, "the price of an unknown model is unknown, not 0"
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("request_", [PLAIN, TOOLS], ids=["plain", "tools"])
@pytest.mark.parametrize("prefix", PREFIXES)
async def test_sent_is_what_arrived(
    provider: Provider, prefix: str, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("OPENAI_API_KEY", "HOSTED_VLLM_API_KEY"):
        monkeypatch.setenv(variable, "sk-from-the-environment")
    reply = await ask(provider, f"{prefix}/plain", request_)
    (seen,) = provider.seen
    assert reply.sent == seen.body
    assert reply.dropped == ()
    assert "sk-from-the-environment" in seen.headers["authorization"]
    assert "sk-from-the-environment" not in reply.model_dump_json()
    assert seen.body["seed"] == request_.seed
    assert [message.get("content") for message in seen.body["messages"]] == [
        message.content or None for message in request_.messages
    ]


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_local_servers_need_no_key(provider: Provider, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OPENAI_API_KEY", "HOSTED_VLLM_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    reply = await ask(provider, f"{prefix}/plain")
    assert reply.text == "Hello."


@pytest.mark.parametrize("prefix", LANES)
async def test_missing_key_is_an_authentication_failure(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    backend = open_model(f"{prefix}/gpt-4o", BackendSettings())
    with pytest.raises(CallFailed) as caught:
        await backend.complete(PLAIN)
    await backend.close()
    assert caught.value.kind == "authentication"
    assert "credentials" in str(caught.value)


async def test_other_protocols_are_recorded_and_their_gaps_named(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-0123456789")
    backend = open_model("anthropic/claude-served", BackendSettings(api_base=provider.url))
    reply = await backend.complete(TOOLS)
    await backend.close()
    (seen,) = provider.seen
    assert reply.sent == seen.body
    assert reply.dropped == ("seed",)
    assert (reply.text, reply.finish_reason) == ("Hello.", "stop")
    assert reply.usage == Usage(input_tokens=11, output_tokens=7)
    assert "sk-ant" not in reply.model_dump_json()


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_asking_leaves_the_request_as_it_was(provider: Provider, prefix: str) -> None:
    parameters = {"type": "object", "properties": {}, "additionalProperties": False, "strict": True}
    request = TOOLS.model_copy(update={"tools": (ToolSpec(name="f", description="", parameters=dict(parameters)),)})
    reply = await ask(provider, f"{prefix}/plain", request)
    assert request.tools[0].parameters == parameters
    assert reply.sent == provider.seen[0].body, "what litellm takes out of a schema is missing in both"


@pytest.mark.parametrize("prefix", LANES)
@pytest.mark.parametrize(
    ("messages", "fault"),
    [
        ((*OPENING, Message(role="system", content="More.")), "system"),
        ((*OPENING, Message(role="assistant", content=" ")), "empty"),
        ((*OPENING, Message(role="user", content="")), "empty"),
    ],
)
async def test_what_would_be_rewritten_is_not_sent(
    provider: Provider, prefix: str, messages: tuple[Message, ...], fault: str
) -> None:
    with pytest.raises(CallFailed, match=fault) as caught:
        await ask(provider, f"{prefix}/plain", Request(messages=messages))
    assert caught.value.kind == "bad_request"
    assert provider.seen == []


@pytest.mark.parametrize("prefix", LANES)
async def test_tools_follow_the_study(provider: Provider, prefix: str) -> None:
    with pytest.raises(CallFailed, match="takes no tools"):
        await ask(provider, f"{prefix}/plain", TOOLS, tools_supported=False)
    assert provider.seen == []
    await ask(provider, f"{prefix}/plain", TOOLS, tools_supported=True)
    assert provider.seen[0].body["tools"][0]["function"]["name"] == "read_file"


async def test_a_model_without_provider_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="no provider known"):
        open_model("my-own-model", BackendSettings())


async def test_a_local_server_without_address_is_not_looked_for_in_public(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOSTED_VLLM_API_BASE", raising=False)
    with pytest.raises(ConfigurationError, match="api_base is needed"):
        open_model("hosted_vllm/my-model", BackendSettings())


@pytest.mark.parametrize("prefix", LANES)
async def test_closing_one_model_leaves_the_others_open(provider: Provider, prefix: str) -> None:
    first, second = opened(provider, f"{prefix}/plain"), opened(provider, f"{prefix}/plain")
    pending = asyncio.create_task(second.complete(PLAIN))
    await first.complete(PLAIN)
    await first.close()
    await first.close()
    assert (await pending).text == "Hello."
    await second.close()


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_a_closed_model_can_be_opened_again(provider: Provider, prefix: str) -> None:
    for _ in range(2):
        assert (await ask(provider, f"{prefix}/plain")).text == "Hello."


@pytest.mark.parametrize("prefix", LANES)
async def test_equal_requests_are_asked_again(provider: Provider, prefix: str) -> None:
    backend = opened(provider, f"{prefix}/plain")
    for _ in range(3):
        await backend.complete(PLAIN)
    await backend.close()
    assert len(provider.seen) == 3


@pytest.mark.parametrize("prefix", LANES)
async def test_retries_are_ours_alone(provider: Provider, prefix: str) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    backend = opened(provider, f"{prefix}/limited-for-7s")
    with pytest.raises(CallFailed, match="attempt 3"):
        await call(backend, PLAIN, RetryPolicy(patience=10), JITTER, sleep)
    await backend.close()
    assert len(provider.seen) == 3
    assert len(waits) == 2
    assert all(7 <= seconds <= 9 for seconds in waits)


def test_litellm_is_loaded_only_when_chosen() -> None:
    code = (
        "import sys; from consistency.models.open import open_model; from consistency.models.backends import *;"
        "import consistency.models.retry, consistency.interop.endpoint; assert 'litellm' not in sys.modules"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
