"""The wire form: both directions, and what it refuses."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consistency.models.wire import WireError, read_request, request_body, well_formed
from consistency.records.exchange import Message, Request, Sampling, ToolCall, ToolSpec

texts = st.text(max_size=30)
calls = st.builds(ToolCall, id=texts.filter(bool), name=texts, arguments=texts)
messages = st.one_of(
    st.builds(Message, role=st.sampled_from(["system", "user"]), content=texts),
    st.builds(Message, role=st.just("assistant"), content=texts, tool_calls=st.lists(calls, max_size=3).map(tuple)),
    st.builds(Message, role=st.just("tool"), content=texts, tool_call_id=texts),
)
tools = st.builds(
    ToolSpec,
    name=texts,
    description=texts,
    parameters=st.dictionaries(texts, st.one_of(texts, st.booleans(), st.integers()), max_size=3),
)
samplings = st.builds(
    Sampling,
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0, 1),
    max_tokens=st.none() | st.integers(1, 10**6),
)
requests = st.builds(
    Request,
    messages=st.lists(messages, min_size=1, max_size=5).map(tuple),
    tools=st.lists(tools, max_size=2).map(tuple),
    sampling=samplings,
    seed=st.none() | st.integers(0, 2**63 - 1),
)


@settings(max_examples=60)
@given(requests)
def test_what_is_written_is_read_back(request_: Request) -> None:
    assert read_request(request_body("m", request_)) == request_


def test_messages_hold_only_wire_fields() -> None:
    body = request_body(
        "m",
        Request(
            messages=(
                Message(role="user", content="Hi"),
                Message(role="assistant", content="", tool_calls=(ToolCall(id="c", name="f", arguments="{"),)),
                Message(role="tool", content="out", tool_call_id="c"),
            ),
            sampling=Sampling(temperature=None, max_tokens=None),
        ),
    )
    assert body == {
        "model": "m",
        "messages": [
            {"role": "user", "content": "Hi"},
            {
                "role": "assistant",
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{"}}],
            },
            {"role": "tool", "content": "out", "tool_call_id": "c"},
        ],
    }


def test_lenient_where_clients_differ() -> None:
    request = read_request(
        {
            "model": "m",
            "messages": [
                {"role": "developer", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
                {"role": "user", "content": "hi", "name": "someone"},
                {"role": "assistant"},
            ],
            "max_tokens": 5,
            "max_completion_tokens": 9,
            "tools": [{"type": "function", "function": {"name": "f"}}],
            "stop": ["x"],
        }
    )
    assert request.messages == (
        Message(role="system", content="ab"),
        Message(role="user", content="hi"),
        Message(role="assistant", content=""),
    )
    assert request.sampling == Sampling(temperature=None, max_tokens=9)
    assert request.tools == (ToolSpec(name="f", description="", parameters={}),)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "messages: missing"),
        ({"messages": []}, "messages: found none"),
        ({"messages": "hi"}, "messages: found 'hi'"),
        ({"messages": ["hi"]}, r"messages\[0\]: an object"),
        ({"messages": [{"role": "king", "content": ""}]}, r"messages\[0\].role: found 'king'"),
        ({"messages": [{"role": "user", "content": 5}]}, r"messages\[0\].content"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, r"content\[0\]: only parts"),
        ({"messages": [{"role": "tool", "content": "x"}]}, r"messages\[0\].tool_call_id: missing"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "a"}]}]}, r"tool_calls\[0\].function: missing"),
        ({"messages": [{"role": "user", "content": "x"}], "tools": [{"type": "web"}]}, r"tools\[0\]: only tools"),
        ({"messages": [{"role": "user", "content": "x"}], "seed": 1.5}, "seed: found 1.5"),
        ({"messages": [{"role": "user", "content": "x"}], "temperature": "hot"}, "temperature: found 'hot'"),
        ({"messages": [{"role": "user", "content": "x"}], "max_tokens": True}, "max_tokens: found True"),
    ],
)
def test_faults_are_told_with_their_place(body: dict[str, Any], place: str) -> None:
    with pytest.raises(WireError, match=place):
        read_request(body)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("plain", "plain"), ("ä🌍", "ä🌍"), ("a\ud83d", "a\ufffd"), ("\ud83c\udf0d", "🌍"), ("\udf0db", "\ufffdb")],
)
def test_half_surrogates_are_mended(text: str, expected: str) -> None:
    assert well_formed(text) == expected
