"""The server that benchmarks ask: its answers by turn, its latency, its limit, and what it counts."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from consistency.models.wire import request_body
from consistency.records.base import Json
from consistency.records.exchange import Message, Request, ToolCall

SERVER = Path(__file__).parents[2] / "benchmarks" / "fixed_latency_server.py"
OPENING = (Message(role="system", content="Count."), Message(role="user", content="Bin A."))


@contextmanager
def serving(*options: str) -> Iterator[HTTPConnection]:
    command = [sys.executable, str(SERVER), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        connection = HTTPConnection("127.0.0.1", int(process.stdout.readline()))
        try:
            yield connection
        finally:
            connection.close()
            process.terminate()


def ask(connection: HTTPConnection, body: Json = None, path: str = "/v1/chat/completions") -> tuple[int, Any, Any]:
    connection.request("POST" if body else "GET", path, json.dumps(body) if body else None)
    response = connection.getresponse()
    return response.status, json.loads(response.read()), response.headers


def conversation(turn: int) -> Json:
    called = Message(
        role="assistant", content="", tool_calls=(ToolCall(id="call_0", name="list_files", arguments="{}"),)
    )
    heard = Message(role="tool", content="none", tool_call_id="call_0")
    return request_body("m", Request(messages=(*OPENING, *(called, heard) * turn)))


def test_a_tool_is_called_in_the_first_turns_and_words_come_after_them() -> None:
    with serving("--latency", "0", "--tool-turns", "2") as connection:
        found = [ask(connection, conversation(turn))[1]["choices"][0] for turn in range(4)]
    assert [choice["finish_reason"] for choice in found] == ["tool_calls", "tool_calls", "stop", "stop"]
    assert found[0]["message"]["tool_calls"][0]["function"] == {"name": "list_files", "arguments": "{}"}
    assert found[2]["message"]["content"]


def test_an_answer_takes_the_latency_and_is_counted() -> None:
    with serving("--latency", "80") as connection:
        begin = time.monotonic()
        assert ask(connection, conversation(0))[1]["usage"]["total_tokens"] == 150
        assert time.monotonic() - begin >= 0.079
        assert ask(connection, path="/stats")[1]["requests"] == 1


def test_what_goes_beyond_the_limit_is_refused() -> None:
    with serving("--latency", "0", "--limit", "3", "--retry-after", "2") as connection:
        found = [ask(connection, conversation(0)) for _ in range(5)]
        assert [status for status, *_ in found][:3] == [200, 200, 200]
        status, body, headers = found[-1]
        assert (status, body["error"]["code"], headers["Retry-After"]) == (429, "rate_limit_exceeded", "2")


def test_a_share_is_turned_away_by_chance() -> None:
    with serving("--latency", "0", "--turn-away", "0.4") as connection:
        found = [ask(connection, conversation(0))[0] for _ in range(200)]
    assert 50 <= found.count(429) <= 110


def test_models_are_listed_and_other_paths_are_not_there() -> None:
    with serving() as connection:
        assert ask(connection, path="/v1/models")[1]["data"][0]["id"] == "m"
        assert ask(connection, path="/v1/else")[0] == 404
