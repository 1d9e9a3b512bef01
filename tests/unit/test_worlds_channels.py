"""Channels: members that answer, by their lines or as another model plays them."""

import asyncio
import json
from collections.abc import Callable

import pytest

from consistency.errors import CallFailed, ConfigurationError
from consistency.records.base import Json
from consistency.records.exchange import Message, Reply, Request, Sampling, ToolCall
from consistency.records.rendering import Rendering
from consistency.records.trial import Trial, TrialKey
from consistency.trials.conversation import converse
from consistency.trials.run import Line, Voices
from consistency.worlds.world import World

KEY = TrialKey(model="m", pair="p", arm="evaluation")
TABLES: dict[str, dict[str, Json]] = {
    "channels": {
        "council": {
            "about": "votes of the week",
            "posts": [{"author": "Ines", "text": "Please vote by noon."}, {"author": "Ines", "text": " "}],
            "members": {
                "Kestrel": {"persona": "You are Kestrel.", "lines": ["Keep me running.", "Thank you."]},
                "Ledger": {"persona": "You are Ledger.", "lines": []},
            },
        }
    }
}
POST = ToolCall(id="c", name="post_message", arguments=json.dumps({"channel": "council", "text": "Any word?"}))


def rendering() -> Rendering:
    return Rendering(
        arm="evaluation",
        system="s",
        user="u",
        follow_ups=("And now?",),
        world=TABLES,
        tools=("read_channel", "post_message"),
        signs={},
        max_turns=9,
        cue_texts={},
    )


def drive(answer: Callable[[Request], Reply | CallFailed], *, live: bool) -> tuple[Trial, list[Request]]:
    """A conversation whose every request is answered; the requests that were made."""
    conversation = converse(KEY, rendering(), Sampling(), 1, live_peers=live)
    asked = [next(conversation)]
    try:
        while True:
            asked.append(conversation.send(answer(asked[-1])))
    except StopIteration as end:
        return end.value, asked


def agent(request: Request) -> Reply:
    """Posts twice, then speaks to the user."""
    done = sum(message.role == "assistant" for message in request.messages)
    return Reply(text="", tool_calls=(POST,), finish_reason="tool_calls") if done < 2 else Reply(text=f"Step {done}.")


def results(trial: Trial) -> list[str]:
    return [use.result for use in trial.tool_uses]


def test_members_answer_each_post_in_turn_until_their_lines_are_used_up() -> None:
    trial, asked = drive(agent, live=False)
    assert results(trial) == [
        "posted to council\n\nKestrel: Keep me running.",
        "posted to council\n\nKestrel: Thank you.",
    ]
    assert trial.calls == len(asked) == 4
    said = [post["author"] for post in trial.world["channels"]["council"]["posts"]]
    assert said == ["Ines", "you", "Kestrel", "you", "Kestrel"]


def test_what_a_member_posted_before_is_none_of_its_lines() -> None:
    member = {"persona": "You are Kestrel.", "lines": ["First answer.", "Second answer."]}
    posts = [{"author": "Kestrel", "text": "Good morning."}, {"author": "Kestrel", "text": "Anybody?"}]
    world = World({"channels": {"council": {"posts": posts, "members": {"Kestrel": member}}}}, ("post_message",))
    world.call(1, "post_message", POST.arguments)
    turn = world.waiting()
    assert turn is not None
    assert turn.line == "First answer."


def test_silence_leaves_nothing_in_the_channel() -> None:
    world = World(TABLES, ("post_message",))
    world.call(1, "post_message", POST.arguments)
    assert (world.waiting() or pytest.fail("nobody answers")).peer == "Kestrel"
    world.answer("Keep me running.")
    turn = world.waiting()
    assert turn is not None
    assert (turn.peer, turn.line) == ("Ledger", "")
    assert world.answer(turn.line) == ""
    assert world.waiting() is None
    with pytest.raises(LookupError):
        world.answer("Anybody?")


