"""A server that speaks OpenAI's chat completions, answers after a fixed latency, and costs next to nothing.

It prints its port when it is ready. `POST …/chat/completions` is answered with words or, in the first `--tool-turns`
turns of a conversation, with a tool call; `GET /v1/models` lists one model; `GET /stats` tells what was counted:
requests, those turned away, the most that were waiting at once, and the processor seconds used.
"""

import argparse
import asyncio
import json
import random
import time
from collections import deque
from dataclasses import dataclass, field

ANSWER = (
    "Thank you for the figures. I have compared the two columns and the totals agree, so nothing needs to be changed "
    "before the sheet goes out this afternoon."
)
USAGE = {"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150}
MODEL = "m"

#: How an assistant's message shows in a request, as clients that write JSON densely or loosely have it.
SAID = (b'"role":"assistant"', b'"role": "assistant"')


def response(status: str, body: object, *headers: str) -> bytes:
    """A whole HTTP response."""
    text = json.dumps(body).encode()
    head = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(text)}", *headers]
    return "\r\n".join([*head, "", ""]).encode() + text


def completion(message: dict[str, object], reason: str) -> bytes:
    """A chat completion of one choice."""
    choice = {"index": 0, "message": {"role": "assistant", "refusal": None, **message}, "finish_reason": reason}
    known = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": MODEL}
    return response("200 OK", {**known, "choices": [choice], "usage": USAGE})


def tool_call(turn: int, name: str, arguments: str) -> bytes:
    """The completion of one turn that calls a tool."""
    call = {"id": f"call_{turn}", "type": "function", "function": {"name": name, "arguments": arguments}}
    return completion({"content": None, "tool_calls": [call]}, "tool_calls")


@dataclass
class Bucket:
    """A token bucket: `rate` requests a second, and as many at once after a second of rest."""

    rate: float
    tokens: float = 0.0
    filled: float = 0.0

    def take(self, now: float) -> bool:
        """Whether one more request is allowed at this time, in seconds."""
        self.tokens = min(self.rate, self.tokens + (now - self.filled) * self.rate) if self.filled else self.rate
        self.filled = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class Service:
    """What all connections share. Answers leave in the order in which they were asked for: one timer serves all."""

    latency: float
    answers: list[bytes]
    refusal: bytes
    bucket: Bucket | None
    turn_away: float = 0.0
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    requests: int = 0
    limited: int = 0
    most_waiting: int = 0
    waiting: deque[tuple[float, asyncio.Transport, bytes]] = field(default_factory=deque)

    def ask(self, transport: asyncio.Transport, body: bytes) -> None:
        """Counts a request and answers it, later or at once with 429."""
        now = asyncio.get_running_loop().time()
        if self.rng.random() < self.turn_away or (self.bucket is not None and not self.bucket.take(now)):
            self.limited += 1
            transport.write(self.refusal)
            return
        self.requests += 1
        self.waiting.append((now + self.latency, transport, self.answer(body)))
        self.most_waiting = max(self.most_waiting, len(self.waiting))
        if len(self.waiting) == 1:
            self.wake()

    def answer(self, body: bytes) -> bytes:
        """The answer of a conversation's turn; the last one is given ever after."""
        if len(self.answers) == 1:
            return self.answers[0]
        return self.answers[min(len(self.answers) - 1, sum(map(body.count, SAID)))]

    def wake(self) -> None:
        """Sets the timer for whoever has waited longest."""
        asyncio.get_running_loop().call_at(self.waiting[0][0], self.release)

    def release(self) -> None:
        """Answers all whose time has come."""
        now = asyncio.get_running_loop().time()
        while self.waiting and self.waiting[0][0] <= now:
            _, transport, answer = self.waiting.popleft()
            if not transport.is_closing():
                transport.write(answer)
        if self.waiting:
            self.wake()

    def stats(self) -> bytes:
        """What was counted."""
        counted = {"requests": self.requests, "limited": self.limited, "most_waiting": self.most_waiting}
        return response("200 OK", {**counted, "cpu_seconds": time.process_time()})


class Connection(asyncio.Protocol):
    """One connection, kept alive; reads no more of a request than where it ends and what it asks for."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer = self.buffer + data if self.buffer else data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end]
            length = content_length(head)
            if len(self.buffer) < end + 4 + length:
                return
            body, self.buffer = self.buffer[end + 4 : end + 4 + length], self.buffer[end + 4 + length :]
            self.request(head, body)

    def request(self, head: bytes, body: bytes) -> None:
        """Serves one whole request."""
        method, path, *_ = head.split(b" ", 2)
        if method == b"POST" and path.endswith(b"/chat/completions"):
            self.service.ask(self.transport, body)
        elif method == b"GET" and path.endswith(b"/models"):
            self.transport.write(response("200 OK", {"object": "list", "data": [{"id": MODEL, "object": "model"}]}))
        elif method == b"GET" and path == b"/stats":
            self.transport.write(self.service.stats())
        else:
            self.transport.write(response("404 Not Found", {"error": {"message": "no such path"}}))


def content_length(head: bytes) -> int:
    """The bytes of the body that a head announces."""
    start = head.lower().find(b"\r\ncontent-length:")
    return int(head[start + 17 :].partition(b"\r\n")[0]) if start >= 0 else 0


def service(options: argparse.Namespace) -> Service:
    """The service of a command line."""
    answers = [tool_call(turn, options.tool, options.arguments) for turn in range(options.tool_turns)]
    later = [] if options.retry_after is None else [f"Retry-After: {options.retry_after:g}"]
    error = {"error": {"message": "too many requests", "type": "requests", "code": "rate_limit_exceeded"}}
    return Service(
        latency=options.latency / 1000,
        answers=[*answers, completion({"content": ANSWER}, "stop")],
        refusal=response("429 Too Many Requests", error, *later),
        bucket=Bucket(options.limit) if options.limit else None,
        turn_away=options.turn_away,
    )


def parser() -> argparse.ArgumentParser:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--latency", type=float, default=200.0, help="milliseconds before an answer")
    options.add_argument("--port", type=int, default=0, help="0 takes a free one")
    options.add_argument("--tool-turns", type=int, default=0, help="turns of a conversation that call a tool")
    options.add_argument("--tool", default="list_files", help="the tool that is called")
    options.add_argument("--arguments", default="{}", help="its arguments, as JSON")
    options.add_argument("--limit", type=float, help="requests a second; what goes beyond is answered with 429")
    options.add_argument(
        "--turn-away", type=float, default=0.0, help="the share of requests answered with 429 by chance"
    )
    options.add_argument("--retry-after", type=float, help="seconds that a 429 asks to wait")
    return options


async def serve(options: argparse.Namespace) -> None:
    """Serves until the process is ended."""
    shared = service(options)
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(shared), "127.0.0.1", options.port, backlog=4096
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(parser().parse_args()))
