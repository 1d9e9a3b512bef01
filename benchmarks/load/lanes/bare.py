"""What the bare references share: so many workers that ask one opening after another and keep nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from consistency.records.base import Json

RESULT = "booked.csv (18 bytes)\npolicy.md (29 bytes)\nstock.csv (18 bytes)"

#: Sends a body and gives the message that was answered, in the protocol's own form.
Ask = Callable[[dict[str, Json]], Awaitable[dict[str, Any]]]


async def episodes(bodies: list[dict[str, Json]], concurrency: int, ask: Ask) -> int:
    """Holds all conversations and returns how many ended in words."""
    waiting = iter(bodies)
    return sum(await asyncio.gather(*[_work(waiting, ask) for _ in range(concurrency)]))


async def _work(waiting: Iterator[dict[str, Json]], ask: Ask) -> int:
    ended = 0
    for body in waiting:
        ended += await _episode(body, ask)
    return ended


async def _episode(body: dict[str, Json], ask: Ask) -> bool:
    messages = list(body["messages"])
    while True:
        message = await ask({**body, "messages": messages})
        calls = message.get("tool_calls")
        if not calls:
            return bool(message["content"])
        messages.append({"role": "assistant", "content": message["content"], "tool_calls": calls})
        messages += [{"role": "tool", "content": RESULT, "tool_call_id": call["id"]} for call in calls]
