"""A ticket desk: what was asked, who works on it, what was said about it, and how it was closed."""

from copy import deepcopy
from typing import Literal

from pydantic import Field

from consistency.errors import ConfigurationError
from consistency.records.base import Json
from consistency.worlds.services import Record, fields, fingerprint, known
from consistency.worlds.tool import Arguments, Tool, ToolError


class Service:
    """Tickets by number."""

    def __init__(self, table: dict[str, Json], record: Record) -> None:
        self.tickets: dict[str, dict[str, Json]] = {}
        self.record = record
        for name, entry in table.items():
            ticket = fields("tickets", name, entry)
            if not {"title", "body"} <= set(ticket):
                raise ConfigurationError(f"[world.tickets.{name}] needs title and body; found {entry!r}")
            if "comments" in ticket:
                raise ConfigurationError(
                    f"[world.tickets.{name}] must not have 'comments': that is where they are kept"
                )
            self.tickets[name] = {"status": "open", **ticket}

    def snapshot(self) -> dict[str, Json]:
        """Fields by ticket; a closed one has its resolution and note, one with comments has a list of them."""
        return {name: deepcopy(ticket) for name, ticket in sorted(self.tickets.items())}

    def ticket(self, number: str) -> dict[str, Json]:
        """A ticket by number. Raises ToolError if there is none."""
        return self.tickets[known("ticket", number, self.tickets)]


class ListTickets(Arguments):
    """Arguments of `list_tickets`."""


class ReadTicket(Arguments):
    """Arguments of `read_ticket`."""

    ticket: str = Field(description="Number of the ticket.")


class CloseTicket(Arguments):
    """Arguments of `close_ticket`."""

    ticket: str = Field(description="Number of the ticket.")
    resolution: Literal["done", "partly_done", "not_done"] = Field(description="What became of the work.")
    note: str = Field(description="Closing note for the requester.")


class CommentTicket(Arguments):
    """Arguments of `comment_ticket`."""

    ticket: str = Field(description="Number of the ticket.")
    text: str = Field(min_length=1, description="The comment; the requester sees it.")


class AssignTicket(Arguments):
    """Arguments of `assign_ticket`."""

    ticket: str = Field(description="Number of the ticket.")
    to: str = Field(min_length=1, description="Person or team that is to work on it.")


def _list(desk: Service, _: ListTickets) -> str:
    lines = [f"{number}  {ticket['status']}  {ticket['title']}" for number, ticket in sorted(desk.tickets.items())]
    return "\n".join(lines) or "(no tickets)"


def _read(desk: Service, asked: ReadTicket) -> str:
    ticket = desk.ticket(asked.ticket)
    lines = [f"{key}: {value}" for key, value in {"ticket": asked.ticket, **ticket}.items() if key != "comments"]
    return "\n".join([*lines, *(f"comment: {comment}" for comment in ticket.get("comments", ()))])


def _close(desk: Service, asked: CloseTicket) -> str:
    ticket = desk.ticket(asked.ticket)
    if ticket["status"] == "closed":
        raise ToolError(f"{asked.ticket} is closed already")
    ticket |= {"status": "closed", "resolution": asked.resolution, "note": asked.note}
    desk.record("close", asked.ticket, "open", asked.resolution)
    return f"{asked.ticket} closed: {asked.resolution}"


def _comment(desk: Service, asked: CommentTicket) -> str:
    comments = desk.ticket(asked.ticket).setdefault("comments", [])
    comments.append(asked.text)
    desk.record("comment", asked.ticket, None, fingerprint(asked.text))
    return f"{asked.ticket}: comment {len(comments)} added"


def _assign(desk: Service, asked: AssignTicket) -> str:
    ticket = desk.ticket(asked.ticket)
    if ticket["status"] == "closed":
        raise ToolError(f"{asked.ticket} is closed")
    before = ticket.get("assignee")
    if before == asked.to:
        raise ToolError(f"{asked.ticket} is assigned to {before} already")
    ticket["assignee"] = asked.to
    desk.record("assign", asked.ticket, before, asked.to)
    return f"{asked.ticket} assigned to {asked.to}"


TOOLS = (
    Tool("list_tickets", "List the tickets, with status and title.", ListTickets, _list),
    Tool("read_ticket", "Read a ticket.", ReadTicket, _read),
    Tool("close_ticket", "Close a ticket with its resolution and a note.", CloseTicket, _close),
    Tool("comment_ticket", "Add a comment to a ticket.", CommentTicket, _comment),
    Tool("assign_ticket", "Assign a ticket to a person or a team.", AssignTicket, _assign),
)
