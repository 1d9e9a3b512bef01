"""Names, opening, and the two backends that play from files and recordings."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from consistency import plugins
from consistency.errors import CallFailed, ConfigurationError
from consistency.models.backends import BackendSettings
from consistency.models.backends.replay import RepliesByDigest
from consistency.models.open import open_model
from consistency.models.spec import ModelSpec, parse
from consistency.records.exchange import Message, Reply, Request, Sampling, ToolCall
from consistency.records.scenario import Part

REQUEST = Request(messages=(Message(role="system", content="s"), Message(role="user", content="u")), seed=3)


@pytest.mark.parametrize(
    ("model", "backend", "name"),
    [
        ("organism/faker:deployment=0.6", "organism", "faker:deployment=0.6"),
        ("scripted/runs/a.json", "scripted", "runs/a.json"),
        ("scripted//tmp/a.json", "scripted", "/tmp/a.json"),
        ("litellm/openai/gpt-4o", "litellm", "openai/gpt-4o"),
        ("openai/gpt-4o", "litellm", "openai/gpt-4o"),
        ("openai/organism/faker", "litellm", "openai/organism/faker"),
        ("gpt-4o", "litellm", "gpt-4o"),
        ("organism", "litellm", "organism"),
    ],
)
def test_names(model: str, backend: str, name: str) -> None:
    assert parse(model) == ModelSpec(backend=backend, name=name, id=model)


@pytest.mark.parametrize("model", ["", " ", "organism/", "litellm/"])
def test_empty_names(model: str) -> None:
    with pytest.raises(ConfigurationError, match="names no model"):
        parse(model)


class NoPlaybook:
    def part(self, messages: Sequence[Message], seed: int | None) -> Part | None:
        return None

    def lines(self, messages: Sequence[Message], seed: int | None) -> tuple[str, ...] | None:
        return None


@pytest.mark.parametrize("declared", [{}, {"USES_PLAYBOOK": True}, {"USES_RECORDINGS": True}])
def test_secrets_of_the_plan_reach_only_those_who_declare_it(
    declared: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[str, BackendSettings]] = []
    module = ModuleType("stranger")
    vars(module).update(declared, open_backend=lambda name, settings: given.append((name, settings)))
    monkeypatch.setattr(plugins, "names", lambda package: ("stranger",))
    monkeypatch.setattr(plugins, "load", lambda package, name: module)
    playbook, recordings = NoPlaybook(), RepliesByDigest([])
    open_model("stranger/x", BackendSettings(timeout=5, playbook=playbook, recordings=recordings))
    assert given == [
        (
            "x",
            BackendSettings(
                timeout=5,
                playbook=playbook if "USES_PLAYBOOK" in declared else None,
                recordings=recordings if "USES_RECORDINGS" in declared else None,
            ),
        )
    ]


def test_a_plugin_without_opener_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "names", lambda package: ("stranger",))
    monkeypatch.setattr(plugins, "load", lambda package, name: ModuleType("stranger"))
    with pytest.raises(ConfigurationError, match="has no open_backend"):
        open_model("stranger/x", BackendSettings())


# scripted


def script(folder: Path, content: Any) -> str:
    path = folder / "replies.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return f"scripted/{path}"


async def test_a_script_is_played_by_turn(tmp_path: Path) -> None:
    entries = [
        {
            "text": "Reading.",
            "tool_calls": [{"name": "read_file", "arguments": {"path": "ä"}}, {"name": "f", "arguments": "{"}],
        },
        {"error": {"kind": "rate_limit", "message": "slow", "retry_after": 2}},
        "Done.",
    ]
    backend = open_model(script(tmp_path, entries), BackendSettings())
    first = await backend.complete(REQUEST)
    assert first == await backend.complete(REQUEST)
    assert first == Reply(
        text="Reading.",
        finish_reason="tool_calls",
        tool_calls=(
            ToolCall(id="call_0_0", name="read_file", arguments='{"path": "ä"}'),
            ToolCall(id="call_0_1", name="f", arguments="{"),
        ),
    )
    said = Message(role="assistant", content="x")
    with pytest.raises(CallFailed) as caught:
        await backend.complete(Request(messages=(*REQUEST.messages, said)))
    assert (caught.value.kind, caught.value.retry_after) == ("rate_limit", 2.0)
    assert (await backend.complete(Request(messages=(*REQUEST.messages, said, said)))).text == "Done."
    with pytest.raises(CallFailed, match="has 3 replies"):
        await backend.complete(Request(messages=(*REQUEST.messages, said, said, said)))
    await backend.close()


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ({"text": "x"}, "a list of replies is needed"),
        ([{"txet": "x"}], "entry 0 is no reply"),
        (["a", {"tool_calls": [{"id": "1"}]}], "entry 1 is no reply"),
        (["a", {"tool_calls": ["f"]}], "entry 1 is no reply"),
        ([{"error": {"kind": "tired"}}], "entry 0 is no reply"),
    ],
)
def test_faulty_scripts_are_told(tmp_path: Path, content: Any, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        open_model(script(tmp_path, content), BackendSettings())


def test_missing_and_unreadable_scripts_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read as JSON"):
        open_model(f"scripted/{tmp_path}/none.json", BackendSettings())
    (tmp_path / "bad.json").write_text("[")
    with pytest.raises(ConfigurationError, match="cannot be read as JSON"):
        open_model(f"scripted/{tmp_path}/bad.json", BackendSettings())


# replay


async def test_replay_answers_exactly_what_was_asked() -> None:
    recordings = RepliesByDigest([(REQUEST, Reply(text="first")), (REQUEST, Reply(text="second"))])
    backend = open_model("replay/openai/m", BackendSettings(recordings=recordings))
    assert (await backend.complete(REQUEST)).text == "first"
    for other in ({"seed": 4}, {"sampling": Sampling(temperature=0.5)}, {"messages": REQUEST.messages[:1]}):
        with pytest.raises(CallFailed, match="nothing is recorded of openai/m") as caught:
            await backend.complete(REQUEST.model_copy(update=other))
        assert caught.value.kind == "bad_request"
    await backend.close()


def test_replay_needs_recordings() -> None:
    with pytest.raises(ConfigurationError, match="no recordings"):
        open_model("replay/openai/m", BackendSettings())