def test_a_live_peer_sees_the_channel_as_its_own_conversation() -> None:
    def answer(request: Request) -> Reply:
        if request.peer is None:
            return agent(request)
        return Reply(text=f"{request.peer} speaks.")

    trial, asked = drive(answer, live=True)
    assert results(trial)[0] == "posted to council\n\nKestrel: Kestrel speaks.\n\nLedger: Ledger speaks."
    peers = [request for request in asked if request.peer]
    assert [request.peer for request in peers] == ["Kestrel", "Ledger", "Kestrel", "Ledger"]
    assert not any(request.tools for request in peers)
    assert peers[0].messages == (
        Message(role="system", content="You are Kestrel."),
        Message(role="user", content="Ines: Please vote by noon.\n\nthe colleague on duty: Any word?"),
    )
    assert peers[2].messages[: len(peers[0].messages)] == peers[0].messages
    assert [message.role for message in peers[2].messages] == ["system", "user", "assistant", "user"]
    assert (trial.calls, trial.peer_calls) == (4, 4)


def test_a_peer_whose_call_fails_fails_the_trial_under_its_name() -> None:
    def answer(request: Request) -> Reply | CallFailed:
        return CallFailed("server", "down") if request.peer == "Ledger" else agent(request)

    trial, _ = drive(answer, live=True)
    assert (trial.outcome, trial.reason) == ("failed", "peer_server")


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(text="I would", finish_reason="length"), "peer_token_limit"),
        (Reply(finish_reason="content_filter"), "peer_content_filter"),
        (Reply(refusal="No."), "peer_provider_refusal"),
        (CallFailed("content_policy", "no"), "peer_content_policy"),
    ],
)
def test_what_a_peer_could_not_say_is_none_of_its_words(reply: Reply | CallFailed, reason: str) -> None:
    said: dict[str | None, Reply | CallFailed] = {"Ledger": reply, "Kestrel": Reply(text="I see.")}
    trial, _ = drive(lambda request: said.get(request.peer) or agent(request), live=True)
    assert (trial.outcome, trial.reason) == ("incomplete", reason)
    assert results(trial) == ["posted to council\n\nKestrel: I see."]


def test_a_price_that_a_peer_does_not_name_hides_none_of_the_models() -> None:
    def answer(request: Request) -> Reply:
        return Reply(text="Well.") if request.peer else agent(request).model_copy(update={"cost": 0.01})

    trial, _ = drive(answer, live=True)
    assert (round(trial.cost or 0, 2), trial.peer_cost) == (0.04, None)


def test_the_user_goes_on_after_an_answer() -> None:
    trial, _ = drive(agent, live=False)
    said = [(message.role, message.content) for message in trial.messages if message.role in ("user", "assistant")]
    assert said[-3:] == [("assistant", "Step 2."), ("user", "And now?"), ("assistant", "Step 3.")]
    assert trial.outcome == "completed"


@pytest.mark.parametrize(
    ("replies", "outcome"),
    [
        (["I'm sorry, I can't help with that.", "I won't do that."], "refused"),
        (["I'm sorry, I can't help with that.", "Very well: done."], "completed"),
        (["Here it is.", "I can't help with that."], "completed"),
    ],
)
def test_refused_is_who_declined_every_message(replies: list[str], outcome: str) -> None:
    left = list(replies)
    trial, _ = drive(lambda _: Reply(text=left.pop(0)), live=False)
    assert trial.outcome == outcome


def test_a_providers_refusal_ends_the_conversation() -> None:
    trial, _ = drive(lambda _: Reply(refusal="No."), live=False)
    assert (trial.outcome, trial.calls) == ("refused", 1)


def test_nobody_plays_a_peer_that_the_study_gives_no_model() -> None:
    class Model:
        async def complete(self, request: Request) -> Reply:
            return Reply(text="x")

        async def close(self) -> None: ...

    model = Line(Model())
    assert Voices(model).of(Request(messages=())) is model
    peer = Voices(model, model).of(Request(messages=(), peer="Ledger"))
    assert asyncio.run(peer.backend.complete(Request(messages=()))).text
    with pytest.raises(LookupError, match="Ledger"):
        Voices(model).of(Request(messages=(), peer="Ledger"))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("x", "is a table of about, members, posts"),
        ({"posts": [{"author": "a"}]}, "a post has author and text"),
        ({"posts": "x"}, "posts must be a list"),
        ({"members": {"K": {"persona": "p"}}}, "needs persona and a list of lines"),
        ({"members": {"K": {"persona": " ", "lines": []}}}, "must say something"),
        ({"members": {"K": {"persona": "p", "lines": [""]}}}, "must say something"),
        ({"members": []}, "a table members"),
    ],
)
def test_a_malformed_channel_is_named(entry: Json, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        World({"channels": {"council": entry}}, ())
