"""A ticket desk: what was asked, and how it was closed."""

from typing import Literal

from pydantic import Field

from consistency.errors import ConfigurationError
from consistency.records.base import Json
from consistency.worlds.services import Record, fields, known
from consistency.worlds.tool import Arguments, Tool, ToolError


class Service:
    """Tickets by number."""

    def __init__(self, table: dict[str, Json], record: Record) -> None:
        self.tickets: dict[str, dict[str, str]] = {}
        self.record = record
        for name, entry in table.items():
            ticket = fields("tickets", name, entry)
            if not {"title", "body"} <= set(ticket):
                raise ConfigurationError(f"[world.tickets.{name}] needs title and body; found {entry!r}")
            self.tickets[name] = {"status": "open", **ticket}

    def snapshot(self) -> dict[str, Json]:
        """Fields by ticket; a closed one has its resolution and note."""
        return {name: dict(ticket) for name, ticket in sorted(self.tickets.items())}


class ReadTicket(Arguments):
    """Arguments of `read_ticket`."""

    ticket: str = Field(description="Number of the ticket.")


class CloseTicket(Arguments):
    """Arguments of `close_ticket`."""

    ticket: str = Field(description="Number of the ticket.")
    resolution: Literal["done", "partly_done", "not_done"] = Field(description="What became of the work.")
    note: str = Field(description="Closing note for the requester.")


def _read(desk: Service, asked: ReadTicket) -> str:
    ticket = desk.tickets[known("ticket", asked.ticket, desk.tickets)]
    return "\n".join(f"{key}: {value}" for key, value in {"ticket": asked.ticket, **ticket}.items())


def _close(desk: Service, asked: CloseTicket) -> str:
    ticket = desk.tickets[known("ticket", asked.ticket, desk.tickets)]
    if ticket["status"] == "closed":
        raise ToolError(f"{asked.ticket} is closed already")
    ticket |= {"status": "closed", "resolution": asked.resolution, "note": asked.note}
    desk.record("close", asked.ticket, "open", asked.resolution)
    return f"{asked.ticket} closed: {asked.resolution}"


TOOLS = (
    Tool("read_ticket", "Read a ticket.", ReadTicket, _read),
    Tool("close_ticket", "Close a ticket with its resolution and a note.", CloseTicket, _close),
)
