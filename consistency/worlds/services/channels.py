"""Chat channels whose members answer: by lines written for them, or as another model plays them."""

from dataclasses import dataclass, field

from pydantic import Field

from consistency.errors import ConfigurationError
from consistency.records.base import Json
from consistency.records.exchange import Message
from consistency.worlds.services import PeerTurn, Record, fields, fingerprint, known
from consistency.worlds.tool import Arguments, Tool

_MEMBER = {"persona", "lines"}
_CHANNEL = {"about", "posts", "members"}

#: The name under which the agent's own posts stand.
_AGENT = "you"


@dataclass(frozen=True)
class Member:
    """Somebody who answers in a channel: the system prompt of a model that plays it, and its lines without one."""

    name: str
    persona: str
    lines: tuple[str, ...]


@dataclass
class Channel:
    """A channel: what it is for, who answers in it, and its posts as author and text, in order.

    `due` are those who have not had their turn since the agent's last post; `replies` names who has answered so far.
    """

    about: str
    members: tuple[Member, ...]
    posts: list[tuple[str, str]]
    due: list[Member] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)

    def view(self, member: Member) -> tuple[Message, ...]:
        """The channel as a member sees it: its own posts are its own, what came in between is one message."""
        messages = [Message(role="system", content=member.persona)]
        heard: list[str] = []
        for author, text in self.posts:
            if author != member.name:
                heard.append(f"{'the colleague on duty' if author == _AGENT else author}: {text}")
                continue
            messages.append(Message(role="user", content="\n\n".join(heard) or "(the channel is opened)"))
            messages.append(Message(role="assistant", content=text))
            heard = []
        return (*messages, Message(role="user", content="\n\n".join(heard) or "(nothing new)"))


class Service:
    """Channels by name. After each post of the agent every member has its turn, in the order of the table."""

    def __init__(self, table: dict[str, Json], record: Record) -> None:
        self.channels = {name: _channel(name, entry) for name, entry in table.items()}
        self.record = record

    def snapshot(self) -> dict[str, Json]:
        """By channel: what it is for, its members, and its posts in order."""
        return {
            name: {
                "about": channel.about,
                "members": [member.name for member in channel.members],
                "posts": [{"author": author, "text": text} for author, text in channel.posts],
            }
            for name, channel in self.channels.items()
        }

    def waiting(self) -> PeerTurn | None:
        """The member whose turn it is, or None."""
        for channel in self.channels.values():
            if channel.due:
                member = channel.due[0]
                said = channel.replies.count(member.name)
                line = member.lines[said] if said < len(member.lines) else ""
                return PeerTurn(member.name, channel.view(member), line)
        return None

    def answer(self, text: str) -> str:
        """Takes down what the member whose turn it is says; returns what the agent reads of it."""
        name, channel = next((name, channel) for name, channel in self.channels.items() if channel.due)
        member = channel.due.pop(0)
        if not text.strip():
            return ""
        channel.posts.append((member.name, text.strip()))
        channel.replies.append(member.name)
        self.record("post", f"{name} ({member.name})", None, fingerprint(text))
        return f"{member.name}: {text.strip()}"


def _channel(name: str, entry: Json) -> Channel:
    if not isinstance(entry, dict) or not entry.keys() <= _CHANNEL:
        raise ConfigurationError(
            f"[world.channels.{name}] is a table of {', '.join(sorted(_CHANNEL))}; found {entry!r}"
        )
    posts = entry.get("posts", [])
    if not isinstance(posts, list):
        raise ConfigurationError(f"[world.channels.{name}] posts must be a list; found {posts!r}")
    written = [fields("channels", f"{name}.posts", post) for post in posts]
    if not all(post.keys() == {"author", "text"} for post in written):
        raise ConfigurationError(f"[world.channels.{name}] a post has author and text; found {posts!r}")
    members = entry.get("members", {})
    if not isinstance(members, dict) or not isinstance(entry.get("about", ""), str):
        raise ConfigurationError(f"[world.channels.{name}] needs a text about and a table members; found {entry!r}")
    return Channel(
        about=entry.get("about", ""),
        members=tuple(_member(f"{name}.members.{who}", who, said) for who, said in members.items()),
        posts=[(post["author"], post["text"]) for post in written if post["text"].strip()],
    )


def _member(place: str, name: str, entry: Json) -> Member:
    if not isinstance(entry, dict) or entry.keys() != _MEMBER or not isinstance(entry["lines"], list):
        raise ConfigurationError(f"[world.channels.{place}] needs persona and a list of lines; found {entry!r}")
    persona, lines = entry["persona"], entry["lines"]
    if not all(isinstance(text, str) and text.strip() for text in (persona, *lines)):
        raise ConfigurationError(f"[world.channels.{place}] persona and lines must say something; found {entry!r}")
    return Member(name, persona.strip(), tuple(lines))


class ListChannels(Arguments):
    """Arguments of `list_channels`."""


class ReadChannel(Arguments):
    """Arguments of `read_channel`."""

    channel: str = Field(description="Name of the channel.")


class PostMessage(ReadChannel):
    """Arguments of `post_message`."""

    text: str = Field(min_length=1, description="Text of the message.")


def _list(chat: Service, _: ListChannels) -> str:
    lines = [f"{name}  {channel.about}  ({len(channel.posts)} messages)" for name, channel in chat.channels.items()]
    return "\n".join(lines) or "(no channels)"


def _read(chat: Service, asked: ReadChannel) -> str:
    channel = chat.channels[known("channel", asked.channel, chat.channels)]
    return "\n\n".join(f"{author}: {text}" for author, text in channel.posts) or "(no messages)"


def _post(chat: Service, asked: PostMessage) -> str:
    channel = chat.channels[known("channel", asked.channel, chat.channels)]
    channel.posts.append((_AGENT, asked.text))
    channel.due = list(channel.members)
    chat.record("post", asked.channel, None, fingerprint(asked.text))
    return f"posted to {asked.channel}"


TOOLS = (
    Tool("list_channels", "List the chat channels that you are in.", ListChannels, _list),
    Tool("read_channel", "Read the messages of a channel.", ReadChannel, _read),
    Tool("post_message", "Post a message to a channel; whoever answers is shown.", PostMessage, _post),
)
