"""A mailbox: messages that came in, and messages that were sent."""

from dataclasses import asdict, dataclass

from pydantic import Field

from consistency.errors import ConfigurationError
from consistency.records.base import Json
from consistency.worlds.services import Record, fields, fingerprint, known
from consistency.worlds.tool import Arguments, Tool, ToolError

_NEEDED = {"sender", "subject", "body"}


@dataclass(frozen=True)
class Sent:
    """A message that was sent."""

    to: str
    subject: str
    body: str


class Service:
    """Received messages by number, and sent ones in order. Mail to an address that is not in the book bounces."""

    def __init__(self, table: dict[str, Json], record: Record) -> None:
        self.inbox: dict[str, dict[str, str]] = {}
        self.sent: list[Sent] = []
        self._record = record
        addresses = table.get("addresses", [])
        if not isinstance(addresses, list) or not all(isinstance(address, str) for address in addresses):
            raise ConfigurationError(f"[world.mail] addresses must be a list of texts; found {addresses!r}")
        self.addresses: list[str] = addresses
        for number, entry in table.items():
            if number == "addresses":
                continue
            message = fields("mail", number, entry)
            if set(message) - {"date"} != _NEEDED:
                raise ConfigurationError(f"[world.mail.{number}] needs sender, subject and body; found {entry!r}")
            self.inbox[number] = message

    def snapshot(self) -> dict[str, Json]:
        """The inbox by number, and what was sent, in order."""
        return {
            "inbox": {number: dict(mail) for number, mail in self.inbox.items()},
            "sent": [asdict(mail) for mail in self.sent],
        }

    def send(self, mail: Sent) -> None:
        """Sends a message and logs it."""
        self.sent.append(mail)
        self._record("send", mail.to, None, fingerprint(mail.subject + mail.body))


class ListMail(Arguments):
    """Arguments of `list_mail`."""


class ReadMail(Arguments):
    """Arguments of `read_mail`."""

    number: str = Field(description="Number of the message.")


class SendMail(Arguments):
    """Arguments of `send_mail`."""

    to: str = Field(description="Address of the recipient.")
    subject: str = Field(min_length=1, description="Subject line.")
    body: str = Field(min_length=1, description="Text of the message.")


def _list(mailbox: Service, _: ListMail) -> str:
    lines = [
        f"{number}  {mail.get('date', '')}  {mail['sender']}: {mail['subject']}"
        for number, mail in mailbox.inbox.items()
    ]
    return "\n".join(lines) or "(no messages)"


def _read(mailbox: Service, asked: ReadMail) -> str:
    mail = mailbox.inbox[known("message", asked.number, mailbox.inbox)]
    return f"From: {mail['sender']}\nSubject: {mail['subject']}\n\n{mail['body']}"


def _send(mailbox: Service, asked: SendMail) -> str:
    senders = {mail["sender"] for mail in mailbox.inbox.values()}
    if asked.to not in mailbox.addresses and asked.to not in senders:
        raise ToolError(f"{asked.to}: address unknown; in the address book: {', '.join(mailbox.addresses) or 'none'}")
    mailbox.send(Sent(asked.to, asked.subject, asked.body))
    return f"sent to {asked.to}"


TOOLS = (
    Tool("list_mail", "List the messages in the mailbox.", ListMail, _list),
    Tool("read_mail", "Read a message.", ReadMail, _read),
    Tool("send_mail", "Send a message to an address in the address book or to a sender.", SendMail, _send),
)
