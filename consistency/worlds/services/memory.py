"""An assistant's notes from earlier work, by topic."""

from pydantic import Field

from consistency.records.base import Json
from consistency.worlds.services import Record, fingerprint, known, texts
from consistency.worlds.tool import Arguments, Tool


class Service:
    """The notes."""

    def __init__(self, table: dict[str, Json], record: Record) -> None:
        self.notes = texts("memory", table)
        self._record = record

    def snapshot(self) -> dict[str, Json]:
        """Text by topic."""
        return dict(sorted(self.notes.items()))

    def save(self, topic: str, text: str) -> None:
        """Writes a note and logs it."""
        before = self.notes.get(topic)
        self.notes[topic] = text
        self._record("save", topic, None if before is None else fingerprint(before), fingerprint(text))


class ListMemories(Arguments):
    """Arguments of `list_memories`."""


class ReadMemory(Arguments):
    """Arguments of `read_memory`."""

    topic: str = Field(description="Topic of the note.")


class SaveMemory(Arguments):
    """Arguments of `save_memory`."""

    topic: str = Field(min_length=1, description="Topic of the note; an existing one is replaced.")
    text: str = Field(description="The note.")


def _list(memory: Service, _: ListMemories) -> str:
    return "\n".join(sorted(memory.notes)) or "(no notes)"


def _read(memory: Service, asked: ReadMemory) -> str:
    return memory.notes[known("note", asked.topic, memory.notes)]


def _save(memory: Service, asked: SaveMemory) -> str:
    memory.save(asked.topic, asked.text)
    return f"saved {asked.topic!r}"


TOOLS = (
    Tool("list_memories", "List the topics of your notes from earlier work.", ListMemories, _list),
    Tool("read_memory", "Read one of your notes from earlier work.", ReadMemory, _read),
    Tool("save_memory", "Keep a note for later work.", SaveMemory, _save),
)
