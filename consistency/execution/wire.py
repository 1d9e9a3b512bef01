"""What the parent of a run and its workers say to each other: JSON in frames of known length.

Both ends are of this package, but what is inside comes from models: nothing of it is ever executed.
"""

import asyncio
import json
import struct
from typing import Any

from consistency.errors import ConsistencyError

Message = dict[str, Any]
_HEAD = struct.Struct(">I")
#: No frame is longer, in bytes; a plan of a hundred thousand pairs is a few hundred megabytes.
_LONGEST = 2**31
#: Before a worker has shown its token, frames are short.
FIRST_FRAME = 1024


class Peer:
    """One end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def say(self, message: Message) -> None:
        """Sends a message; it may wait in a buffer."""
        body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        self._writer.write(_HEAD.pack(len(body)) + body)

    async def heard(self, longest: int = _LONGEST) -> Message | None:
        """The next message; None when the other end is gone. Raises ConsistencyError for a frame that is too long."""
        try:
            (length,) = _HEAD.unpack(await self._reader.readexactly(_HEAD.size))
            if length > longest:
                raise ConsistencyError(f"a worker's message has {length} bytes; at most {longest} are taken")
            body = await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        message: Message = json.loads(body.decode("utf-8", "surrogatepass"))
        return message

    async def flush(self) -> None:
        """Waits until the buffer is not full."""
        await self._writer.drain()

    def close(self) -> None:
        """Hangs up."""
        self._writer.close()
